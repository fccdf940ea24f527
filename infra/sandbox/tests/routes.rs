//! Routes, errors, pages and shapes.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod support;

use podio_sandbox::population::{ACTING_ADMIN, LEAVER, ORG_ID};
use podio_sandbox::{Profile, Request};
use serde_json::{Value, json};
use support::Desk;

fn description(value: &Value) -> String {
    value["error_description"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_slash_too_many_or_too_few_is_another_route() {
    let mut desk = Desk::new(Profile::Documented);
    let leaver = desk.who(LEAVER);
    for (right, wrong) in [
        (format!("/org/{ORG_ID}/member/"), format!("/org/{ORG_ID}/member")),
        (format!("/org/{ORG_ID}/member/{leaver}"), format!("/org/{ORG_ID}/member/{leaver}/")),
        (format!("/org/{ORG_ID}/all_spaces/"), format!("/org/{ORG_ID}/all_spaces")),
        ("/org/".to_owned(), "/org".to_owned()),
    ] {
        desk.get(&right);
        let lost = desk.call("GET", &wrong);
        assert_eq!(lost.status, 404, "{wrong}");
        let expected = format!("No matching operation could be found. The path '{wrong}' was not found.");
        assert_eq!(description(&lost.value()), expected);
    }
}

#[test]
fn the_two_kinds_of_404_share_a_code_and_differ_in_text() {
    let mut desk = Desk::new(Profile::Documented);
    let missing = desk.call("GET", &format!("/org/{ORG_ID}/member/99"));
    let lost = desk.call("GET", &format!("/org/{ORG_ID}/members/99"));
    assert_eq!((missing.status, lost.status), (404, 404));
    assert_eq!(
        (missing.value()["error"].clone(), lost.value()["error"].clone()),
        (json!("not_found"), json!("not_found"))
    );
    assert_eq!(description(&missing.value()), "Object not found");
    assert!(description(&lost.value()).starts_with("No matching operation"));
    assert!(missing.header("x-podio-request-id").is_some());
    assert_eq!(missing.value()["request"]["method"], "GET");
}

#[test]
fn every_optional_route_is_a_404_when_switched_off() {
    let mut desk = Desk::new(Profile::Guide);
    let leaver = desk.who(LEAVER);
    for path in [
        format!("/org/{ORG_ID}/member/mail/{LEAVER}"),
        format!("/org/{ORG_ID}/member/search/?query=jane"),
        format!("/org/{ORG_ID}/member/{leaver}/space_member/"),
        format!("/org/{ORG_ID}/member/{leaver}/end_member_info"),
        format!("/org/{ORG_ID}/all_spaces/"),
    ] {
        let answer = desk.call("GET", &path);
        assert!(description(&answer.value()).starts_with("No matching operation"), "{path}");
    }
    desk.get(&format!("/user/{leaver}"));
}

#[test]
fn errors_speak_the_accounts_language_unless_english_is_asked_for() {
    let mut desk = Desk::with(Profile::Documented, &["error-language=localised"]);
    let target = format!("/org/{ORG_ID}/member/99");
    assert_eq!(description(&desk.call("GET", &target).value()), "Objekt nicht gefunden");
    let mut request = Request::new("GET", &target);
    request.headers.push(("accept-language".to_owned(), "en".to_owned()));
    assert_eq!(description(&desk.send(request).value()), "Object not found");
}

#[test]
fn rights_are_checked() {
    let mut desk = Desk::new(Profile::Documented);
    let leaver = desk.who(LEAVER);
    let acting = desk.who(ACTING_ADMIN);
    desk.token = desk.state.access_token(desk.now, "key", leaver);
    assert_eq!(desk.status("GET", &format!("/org/{ORG_ID}/member/")), 403);
    assert_eq!(desk.status("DELETE", &format!("/org/{ORG_ID}/member/{acting}")), 403);
    assert_eq!(desk.status("GET", "/org/99"), 404);
    assert_eq!(desk.get(&format!("/org/{ORG_ID}"))["role"], "regular");
}

#[test]
fn every_member_is_on_exactly_one_page() {
    let mut desk = Desk::new(Profile::Guide);
    let (mut seen, mut offset) = (Vec::new(), 0);
    loop {
        let page = desk.get(&format!("/org/{ORG_ID}/member/?offset={offset}"));
        let page = page.as_array().unwrap();
        seen.extend(page.iter().map(|member| member["user_id"].as_u64().unwrap()));
        offset += page.len();
        if page.len() < 20 {
            break;
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), offset), (60, 60));
}

#[test]
fn a_limit_over_the_maximum_is_cut_or_refused() {
    let target = format!("/org/{ORG_ID}/member/?limit=51");
    let mut desk = Desk::with(Profile::Guide, &["page-max=50", "over-max=clamp"]);
    assert_eq!(desk.get(&target).as_array().unwrap().len(), 50);
    let mut desk = Desk::with(Profile::Guide, &["page-max=50", "over-max=refuse"]);
    assert_eq!(desk.status("GET", &target), 400);
}

#[test]
fn a_query_finds_or_is_ignored() {
    let target = format!("/org/{ORG_ID}/member/?query=jane.doe&limit=100");
    assert_eq!(Desk::new(Profile::Documented).get(&target).as_array().unwrap().len(), 1);
    assert_eq!(Desk::new(Profile::Guide).get(&target).as_array().unwrap().len(), 60);
}

#[test]
fn members_are_nested_or_flat() {
    let mut desk = Desk::new(Profile::Documented);
    let leaver = desk.who(LEAVER);
    let target = format!("/org/{ORG_ID}/member/{leaver}");
    let nested = desk.get(&target);
    assert_eq!(nested["user"]["mail"], LEAVER);
    assert_eq!(nested["user"]["created_on"].as_str().unwrap().len(), "2026-01-02 03:04:05".len());
    assert_eq!(nested["profile"]["user_id"], json!(leaver));
    let flat = Desk::new(Profile::Guide).get(&target);
    assert_eq!(flat["user_id"], json!(leaver));
    assert_eq!(flat["mail"][0]["mail"], LEAVER);
    assert!(flat["created_on"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn names_of_foreign_spaces_are_hidden_from_an_org_admin() {
    let mut desk = Desk::new(Profile::Documented);
    let all = desk.get(&format!("/org/{ORG_ID}/all_spaces/"));
    let (named, hidden): (Vec<_>, Vec<_>) =
        all.as_array().unwrap().iter().partition(|space| space.get("name").is_some());
    assert_eq!(named.len(), desk.get(&format!("/space/org/{ORG_ID}/")).as_array().unwrap().len());
    assert!(!named.is_empty() && !hidden.is_empty());
}

#[test]
fn a_write_without_a_body_is_not_found() {
    let mut desk = Desk::new(Profile::Documented);
    let answer = desk.call("POST", &format!("/org/{ORG_ID}/admin/"));
    assert_eq!(answer.status, 404);
    assert!(description(&answer.value()).contains("No body was given"));
}

#[test]
fn an_id_in_quotes_is_refused() {
    let mut desk = Desk::new(Profile::Documented);
    let leaver = desk.who(LEAVER);
    let admin = |body: &Value| Request::new("POST", &format!("/org/{ORG_ID}/admin/")).json(body);
    assert_eq!(desk.send(admin(&json!({"user_id": leaver.to_string()}))).status, 400);
    assert_eq!(desk.send(admin(&json!({"user_id": leaver}))).status, 200);
    assert_eq!(desk.get(&format!("/org/{ORG_ID}/admin/")).as_array().unwrap().len(), 2);
    assert_eq!(desk.status("DELETE", &format!("/org/{ORG_ID}/admin/{leaver}")), 200);
}

#[test]
fn a_space_made_behind_our_back_is_listed_with_its_admin() {
    let mut desk = Desk::new(Profile::Documented);
    let made = desk.send(Request::new("POST", "/space/").json(&json!({"org_id": ORG_ID, "name": "New"}))).value();
    let members = desk.get(&format!("/space/{}/member/v2/", made["space_id"]));
    assert_eq!((members.as_array().unwrap().len(), members[0]["role"].clone()), (1, json!("admin")));
    assert_eq!(desk.get(&format!("/space/{}", made["space_id"]))["name"], "New");
}

#[test]
fn a_profile_keeps_what_is_not_sent_and_forgets_what_is_null() {
    let mut desk = Desk::new(Profile::Documented);
    let mut put = |body: Value| desk.send(Request::new("PUT", "/user/profile/").json(&body)).status;
    assert_eq!(put(json!({"about": "x", "city": "y"})), 200);
    assert_eq!(put(json!({"city": null, "name": "Alex A. Admin"})), 200);
    let acting = desk.who(ACTING_ADMIN);
    let profile = desk.get(&format!("/contact/user/{acting}"));
    assert_eq!((profile["about"].clone(), profile["name"].clone()), (json!("x"), json!("Alex A. Admin")));
    assert!(profile.get("city").is_none());
}
