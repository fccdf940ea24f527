//! Each shape in which providers deactivate a user ends in exactly one offboarding, however often it is sent.

use podio_lifecycle::{actor::ActorKind, source::Source};
use serde_json::{Value, json};

use crate::world::{USER, World, jane, mail};

/// One request that deactivates: the method, and its body.
fn corpus() -> Vec<(&'static str, &'static str, Value)> {
    let patch = |operations: Value| json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    let mut whole = jane();
    whole["active"] = false.into();
    let mut text = jane();
    text["active"] = "False".into();
    vec![
        ("Okta's catalogue apps", "PATCH", patch(json!([{"op": "replace", "value": {"active": false}}]))),
        ("Okta's wizard apps", "PUT", whole),
        ("Entra's default", "PATCH", patch(json!([{"op": "Replace", "path": "active", "value": "False"}]))),
        ("Entra with its flag", "PATCH", patch(json!([{"op": "replace", "path": "active", "value": false}]))),
        (
            "Entra without paths",
            "PATCH",
            patch(json!([{"op": "Replace", "value": {"active": "False", "name.givenName": "J"}}])),
        ),
        ("added", "PATCH", patch(json!([{"op": "Add", "path": "active", "value": "false"}]))),
        ("a URN as path", "PATCH", patch(json!([{"op": "replace", "path": format!("{USER}:active"), "value": false}]))),
        ("a schema as path", "PATCH", patch(json!([{"op": "replace", "path": USER, "value": {"active": false}}]))),
        ("a URN as key", "PATCH", patch(json!([{"op": "replace", "value": {format!("{USER}:active"): false}}]))),
        ("a schema as key", "PATCH", patch(json!([{"op": "replace", "value": {USER: {"active": "False"}}}]))),
        ("a list of one", "PATCH", patch(json!([{"op": "Replace", "path": "active", "value": [{"value": "False"}]}]))),
        ("other case", "PATCH", json!({"operations": [{"OP": "REPLACE", "Path": "ACTIVE", "Value": "FALSE"}]})),
        (
            "several operations",
            "PATCH",
            patch(json!([
                {"op": "replace", "path": "displayName", "value": "Gone"},
                {"op": "replace", "path": "title", "value": "None"},
                {"op": "remove", "path": "emails[type eq \"home\"]"},
                {"op": "replace", "path": "active", "value": false},
            ])),
        ),
        ("a text in a whole user", "PUT", text),
        ("the least of a user", "PUT", json!({"userName": "jane.doe@example.com", "active": false})),
    ]
}

#[tokio::test]
async fn every_shape_starts_exactly_one_offboarding() {
    for (name, method, body) in corpus() {
        let world = World::new();
        let id = world.created(&jane()).await;
        let path = format!("/Users/{id}");
        for attempt in 0..3 {
            let reply = world.call(method, &path, &body).await;
            assert_eq!((reply.status, &reply.json()["active"]), (200, &json!(false)), "{name}, {attempt}");
        }
        let offboarding = world.only_offboarding().await;
        assert_eq!(offboarding.request.person, mail("jane@example.com"), "{name}");
        assert_eq!(offboarding.request.source, Source::Scim { name: "okta".into() });
        assert_eq!(offboarding.request.source.actor().kind, ActorKind::Scim);
        assert_eq!(offboarding.state.name(), "planning", "{name}");
        assert_eq!(world.queue.take(), 1, "{name}: the worker is told once");
        assert_eq!(world.get(&path).await.json()["active"], false, "{name}");
        assert_eq!(world.found("userName eq \"JANE.DOE@example.com\"").await[0]["active"], false, "{name}");

        // Deleted as well, nobody leaves twice.
        assert_eq!(world.delete(&id).await.status, 204);
        world.only_offboarding().await;
    }
}

#[tokio::test]
async fn deletion_starts_exactly_one_offboarding() {
    let world = World::new();
    let id = world.created(&jane()).await;
    assert_eq!(world.delete(&id).await.status, 204);
    let offboarding = world.only_offboarding().await;
    assert_eq!(offboarding.request.person, mail("jane@example.com"));
    assert_eq!(offboarding.request.reason.as_deref(), Some("Deleted by the identity provider"));
    world.delete(&id).await.error(404);
    world.get(&format!("/Users/{id}")).await.error(404);
    assert_eq!(world.patch(&id, json!([{"op": "replace", "path": "active", "value": false}])).await.error(404), "");
    world.only_offboarding().await;

    // The name is free, and the new user is another one.
    let again = world.created(&jane()).await;
    assert_ne!(again, id);
    world.delete(&again).await;
    world.only_offboarding().await;
}

#[tokio::test]
async fn nothing_but_active_starts_anything() {
    let world = World::new();
    let id = world.created(&jane()).await;
    for operations in [
        json!([{"op": "replace", "path": "displayName", "value": "Joan"}]),
        json!([{"op": "replace", "path": "active", "value": "True"}]),
        json!([{"op": "remove", "path": "emails"}]),
        json!([{"op": "replace", "value": {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"active": false}}}]),
        json!([{"op": "replace", "path": "active", "value": false}, {"op": "replace", "path": "active", "value": true}]),
        json!([{"op": "replace", "path": "password", "value": "secret"}]),
    ] {
        assert_eq!(world.patch(&id, operations.clone()).await.status, 200, "{operations}");
    }
    for operations in [
        json!([{"op": "replace", "path": "active", "value": "no"}]),
        json!([{"op": "remove", "path": "active"}]),
        json!([{"op": "replace", "path": "active", "value": false}, {"op": "replace", "path": "userName", "value": ""}]),
    ] {
        world.patch(&id, operations).await.error(400);
    }
    assert_eq!(world.offboardings().await, []);
    assert!(world.user(&id).await.wish.active);
}
