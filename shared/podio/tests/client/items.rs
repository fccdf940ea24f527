//! Items as Podio shows them, and as nobody would expect them.

use podio_client::{
    DecodeFault, item,
    item::{Contact, Item, Start},
};
use podio_lifecycle::ids::{AppId, ItemId, UserId};
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(body: &Value) -> Item {
    item::get(ItemId(9)).decode(body.to_string().as_bytes()).unwrap()
}

fn leaver() -> Value {
    json!({
        "item_id": 9, "app": {"app_id": 5, "name": "Leavers"}, "external_id": null, "title": "Jane",
        "revision": 3, "current_revision": {"revision": 4, "created_on": "2026-11-01 09:00:00"},
        "fields": [
            {"field_id": 1, "external_id": "person", "type": "contact", "label": "Person",
             "values": [{"value": {"user_id": 7, "profile_id": 8, "name": "Jane Doe", "mail": ["jane@example.com"]}}]},
            {"field_id": 2, "external_id": "mail", "type": "email", "values": [{"type": "work", "value": "jane@example.com"}]},
            {"field_id": 3, "external_id": "last-day", "type": "date", "values": [
                {"start": "2026-12-01 00:00:00", "start_date": "2026-12-01", "start_time": null, "start_utc": "2026-12-01"}]},
            {"field_id": 4, "external_id": "reason", "type": "text", "values": [{"value": "<p>End of <b>contract</b></p>"}]},
            {"field_id": 5, "external_id": "kind", "type": "category", "values": [{"value": {"id": 2, "text": "resigned"}}]},
        ],
    })
}

#[test]
fn every_kind_of_field_is_read() {
    let request = item::get(ItemId(9));
    assert_eq!((request.method().as_str(), request.path_and_query().as_str()), ("GET", "/item/9"));
    let item = read(&leaver());
    assert_eq!((item.item_id, item.app_id, item.revision), (ItemId(9), Some(AppId(5)), Some(4)));
    let field = |name: &str| item.field(name).unwrap();
    let jane = Contact { user_id: Some(UserId(7)), mails: vec!["jane@example.com".into()] };
    assert_eq!(field("person").contacts(), [jane]);
    assert_eq!(field("mail").emails(), ["jane@example.com"]);
    assert_eq!(field("last-day").starts(), [Start::Day("2026-12-01".parse().unwrap())]);
    assert_eq!(field("reason").texts(), ["End of contract"]);
    assert_eq!(field("kind").choices(), ["resigned"]);
    assert_eq!(field("person").kind.as_deref(), Some("contact"));
    assert!(item.field("no-such-field").is_none());
    assert!(field("reason").contacts().is_empty() && field("reason").starts().is_empty());
}

#[test]
fn whatever_is_missing_is_absent_and_no_error() {
    let bare = read(&json!({"item_id": "9"}));
    assert_eq!((bare.app_id, bare.revision, bare.fields.len()), (None, None, 0));
    for fields in [json!(null), json!({}), json!("x"), json!([null, 7, {}, {"external_id": 3}])] {
        assert_eq!(read(&json!({"item_id": 9, "app": null, "fields": fields})).fields.len(), 0, "{fields}");
    }
    let values =
        [json!(null), json!([null, {}, {"value": null}, {"value": {}}, {"value": {"user_id": "x", "mail": 7}}])];
    for values in values {
        let item = read(&json!({"item_id": 9, "fields": [{"external_id": "person", "values": values}]}));
        assert_eq!(item.field("person").unwrap().contacts(), []);
    }
}

#[test]
fn a_contact_of_a_space_has_addresses_and_no_account() {
    let value = json!({"value": {"user_id": null, "profile_id": 8, "mail": ["joe@example.com", "joe@home.example"]}});
    let item = read(&json!({"item_id": 9, "fields": [{"external_id": "person", "values": [value]}]}));
    let joe = Contact { user_id: None, mails: vec!["joe@example.com".into(), "joe@home.example".into()] };
    assert_eq!(item.field("person").unwrap().contacts(), [joe]);
}

#[test]
fn what_is_no_item_is_an_error_and_nothing_of_an_item_is_printed() {
    for body in [json!([]), json!({}), json!({"item_id": 0}), json!({"item_id": null}), json!([[9]])] {
        let fault = item::get(ItemId(9)).decode(body.to_string().as_bytes()).map_err(|error| error.fault);
        assert_eq!(fault.unwrap_err(), DecodeFault::Shape, "{body}");
    }
    let shown = format!("{:?} {:?}", read(&leaver()), read(&leaver()).fields[0].contacts());
    assert!(!shown.contains("Jane") && !shown.contains('@') && !shown.contains("contract"), "{shown}");
}

proptest! {
    #[test]
    fn no_text_and_no_date_makes_a_reader_panic(text in ".{0,40}", start in "[0-9: -]{0,22}") {
        let value = json!({"value": text, "start": start, "start_time": text, "start_utc": start});
        let item = read(&json!({"item_id": 9, "fields": [{"external_id": "x", "values": [value]}]}));
        let field = item.field("x").unwrap();
        let _ = (field.texts(), field.emails(), field.starts(), field.contacts(), field.choices());
    }
}
