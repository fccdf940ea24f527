//! POST, PUT and PATCH.

use podio_lifecycle::scim::{Changed, Email, Fault, Name, Wish, create, patch, replace};
use serde_json::{Value, json};

fn jane() -> Wish {
    Wish {
        external_id: Some("00u1".into()),
        name: Name { formatted: None, given: Some("Jane".into()), family: Some("Doe".into()) },
        display_name: Some("Jane Doe".into()),
        emails: vec![Email { value: "jane@example.com".into(), kind: Some("work".into()), primary: Some(true) }],
        ..Wish::named("jane@example.com")
    }
}

fn patched(operations: Value) -> Changed {
    patch(&jane(), &json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}))
        .unwrap_or_else(|refused| panic!("{operations}: {refused}"))
}

fn fault(operations: Value) -> Fault {
    let refused = patch(&jane(), &json!({"Operations": operations})).unwrap_err();
    assert!(!refused.to_string().contains("jane"), "{refused}");
    refused.fault
}

/// One operation.
fn op(op: &str, path: &str, value: Value) -> Value {
    json!([{"op": op, "path": path, "value": value}])
}

#[test]
fn every_shape_of_inactive_is_inactive() {
    let urn = "urn:ietf:params:scim:schemas:core:2.0:User";
    for operations in [
        json!([{"op": "replace", "value": {"active": false}}]),
        json!([{"op": "Replace", "path": "active", "value": "False"}]),
        json!([{"op": "replace", "path": "active", "value": false}]),
        json!([{"op": "Add", "path": "active", "value": "false"}]),
        json!([{"op": "REPLACE", "path": "Active", "value": " FALSE "}]),
        json!([{"op": "replace", "path": format!("{urn}:active"), "value": false}]),
        json!([{"op": "replace", "path": urn, "value": {"active": "False"}}]),
        json!([{"op": "replace", "value": {format!("{urn}:active"): "False"}}]),
        json!([{"op": "replace", "value": {urn: {"active": false}}}]),
        json!([{"op": "replace", "path": null, "value": {"ACTIVE": "false", "title": "x"}}]),
        json!([{"op": "replace", "path": "", "value": {"active": false}}]),
        json!([{"op": "Replace", "path": "active", "value": [{"$ref": null, "value": "False"}]}]),
        json!([{"op": "replace", "path": "active", "value": {"value": false}}]),
        json!([{"op": "replace", "path": "active", "value": true}, {"op": "replace", "path": "active", "value": false}]),
        json!([{"op": "replace", "path": "title", "value": "x"}, {"op": "replace", "value": {"active": false, "password": "p"}}]),
    ] {
        let changed = patched(operations.clone());
        assert!(!changed.wish.active && changed.states_active, "{operations}");
        assert_eq!(Wish { active: true, ..changed.wish }, jane(), "{operations}: nothing else");
    }
    let put = replace(&jane(), &json!({"userName": "jane@example.com", "active": "False"})).unwrap();
    assert!(!put.wish.active && put.states_active);
}

#[test]
fn last_operation_on_an_attribute_counts() {
    let back = json!([{"op": "replace", "path": "active", "value": false}, {"op": "replace", "path": "active", "value": "True"}]);
    assert!(patched(back).wish.active);
}

#[test]
fn what_is_not_a_truth_value_is_refused() {
    for value in [json!("no"), json!(0), json!([]), json!([false, true]), json!({}), json!("")] {
        assert_eq!(fault(op("replace", "active", value.clone())), Fault::InvalidValue, "{value}");
    }
    for operation in [
        op("remove", "active", json!(null)),
        op("replace", "active", json!(null)),
        op("remove", "userName", json!("x")),
    ] {
        assert_eq!(fault(operation), Fault::Mutability);
    }
}

#[test]
fn one_bad_operation_undoes_all() {
    let operations = json!([{"op": "replace", "path": "active", "value": false}, {"op": "move", "path": "active"}]);
    assert_eq!(fault(operations), Fault::InvalidSyntax);
}

#[test]
fn malformed_operations_name_their_fault() {
    for (operations, expected) in [
        (json!([]), Fault::InvalidSyntax),
        (json!("x"), Fault::InvalidSyntax),
        (json!([1]), Fault::InvalidSyntax),
        (json!([{"path": "active", "value": false}]), Fault::InvalidSyntax),
        (json!([{"op": "replace", "path": "active"}]), Fault::InvalidValue),
        (json!([{"op": "replace", "value": false}]), Fault::InvalidValue),
        (json!([{"op": "replace", "path": 5, "value": false}]), Fault::InvalidPath),
        (json!([{"op": "replace", "path": "emails[type ne \"work\"]", "value": "x"}]), Fault::InvalidPath),
        (json!([{"op": "replace", "value": {"emails[type": "x"}}]), Fault::InvalidPath),
        (json!([{"op": "remove"}]), Fault::NoTarget),
        (json!([{"op": "replace", "value": {"active": false, "ACTIVE": true}}]), Fault::InvalidSyntax),
        (json!([{"op": "replace", "path": "userName", "value": ""}]), Fault::InvalidValue),
        (json!([{"op": "replace", "path": "userName", "value": 5}]), Fault::InvalidValue),
        (json!([{"op": "replace", "path": "displayName", "value": "x".repeat(321)}]), Fault::InvalidValue),
        (json!([{"op": "add", "path": "emails", "value": "jane@example.com"}]), Fault::InvalidValue),
        (json!(vec![json!({"op": "remove", "path": "title"}); 101]), Fault::TooMany),
    ] {
        assert_eq!(fault(operations.clone()), expected, "{operations}");
    }
}

#[test]
fn dotted_keys_and_urns_reach_their_attribute() {
    let changed = patched(json!([{"op": "replace", "value": {
        "name.givenName": "Joan", "urn:ietf:params:scim:schemas:core:2.0:User:displayName": "Joan Doe",
        "emails[type eq \"work\"].value": "joan@example.com", "externalId": "00u2",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D", "active": false},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager": {"value": "x"},
    }}]))
    .wish;
    assert_eq!(changed.name.given.as_deref(), Some("Joan"));
    assert_eq!(changed.display_name.as_deref(), Some("Joan Doe"));
    assert_eq!(changed.emails[0].value, "joan@example.com");
    assert_eq!(changed.external_id.as_deref(), Some("00u2"));
    assert!(changed.active, "an extension's attribute is another one");
}

#[test]
fn null_removes() {
    for path in ["externalId", "displayName", "name", "emails"] {
        let (null, gone) =
            (patched(op("replace", path, json!(null))), patched(json!([{"op": "remove", "path": path}])));
        assert_eq!(null, gone, "{path}");
        assert_ne!(null.wish, jane(), "{path}");
    }
    let wish = patched(json!([{"op": "Add", "value": {"name.familyName": null}}])).wish;
    assert_eq!((wish.name.given.as_deref(), wish.name.family), (Some("Jane"), None));
}

#[test]
fn addresses_are_chosen_as_microsoft_does() {
    let bare = Wish { emails: vec![], ..jane() };
    let add = json!({"Operations": op("Add", "emails[type eq \"work\"].value", json!("j@example.com"))});
    let made = patch(&bare, &add).unwrap().wish.emails;
    assert_eq!(made, [Email { value: "j@example.com".into(), kind: Some("work".into()), primary: None }]);

    let other = op("Add", "emails", json!([{"type": "home", "value": "j@home.example", "primary": true}]));
    let both = patched(other).wish;
    assert_eq!(both.emails.len(), 2);
    assert_eq!(both.emails[0].primary, Some(false), "one is primary");
    let without = json!({"Operations": [{"op": "Remove", "path": "emails[type eq \"work\"]"}]});
    assert_eq!(patch(&both, &without).unwrap().wish.emails, both.emails[1..]);
    let by_value = json!({"Operations": op("remove", "emails", json!([{"value": "J@home.example"}]))});
    assert_eq!(patch(&both, &by_value).unwrap().wish.emails, both.emails[..1]);
    let which = json!({"Operations": op("replace", "emails.value", json!("x@example.com"))});
    assert_eq!(patch(&both, &which).unwrap_err().fault, Fault::NoTarget);
    assert_eq!(
        patched(op("add", "emails", json!([{"type": "work", "value": "jane@example.com", "primary": true}]))).wish,
        jane()
    );
}

#[test]
fn user_is_created_from_what_is_kept() {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "USERNAME": "jane@example.com", "externalId": "00u1",
        "name": {"givenName": "Jane", "familyName": "Doe", "middleName": "X"}, "displayName": "Jane Doe", "locale": "en-US",
        "emails": [{"primary": true, "value": "jane@example.com", "type": "work", "display": "x"}, {"type": "home", "value": null}],
        "groups": [], "password": "secret", "active": true, "roles": [{"value": "x"}], "id": "theirs", "meta": {"x": 1},
    });
    let created = create(&body).unwrap();
    assert_eq!(created, Changed { wish: jane(), states_active: true });
    assert_eq!(create(&json!({"userName": "x"})).unwrap().wish, Wish::named("x"));
    for body in [json!({}), json!({"userName": " "}), json!({"userName": null}), json!({"not": "a user"}), json!([])] {
        assert!(create(&body).is_err(), "{body}");
    }
}

#[test]
fn put_clears_what_it_leaves_out_but_brings_nobody_back() {
    let inactive = Wish { active: false, ..jane() };
    for body in [json!({"userName": "jane"}), json!({"userName": "jane", "active": null})] {
        let put = replace(&inactive, &body).unwrap();
        assert_eq!(put, Changed { wish: Wish { active: false, ..Wish::named("jane") }, states_active: false });
    }
    assert!(replace(&inactive, &json!({"userName": "jane", "active": true})).unwrap().wish.active);
}
