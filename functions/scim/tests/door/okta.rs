//! Okta's requests, in Okta's order: its SPEC test (12 requests) and its CRUD test.

use serde_json::{Value, json};

use crate::world::{World, jane, mail};

fn is_text(value: &Value, pointers: &[&str]) {
    for pointer in pointers {
        let found = value.pointer(pointer).and_then(Value::as_str);
        assert!(found.is_some_and(|text| !text.is_empty()), "{pointer}: {value}");
    }
}

#[tokio::test]
async fn spec_sequence_passes() {
    let world = World::new();
    world.created(&json!({"userName": "first@example.com", "displayName": "First Person"})).await;

    // 1 to 3: the list, a user of it, and somebody who is not there.
    let list = world.get("/Users?count=1&startIndex=1").await;
    assert_eq!(list.status, 200);
    let list = list.json();
    assert_eq!(list["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    for number in ["itemsPerPage", "startIndex", "totalResults"] {
        assert!(list[number].is_u64(), "{number}");
    }
    let first = &list["Resources"][0];
    is_text(first, &["/id", "/name/familyName", "/name/givenName", "/userName", "/emails/0/value"]);
    assert!(first["active"].is_boolean());
    let id = first["id"].as_str().unwrap();
    assert_eq!(world.get(&format!("/Users/{id}")).await.json()["id"], *id);
    let nobody = world.get("/Users?filter=userName%20eq%20%22abcdefgh%40atko.com%22").await;
    assert_eq!((nobody.status, &nobody.json()["totalResults"]), (200, &json!(0)));

    // 4: an id that is not known; 5 and 6: a new user, who is then in the list.
    assert_eq!(world.get("/Users/010101001010101011001010101011").await.error(404), "");
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "runscope300@atko.com",
        "name": {"givenName": "Runscope", "familyName": "300"},
        "emails": [{"primary": true, "value": "runscope300@atko.com", "type": "work"}],
        "displayName": "Runscope 300", "active": true,
    });
    let created = world.call("POST", "/Users", &body).await;
    assert_eq!(created.status, 201);
    let created = created.json();
    assert_eq!(created["name"], body["name"]);
    let id = created["id"].as_str().unwrap();
    assert_eq!(world.get(&format!("/Users/{id}")).await.json()["userName"], "runscope300@atko.com");

    // 7: the same user once more; 8: the name in another case.
    assert_eq!(world.call("POST", "/Users", &body).await.error(409), "uniqueness");
    assert_eq!(world.found("userName eq \"RUNSCOPE300@ATKO.COM\"").await.len(), 1);

    // 9 and 10: groups; 11 and 12: a wrong token, a bad request.
    assert_eq!(world.get("/Groups").await.json()["totalResults"], 0);
    assert_eq!(world.get("/Groups?count=1&startIndex=1").await.status, 200);
    world.call_as("a-token-of-nobody-0123456789", "GET", "/Users", "").await.error(401);
    world.call("POST", "/Users", &json!({"schemas": []})).await.error(400);
    assert_eq!(world.offboardings().await, []);
}

#[tokio::test]
async fn crud_sequence_ends_in_the_offboarding_that_was_asked_for() {
    let world = World::new();
    assert_eq!(world.found("userName eq \"jane.doe@example.com\"").await, Vec::<Value>::new());
    let id = world.created(&jane()).await;
    let path = format!("/Users/{id}");

    // A wizard app pushes the profile as a whole, with what the server has said.
    let mut whole = world.get(&path).await.json();
    whole["name"]["familyName"] = "Smith".into();
    whole["displayName"] = "Jane Smith".into();
    let put = world.call("PUT", &path, &whole).await;
    assert_eq!((put.status, &put.json()["name"]["familyName"]), (200, &json!("Smith")));
    assert_eq!(world.get(&path).await.json()["displayName"], "Jane Smith");
    assert_eq!(world.offboardings().await, []);

    // Deactivated, looked for, reactivated in time, deactivated for good.
    world.patch(&id, json!([{"op": "replace", "value": {"active": false}}])).await.shows_inactive();
    assert_eq!(world.found("userName eq \"jane.doe@example.com\"").await[0]["active"], false);
    let back = world.patch(&id, json!([{"op": "replace", "value": {"active": true}}])).await;
    assert_eq!((back.status, &back.json()["active"]), (200, &json!(true)));
    whole["active"] = false.into();
    world.call("PUT", &path, &whole).await.shows_inactive();

    let all = world.offboardings().await;
    let states: Vec<_> = all.iter().map(|offboarding| offboarding.state.name()).collect();
    assert_eq!(states, ["planning", "cancelled"]);
    assert!(all.iter().all(|offboarding| offboarding.request.person == mail("jane@example.com")));
}
