//! What Microsoft's validator checks, and what Entra ID's provisioning service sends.

use serde_json::{Value, json};

use crate::world::{USER, World, mail};

fn user(n: usize) -> Value {
    json!({
        "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "userName": format!("user{n}@contoso.example"), "externalId": format!("0a21f0f2-8d2a-4f8e-{n}"), "active": true,
        "displayName": format!("User {n}"), "emails": [{"primary": true, "type": "work", "value": format!("user{n}@contoso.example")}],
        "meta": {"resourceType": "User"}, "name": {"formatted": format!("User {n}"), "familyName": format!("{n}"), "givenName": "User"},
        "roles": [], "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D"},
    })
}

#[tokio::test]
async fn schema_is_published() {
    let world = World::new();
    let schemas = world.get("/Schemas").await.json();
    let names: Vec<_> =
        schemas["Resources"][0]["attributes"].as_array().unwrap().iter().map(|each| each["name"].clone()).collect();
    assert_eq!(names, ["userName", "name", "displayName", "emails", "active"]);
}

#[tokio::test]
async fn eleven_users_come_in_pages_of_five() {
    let world = World::new();
    for n in 0..11 {
        world.created(&user(n)).await;
    }
    let (mut seen, mut start) = (Vec::new(), 1);
    loop {
        let page = world.get(&format!("/Users?startIndex={start}&count=5")).await.json();
        assert_eq!(page["totalResults"], 11);
        let users = page["Resources"].as_array().unwrap();
        seen.extend(users.iter().map(|user| user["userName"].as_str().unwrap().to_owned()));
        if users.len() < 5 {
            break;
        }
        start += users.len();
    }
    assert_eq!(seen, (0..11).map(|n| format!("user{n}@contoso.example")).collect::<Vec<_>>());
}

#[tokio::test]
async fn life_of_a_user_as_entra_writes_it() {
    let world = World::new();
    // Looked for by the matching attribute, not found, created.
    assert_eq!(world.found(r#"userName eq "user1@contoso.example""#).await, Vec::<Value>::new());
    assert_eq!(world.found(r#"emails[type eq "work"].value eq "user1@contoso.example""#).await, Vec::<Value>::new());
    let id = world.created(&user(1)).await;
    assert_eq!(world.found(r#"externalId eq "0a21f0f2-8d2a-4f8e-1""#).await.len(), 1);

    // Updated, in the words of its older and its newer style, with an attribute put to null.
    let updated = world
        .patch(&id, json!([
            {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "one@contoso.example"},
            {"op": "Add", "path": "name.familyName", "value": "One"},
            {"op": "Replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "HR"},
            {"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "Admin"},
            {"op": "Replace", "path": "displayName", "value": null},
        ]))
        .await;
    assert_eq!(updated.status, 200);
    let updated = updated.json();
    assert_eq!(updated["emails"], json!([{"value": "one@contoso.example", "type": "work", "primary": true}]));
    assert_eq!(updated["name"]["familyName"], "One");
    assert!(updated.get("displayName").is_none() && updated.get("roles").is_none());
    assert_eq!(world.get(&format!("/Users/{id}")).await.json(), updated);

    // Disabled, disabled again by the next cycle, deleted thirty days later.
    let disable = json!([{"op": "Replace", "path": "active", "value": "False"}]);
    world.patch(&id, disable.clone()).await.shows_inactive();
    world.patch(&id, disable).await.shows_inactive();
    assert_eq!(world.delete(&id).await.status, 204);
    world.delete(&id).await.error(404);
    assert_eq!(world.only_offboarding().await.request.person, mail("one@contoso.example"));
}
