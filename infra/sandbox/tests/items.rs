//! Apps and items: what is written is read back as Podio shows it.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod support;

use podio_sandbox::population::{LEAVER, ORG_ID};
use podio_sandbox::state::{FieldKind, NewField};
use podio_sandbox::{AppId, Effect, Profile, Request, Response};
use serde_json::{Value, json};
use support::Desk;

/// A table of leavers in a space of the acting admin.
fn leavers_app(desk: &mut Desk) -> AppId {
    let space = desk.state.spaces_of_org(ORG_ID).next().unwrap().0;
    let fields = vec![
        NewField::new("title", FieldKind::Text),
        NewField::new("person", FieldKind::Contact),
        NewField::new("email", FieldKind::Email),
        NewField::new("last-day", FieldKind::Date),
        NewField::category("reason", ["resigned", "end of contract"]),
    ];
    desk.state.create_app(desk.now, space, "Leavers", fields)
}

fn post(desk: &mut Desk, app: AppId, fields: &Value) -> Response {
    desk.send(Request::new("POST", &format!("/item/app/{app}/")).json(&json!({"fields": fields})))
}

fn field<'a>(item: &'a Value, external_id: &str) -> &'a Value {
    item["fields"].as_array().unwrap().iter().find(|field| field["external_id"] == external_id).unwrap()
}

#[test]
fn an_item_shows_each_value_in_the_shape_of_its_type() {
    let mut desk = Desk::new(Profile::Documented);
    let app = leavers_app(&mut desk);
    let jane = desk.who(LEAVER);
    let profile = desk.state.people[&jane].profile_id;
    let fields = json!({
        "title": "Jane", "person": profile, "email": [{"type": "work", "value": LEAVER}],
        "last-day": {"start": "2026-12-01 17:00:00"}, "reason": 2,
    });
    let made = post(&mut desk, app, &fields).value();
    let item = desk.get(&format!("/item/{}", made["item_id"]));

    assert_eq!((&item["title"], &item["current_revision"]["revision"]), (&json!("Jane"), &json!(0)));
    assert_eq!(item["app"]["app_id"], json!(app));
    assert_eq!(item["app"]["space_id"], json!(desk.state.apps[&app].space_id));
    assert_eq!(field(&item, "title")["values"], json!([{"value": "Jane"}]));
    assert_eq!(field(&item, "email")["values"], json!([{"type": "work", "value": LEAVER}]));
    let person = &field(&item, "person")["values"][0]["value"];
    assert_eq!((&person["user_id"], &person["profile_id"]), (&json!(jane), &json!(profile)));
    assert_eq!((&person["name"], &person["mail"]), (&json!("Jane Doe"), &json!([LEAVER])));
    let day = &field(&item, "last-day")["values"][0];
    assert_eq!((&day["start"], &day["start_utc"]), (&json!("2026-12-01 17:00:00"), &json!("2026-12-01 17:00:00")));
    assert_eq!((&day["start_date"], &day["start_time"]), (&json!("2026-12-01"), &json!("17:00:00")));
    let reason = field(&item, "reason");
    assert_eq!(reason["values"], json!([{"value": {"id": 2, "text": "end of contract", "status": "active"}}]));
    assert_eq!((&reason["type"], &reason["label"]), (&json!("category"), &json!("Reason")));

    let app = desk.get(&format!("/app/{app}"));
    let names: Vec<_> = app["fields"].as_array().unwrap().iter().map(|field| field["external_id"].clone()).collect();
    assert_eq!(names, ["title", "person", "email", "last-day", "reason"]);
    assert_eq!(field(&app, "reason")["field_id"], reason["field_id"]);
}

#[test]
fn a_day_without_a_time_says_so() {
    let mut desk = Desk::new(Profile::Documented);
    let app = leavers_app(&mut desk);
    for given in [json!("2026-12-01"), json!({"start_date": "2026-12-01"}), json!([{"start": "2026-12-01"}])] {
        let made = post(&mut desk, app, &json!({"last-day": given})).value();
        let item = desk.get(&format!("/item/{}", made["item_id"]));
        let day = &field(&item, "last-day")["values"][0];
        assert_eq!((&day["start"], &day["start_utc"]), (&json!("2026-12-01 00:00:00"), &json!("2026-12-01")));
        assert_eq!((&day["start_time"], &day["start_date"]), (&Value::Null, &json!("2026-12-01")));
    }
}

#[test]
fn a_person_is_named_by_profile_account_or_address() {
    let mut desk = Desk::new(Profile::Documented);
    let app = leavers_app(&mut desk);
    let jane = desk.who(LEAVER);
    let profile = desk.state.people[&jane].profile_id;
    let ways = [json!(profile), json!({"type": "user", "id": jane}), json!({"type": "mail", "id": LEAVER})];
    for way in ways {
        let made = post(&mut desk, app, &json!({"person": way})).value();
        let item = desk.get(&format!("/item/{}", made["item_id"]));
        assert_eq!(field(&item, "person")["values"][0]["value"]["user_id"], json!(jane), "{way}");
    }
}

#[test]
fn a_change_keeps_what_is_not_sent_and_counts_as_a_revision() {
    let mut desk = Desk::new(Profile::Documented);
    let app = leavers_app(&mut desk);
    let made = post(&mut desk, app, &json!({"title": "Jane", "reason": "resigned"})).value();
    let target = format!("/item/{}", made["item_id"]);
    let mut put = |body: Value| desk.send(Request::new("PUT", &target).json(&body));
    assert_eq!(put(json!({"fields": {"title": "Jane D."}, "revision": 0})).value()["revision"], 1);
    assert_eq!(put(json!({"fields": {"title": "J."}, "revision": 0})).status, 409, "somebody was faster");
    assert_eq!(put(json!({"fields": {"reason": []}})).value()["revision"], 2);
    let item = desk.get(&target);
    assert_eq!((&item["title"], &item["revision"]), (&json!("Jane D."), &json!(2)));
    assert_eq!(item["fields"].as_array().unwrap().len(), 1, "a field without a value is not shown");
}

#[test]
fn what_a_field_cannot_hold_is_refused_and_nothing_is_made() {
    let mut desk = Desk::new(Profile::Documented);
    let app = leavers_app(&mut desk);
    for fields in [
        json!({"nickname": "J"}),
        json!({"title": 5}),
        json!({"reason": 3}),
        json!({"reason": "unheard of"}),
        json!({"last-day": "tomorrow"}),
        json!({"person": 99}),
        json!("title"),
    ] {
        assert_eq!(post(&mut desk, app, &fields).status, 400, "{fields}");
    }
    assert!(desk.state.items.is_empty());
    assert_eq!(post(&mut desk, AppId(99), &json!({})).status, 404);
}

#[test]
fn a_deleted_item_is_gone_or_was_never_there() {
    for (switch, status) in [("gone", 410), ("not-found", 404)] {
        let mut desk = Desk::with(Profile::Documented, &[&format!("deleted-item={switch}")]);
        let app = leavers_app(&mut desk);
        let made = post(&mut desk, app, &json!({"title": "Jane"})).value();
        let target = format!("/item/{}", made["item_id"]);
        assert_eq!(desk.status("DELETE", &target), 200);
        assert!(matches!(desk.effects()[..], [Effect::ItemDeleted { .. }]));
        assert_eq!(desk.status("GET", &target), status);
        assert_eq!(desk.status("DELETE", &target), status);
        let put = Request::new("PUT", &target).json(&json!({"fields": {}}));
        assert_eq!(desk.send(put).status, status);
        assert_eq!(desk.status("GET", "/item/99"), 404);
    }
}

#[test]
fn who_is_not_in_the_space_sees_neither_app_nor_item() {
    let mut desk = Desk::new(Profile::Documented);
    let app = leavers_app(&mut desk);
    let made = post(&mut desk, app, &json!({"title": "Jane"})).value();
    let stranger = desk.state.create_person(desk.now, "Sam Stranger", "sam@example.org");
    desk.token = desk.state.access_token(desk.now, "key", stranger);
    assert_eq!(desk.status("GET", &format!("/app/{app}")), 403);
    assert_eq!(desk.status("GET", &format!("/item/{}", made["item_id"])), 403);
    assert_eq!(desk.status("DELETE", &format!("/item/{}", made["item_id"])), 403);
    assert_eq!(post(&mut desk, app, &json!({"title": "Mine"})).status, 403);
}
