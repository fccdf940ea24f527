//! Podio's door, as Podio and strangers find it.

#![allow(clippy::unwrap_used, reason = "the helpers of tests are no test functions to clippy")]

use hooks::{MAX_BODY_BYTES, Settings, handle};
use lambda_http::{Body, Request, RequestExt, Response, http};
use podio_aws::settings::Settings as Source;
use podio_signatures::hook_key;
use proptest::prelude::*;

const DELIVERY: &str = "type=item.create&hook_id=7&item_id=9&item_revision_id=0";

fn settings() -> Settings {
    Settings { hook_secret: "hook-secret-for-tests".into() }
}

fn address() -> String {
    format!("/hooks/podio/app/12345/{}", hook_key::make(&settings().hook_secret, "app", "12345"))
}

fn send(method: &str, path: &str, body: &[u8]) -> Response<Body> {
    let request: Request = http::Request::builder().method(method).uri(path).body(Body::from(body.to_vec())).unwrap();
    handle(&settings(), &request)
}

fn status(method: &str, path: &str, body: &str) -> u16 {
    send(method, path, body.as_bytes()).status().as_u16()
}

#[test]
fn a_genuine_delivery_is_asked_for_again_since_nothing_keeps_it_yet() {
    let verify = "type=hook.verify&hook_id=7&code=b9079247";
    let json = r#"{"type": "space.member.add", "hook_id": 7}"#;
    for body in [DELIVERY, verify, json, "type=something.new"] {
        let answer = send("POST", &address(), body.as_bytes());
        assert_eq!(answer.status(), 503, "{body}");
        assert_eq!(answer.headers()["retry-after"], "60");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
}

#[test]
fn a_wrong_key_finds_no_door() {
    let right = address();
    let key = right.rsplit('/').next().unwrap();
    for path in [
        format!("/hooks/podio/app/12346/{key}"),
        format!("/hooks/podio/space/12345/{key}"),
        format!("/hooks/podio/app/12345/{}", key.to_uppercase()),
        format!("/hooks/podio/app/12345/{}", &key[1..]),
        format!("{right}/"),
        format!("{right}/more"),
        format!("/hooks/podio/app/0x1/{key}"),
        format!("/hooks/podio/App/12345/{key}"),
        "/hooks/podio/app/12345/".to_owned(),
        "/hooks/podio/app/12345".to_owned(),
        "/".to_owned(),
    ] {
        assert_eq!(status("POST", &path, DELIVERY), 404, "{path}");
    }
    assert_eq!(status("POST", "/hooks/podio/app/12345/00", "not even a delivery"), 404, "the key is looked at first");
}

#[test]
fn what_is_no_delivery_is_malformed() {
    for body in [
        "",
        "hello",
        "hook_id=7",
        "type=",
        "type=%20",
        "type=hook.verify&hook_id=7",
        "{",
        "{}",
        "[]",
        r#"{"type": null}"#,
        r#"{"type": "hook.verify", "hook_id": 7}"#,
    ] {
        assert_eq!(status("POST", &address(), body), 400, "{body}");
    }
    assert_eq!(send("POST", &address(), b"type=\xff").status(), 400);
}

#[test]
fn only_posts_of_a_reasonable_size_are_taken() {
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        let answer = send(method, &address(), b"");
        assert_eq!(answer.status(), 405, "{method}");
        assert_eq!(answer.headers()["allow"], "POST");
    }
    let fits = format!("type={}", "a".repeat(MAX_BODY_BYTES - 5));
    assert_eq!(status("POST", &address(), &fits), 503);
    assert_eq!(status("POST", &address(), &format!("{fits}a")), 413);
}

#[test]
fn behind_a_gateway_the_raw_path_counts() {
    let request: Request = http::Request::post("/somewhere/else").body(Body::from(DELIVERY)).unwrap();
    assert_eq!(handle(&settings(), &request.with_raw_http_path(address())).status(), 503);
}

#[test]
fn without_its_secret_the_function_does_not_start() {
    let error = Settings::read(&Source::new(|_| None)).unwrap_err();
    assert_eq!(error.to_string(), "HOOK_SECRET: is not set");
}

proptest! {
    #[test]
    fn no_body_is_ever_acknowledged(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let status = send("POST", &address(), &body).status();
        prop_assert!(status == 400 || status == 503);
    }

    #[test]
    fn no_path_but_the_right_one_gets_past_the_key(path in "/hooks/podio/[a-z_]{0,8}/[0-9]{0,8}/[0-9a-f]{0,64}") {
        prop_assert_eq!(status("POST", &path, DELIVERY), 404);
    }
}
