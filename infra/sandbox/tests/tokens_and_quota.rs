//! The life of tokens, and what a spent quota says.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod support;

use podio_sandbox::config::{AUTHORIZATION_CODE, CLIENT_ID, CLIENT_SECRET, PASSWORD, REFRESH_TOKEN, USERNAME};
use podio_sandbox::{Bucket, Profile, Request, Response};
use serde_json::{Value, json};
use support::Desk;

fn refresh(desk: &mut Desk, token: &str) -> Response {
    grant(desk, &[("grant_type", "refresh_token"), ("refresh_token", token)])
}

fn grant(desk: &mut Desk, fields: &[(&str, &str)]) -> Response {
    let mut form = vec![("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
    form.extend(fields);
    desk.state.answer(desk.now, &Request::new("POST", "/oauth/token").form(&form)).response
}

#[test]
fn an_access_token_dies_after_eight_hours_and_a_refresh_brings_another() {
    let mut desk = Desk::new(Profile::Documented);
    let granted = refresh(&mut desk, REFRESH_TOKEN).value();
    assert_eq!(granted["expires_in"], 28_800);
    desk.token = granted["access_token"].as_str().unwrap().to_owned();
    desk.wait(8 * 3_600 - 1);
    desk.get("/user/status");
    desk.wait(1);
    let dead = desk.call("GET", "/user/status");
    assert_eq!((dead.status, dead.value()["error_description"].clone()), (401, json!("expired_token")));
    assert!(dead.header("www-authenticate").unwrap().contains("expired_token"));
    assert!(dead.header("x-rate-limit-limit").is_none(), "what is not authenticated is not counted");
    let again = refresh(&mut desk, granted["refresh_token"].as_str().unwrap());
    assert_eq!(again.status, 200);
}

#[test]
fn a_refresh_token_rotates_as_the_switch_says() {
    for (switch, same_back, old_works) in [
        ("same", Some(true), true),
        ("new-old-invalid", Some(false), false),
        ("new-old-valid", Some(false), true),
        ("none-returned", None, true),
    ] {
        let mut desk = Desk::with(Profile::Documented, &[&format!("refresh-rotation={switch}")]);
        let granted = refresh(&mut desk, REFRESH_TOKEN).value();
        let returned = granted.get("refresh_token").and_then(Value::as_str);
        assert_eq!(returned.map(|token| token == REFRESH_TOKEN), same_back, "{switch}");
        let old = refresh(&mut desk, REFRESH_TOKEN);
        assert_eq!(old.status, if old_works { 200 } else { 400 }, "{switch}");
        if !old_works {
            assert_eq!(old.value()["error"], "invalid_grant");
        }
    }
}

#[test]
fn a_refresh_token_dies_after_28_days() {
    let mut desk = Desk::new(Profile::Documented);
    desk.wait(28 * 24 * 3_600);
    assert_eq!(refresh(&mut desk, REFRESH_TOKEN).value()["error"], "invalid_grant");
}

#[test]
fn every_grant_is_judged_by_its_own_rules() {
    let mut desk = Desk::new(Profile::Documented);
    let password = |password| [("grant_type", "password"), ("username", USERNAME), ("password", password)];
    let code = [("grant_type", "authorization_code"), ("code", AUTHORIZATION_CODE)];
    assert_eq!(grant(&mut desk, &password(PASSWORD)).status, 200);
    assert_eq!(grant(&mut desk, &password("wrong")).value()["error_detail"], "user.invalid.password");
    assert_eq!(grant(&mut desk, &code).status, 200);
    assert_eq!(grant(&mut desk, &code).status, 400, "a code is good once");
    assert_eq!(grant(&mut desk, &[("grant_type", "client_credentials")]).status, 403);
    assert_eq!(grant(&mut Desk::new(Profile::Guide), &[("grant_type", "client_credentials")]).status, 200);
}

#[test]
fn each_token_endpoint_reads_one_encoding() {
    let mut desk = Desk::new(Profile::Documented);
    let fields = [
        ("client_id", CLIENT_ID),
        ("client_secret", "wrong"),
        ("grant_type", "refresh_token"),
        ("refresh_token", REFRESH_TOKEN),
    ];
    let object: Value = fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let mut send = |request: Request| desk.state.answer(desk.now, &request).response.value();
    let v1 = || Request::new("POST", "/oauth/token");
    let v2 = || Request::new("POST", "/oauth/token/v2");
    assert_eq!(send(v1().form(&fields))["error_detail"], "oauth.client.invalid_secret");
    assert_eq!(send(v2().json(&object))["error_detail"], "oauth.client.invalid_secret");
    assert_eq!(send(v1().json(&object))["error_description"], "Missing parameter client_id");
    assert_eq!(send(v2().form(&fields))["error"], "invalid_value");
}

#[test]
fn the_authorization_header_is_judged_before_anything_else() {
    let mut desk = Desk::new(Profile::Documented);
    let mut judge = |header: Option<&str>| {
        let mut request = Request::new("GET", "/user/status");
        request.headers.extend(header.map(|value| ("authorization".to_owned(), value.to_owned())));
        let response = desk.state.answer(desk.now, &request).response;
        (response.status, response.value()["error_description"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(judge(None), (401, "invalid_request".to_owned()));
    assert_eq!(judge(Some("OAuth2 bogus")), (401, "expired_token".to_owned()));
    assert_eq!(judge(Some("Bearer bogus")), (401, "expired_token".to_owned()));
    assert_eq!(judge(Some("OAuth2 ")), (400, "Invalid authorization header".to_owned()));
}

#[test]
fn a_spent_quota_tells_the_wait_in_every_way() {
    for (switch, header, text) in
        [("header", true, false), ("text", false, true), ("http-date", true, false), ("untold", false, false)]
    {
        let mut desk = Desk::with(Profile::Guide, &[&format!("rate-limit-wait={switch}")]);
        desk.state.limiter.quota.limit = 2;
        assert_eq!(desk.call("GET", "/user/status").header("x-rate-limit-remaining"), Some("1"));
        assert_eq!(desk.call("GET", "/user/status").header("x-rate-limit-remaining"), Some("0"));
        desk.wait(600);
        let refused = desk.call("GET", "/user/status");
        assert_eq!((refused.status, refused.value()["error"].clone()), (420, json!("rate_limit")));
        assert_eq!(refused.header("retry-after").is_some(), header, "{switch}");
        let description = refused.value()["error_description"].as_str().unwrap().to_owned();
        assert_eq!(description.contains("wait 3000 seconds"), text, "{switch}: {description}");
        assert_eq!(desk.state.log.rejections(), 1);
        desk.wait(3_000);
        desk.get("/user/status");
    }
}

#[test]
fn the_headers_name_the_ceiling_that_counted_the_call() {
    let mut desk = Desk::new(Profile::Documented);
    assert_eq!(desk.call("GET", "/user/status").header("x-rate-limit-limit"), Some("1000"));
    assert_eq!(desk.call("GET", "/org/4711/member/").header("x-rate-limit-limit"), Some("250"));
    let buckets: Vec<_> = desk.state.log.calls().iter().filter_map(|call| call.bucket).collect();
    assert_eq!(buckets, [Bucket::General, Bucket::Heavy]);
}

#[test]
fn the_token_endpoint_has_a_limiter_of_its_own() {
    let mut desk = Desk::new(Profile::Guide);
    desk.state.limiter.quota.token_limit = 1;
    assert_eq!(refresh(&mut desk, REFRESH_TOKEN).status, 200);
    let refused = refresh(&mut desk, REFRESH_TOKEN);
    assert_eq!((refused.status, refused.header("retry-after")), (420, Some("300")));
    desk.get("/user/status");
}
