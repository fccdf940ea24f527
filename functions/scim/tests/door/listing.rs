//! Finding users.

use serde_json::{Value, json};

use crate::world::{World, jane};

async fn populated(users: usize) -> World {
    let world = World::new();
    for n in 0..users {
        let emails = json!([{"value": format!("user{n}@work.example"), "type": "work"}]);
        let user = json!({"userName": format!("user{n}"), "externalId": format!("e{n}"), "emails": emails, "active": n % 2 == 0});
        world.created(&user).await;
    }
    world
}

async fn page(world: &World, query: &str) -> (Vec<String>, u64) {
    let reply = world.get(&format!("/Users?{query}")).await;
    assert_eq!(reply.status, 200, "{query}: {reply:?}");
    let list = reply.json();
    let users = list["Resources"].as_array().unwrap();
    assert_eq!(list["itemsPerPage"], users.len());
    (
        users.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect(),
        list["totalResults"].as_u64().unwrap(),
    )
}

fn names(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|n| format!("user{n}")).collect()
}

#[tokio::test]
async fn pages_follow_each_other_in_a_stable_order() {
    let world = populated(11).await;
    assert_eq!(page(&world, "startIndex=1&count=5").await, (names(0..5), 11));
    assert_eq!(page(&world, "startIndex=6&count=5").await, (names(5..10), 11));
    assert_eq!(page(&world, "startIndex=11&count=5").await, (names(10..11), 11));
    assert_eq!(page(&world, "startIndex=12&count=5").await, (vec![], 11));
    assert_eq!(page(&world, "count=0").await, (vec![], 11));
    assert_eq!(page(&world, "startIndex=-3&count=1000").await, (names(0..11), 11));
    assert_eq!(page(&world, "filter=active+eq+false&startIndex=2&count=2").await, (names([3, 5]), 5));
    for query in ["startIndex=x", "count=1.5", "count=1&count=2"] {
        assert_eq!(world.get(&format!("/Users?{query}")).await.error(400), "invalidValue", "{query}");
    }
}

#[tokio::test]
async fn users_are_found_by_each_filter() {
    let world = populated(4).await;
    let id = world.found(r#"userName eq "USER2""#).await[0]["id"].as_str().unwrap().to_owned();
    for filter in [
        r#"externalId eq "e2""#.to_owned(),
        r#"emails[type eq "work"].value eq "User2@work.example""#.to_owned(),
        format!(r#"id eq "{id}""#),
        r#"active eq true and externalId eq "e2""#.to_owned(),
        r#"externalId eq "e2" and active eq "True""#.to_owned(),
    ] {
        let found = world.found(&filter).await;
        assert_eq!((found.len(), found[0]["id"].as_str()), (1, Some(id.as_str())), "{filter}");
    }
    for filter in [
        r#"userName eq "nobody""#,
        r#"externalId eq "E2""#,
        r#"id eq "2""#,
        r#"externalId eq "e2" and active eq false"#,
    ] {
        assert_eq!(world.found(filter).await, Vec::<Value>::new(), "{filter}");
    }
    for filter in ["", "userName sw \"u\"", "title pr", "userName eq \"a\" or active eq true", "userName"] {
        let query = serde_urlencoded::to_string([("filter", filter)]).unwrap();
        assert_eq!(world.get(&format!("/Users?{query}")).await.error(400), "invalidFilter", "{filter}");
    }
}

#[tokio::test]
async fn search_by_post_is_the_same() {
    let world = populated(4).await;
    for path in ["/.search", "/Users/.search"] {
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "active eq true",
                          "startIndex": 2, "count": 1, "attributes": ["userName"], "sortBy": "userName"});
        let reply = world.call("POST", path, &body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let list = reply.json();
        assert_eq!((&list["totalResults"], &list["Resources"][0]["userName"]), (&json!(2), &json!("user2")));
        assert!(list["Resources"][0].get("emails").is_none());
        assert_eq!(world.call("POST", path, &json!({})).await.json()["totalResults"], 4);
        assert_eq!(world.call("POST", path, &json!({"filter": "x"})).await.error(400), "invalidFilter");
        assert_eq!(world.call("POST", path, &json!({"count": "x"})).await.error(400), "invalidValue");
        world.call("POST", path, &json!([])).await.error(400);
        world.get(path).await.error(405);
    }
}

#[tokio::test]
async fn listed_users_have_names_and_an_address() {
    let world = World::new();
    world.created(&json!({"userName": "jane@example.com", "displayName": "Jane van der Berg"})).await;
    world.created(&json!({"userName": "0d3cf2d9"})).await;
    let list = world.get("/Users").await.json();
    let [jane, bare] = &list["Resources"].as_array().unwrap()[..] else { panic!("{list}") };
    assert_eq!(jane["name"], json!({"givenName": "Jane", "familyName": "van der Berg"}));
    assert_eq!(jane["emails"][0]["value"], "jane@example.com");
    for path in ["/name/givenName", "/name/familyName", "/emails/0/value"] {
        assert!(bare.pointer(path).and_then(Value::as_str).is_some_and(|text| !text.is_empty()), "{path}");
    }
    let one = world.get(&format!("/Users/{}", bare["id"].as_str().unwrap())).await.json();
    assert!(one.get("name").is_none() && one.get("emails").is_none(), "what was not provisioned is not there: {one}");
}

#[tokio::test]
async fn attributes_are_chosen_on_every_answer() {
    let world = World::new();
    let id = world.created(&jane()).await;
    let only = world.get(&format!("/Users/{id}?attributes=userName,name.givenName")).await.json();
    let keys: Vec<_> = only.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["id", "name", "schemas", "userName"]);
    assert_eq!(only["name"], json!({"givenName": "Jane"}));
    let without = world.get("/Users?excludedAttributes=emails,meta").await.json();
    assert!(without["Resources"][0].get("emails").is_none() && without["Resources"][0].get("userName").is_some());
    let body = json!({"Operations": [{"op": "replace", "path": "displayName", "value": "J"}]}).to_string();
    let patched =
        world.call_as(crate::world::TOKEN, "PATCH", &format!("/Users/{id}?attributes=displayName"), &body).await.json();
    assert_eq!(patched.as_object().unwrap().len(), 3);
}
