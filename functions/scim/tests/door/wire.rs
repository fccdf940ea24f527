//! Tokens, routes, discovery, errors, headers.

use lambda_http::{Body, http::Request};
use serde_json::{Value, json};

use crate::world::{TOKEN, USER, World, jane};

#[tokio::test]
async fn without_tokens_no_route_exists() {
    let mut world = World::new();
    world.settings.tokens = None;
    for path in ["/Users", "/ServiceProviderConfig", "/Schemas", "/x"] {
        world.get(path).await.error(404);
        assert!(world.get(path).await.headers.get("www-authenticate").is_none());
    }
}

#[tokio::test]
async fn every_route_asks_for_a_token() {
    let world = World::new();
    for path in ["/Users", "/Users/x", "/ServiceProviderConfig", "/Schemas", "/ResourceTypes", "/Groups", "/x"] {
        for header in [None, Some("Bearer a-token-of-nobody-0123456789"), Some(TOKEN), Some("Basic abc")] {
            let mut request = Request::get(format!("https://hr.example.com/scim/v2{path}"));
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            let reply = world.send(request.body(Body::Empty).unwrap()).await;
            assert_eq!(reply.error(401), "", "{path}");
            let challenge = reply.headers["www-authenticate"].to_str().unwrap();
            assert_eq!(challenge.contains("invalid_token"), header.is_some(), "{challenge}");
        }
    }
}

#[tokio::test]
async fn discovery_tells_what_is_implemented() {
    let world = World::new();
    let config = world.get("/ServiceProviderConfig").await.json();
    for (name, supported) in [
        ("patch", true),
        ("filter", true),
        ("bulk", false),
        ("sort", false),
        ("etag", false),
        ("changePassword", false),
    ] {
        assert_eq!(config[name]["supported"], supported, "{name}");
    }
    assert_eq!(config["filter"]["maxResults"], 200);
    assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");

    let types = world.get("/ResourceTypes").await.json();
    assert_eq!((&types["totalResults"], &types["Resources"][0]["name"]), (&json!(1), &json!("User")));
    assert_eq!(world.get("/ResourceTypes/User").await.json(), types["Resources"][0]);
    world.get("/ResourceTypes/Group").await.error(404);

    let schemas = world.get("/Schemas").await.json();
    let attributes = schemas["Resources"][0]["attributes"].as_array().unwrap();
    let required: Vec<_> =
        attributes.iter().filter(|each| each["required"] == true).map(|each| each["name"].clone()).collect();
    assert_eq!(required, ["userName", "active"]);
    for urn in [USER.to_owned(), USER.to_uppercase()] {
        assert_eq!(world.get(&format!("/Schemas/{urn}")).await.json(), schemas["Resources"][0]);
    }
    world.get("/Schemas/urn:x").await.error(404);
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let reply = world.call(method, path, &json!({})).await;
            reply.error(405);
            assert_eq!(reply.headers["allow"], "GET, HEAD");
        }
    }
}

#[tokio::test]
async fn groups_are_empty_and_cannot_be_written() {
    let world = World::new();
    let list = world.get("/Groups?filter=displayName%20eq%20%22x%22").await.json();
    assert_eq!((&list["totalResults"], &list["Resources"]), (&json!(0), &json!([])));
    world.get("/Groups/x").await.error(404);
    for (method, path) in [
        ("POST", "/Groups"),
        ("PATCH", "/Groups/x"),
        ("PUT", "/Groups/x"),
        ("DELETE", "/Groups/x"),
        ("POST", "/Bulk"),
        ("GET", "/Me"),
    ] {
        world.call(method, path, &json!({})).await.error(501);
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let world = World::new();
    let id = world.created(&jane()).await;
    for path in ["/Users", &format!("/Users/{id}"), "/Schemas"] {
        let head = world.call_as(TOKEN, "HEAD", path, "").await;
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
    }
    assert_eq!(world.call_as(TOKEN, "HEAD", "/Users/x", "").await.status, 404);
    let options = world.call("OPTIONS", "/Users", &json!({})).await;
    options.error(405);
    assert_eq!(options.headers["allow"], "GET, HEAD, POST");
}

#[tokio::test]
async fn created_user_says_where_it_is() {
    let world = World::new();
    let reply = world.call("POST", "/Users", &jane()).await;
    let user = reply.json();
    let location = format!("https://hr.example.com/scim/v2/Users/{}", user["id"].as_str().unwrap());
    assert_eq!((reply.status, reply.headers["location"].to_str().unwrap()), (201, location.as_str()));
    assert_eq!(user["meta"]["location"], location);
    assert_eq!(user["meta"]["resourceType"], "User");
    assert!(user["meta"]["created"].as_str().unwrap().ends_with('Z'));
    for absent in ["password", "locale", "groups"] {
        assert!(user.get(absent).is_none(), "{absent}");
    }
    assert!(!format!("{:?}", world.user(user["id"].as_str().unwrap()).await).contains("1mz050nq"));
    assert_eq!(
        world.call("POST", "/Users", &json!({"userName": "JANE.DOE@EXAMPLE.COM"})).await.error(409),
        "uniqueness"
    );
}

#[tokio::test]
async fn bad_bodies_change_nothing() {
    let world = World::new();
    let id = world.created(&jane()).await;
    let before = world.user(&id).await;
    for body in [
        "",
        "{",
        "[]",
        "null",
        r#"{"userName": 5}"#,
        r#"{"userName": "a", "userName": "b"}"#,
        "{\"userName\": \"a\", \"emails\": 1}",
    ] {
        world.call_as(TOKEN, "POST", "/Users", body).await.error(400);
        world.call_as(TOKEN, "PUT", &format!("/Users/{id}"), body).await.error(400);
        world.call_as(TOKEN, "PATCH", &format!("/Users/{id}"), body).await.error(400);
    }
    world.call_as(TOKEN, "POST", "/Users", &" ".repeat(scim::MAX_BODY_BYTES + 1)).await.error(413);
    assert_eq!(world.user(&id).await, before);
    assert_eq!(world.get("/Users").await.json()["totalResults"], 1);
}

/// What is answered to the event of API Gateway with that raw path.
async fn behind(world: &World, raw: &str, rest: &str, stage: &str) -> Value {
    let event = json!({
        "version": "2.0", "routeKey": "ANY /scim/v2/{path+}", "rawPath": raw, "rawQueryString": "count=1", "isBase64Encoded": false,
        "headers": {"host": "hr.example.com", "authorization": format!("Bearer {TOKEN}"), "x-forwarded-proto": "https"},
        "pathParameters": {"path": rest}, "queryStringParameters": {"count": "1"},
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "hr.example.com", "domainPrefix": "hr", "requestId": "r",
            "routeKey": "ANY /scim/v2/{path+}", "stage": stage, "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1,
            "http": {"method": "GET", "path": raw, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
        },
    });
    let reply = world.send(lambda_http::request::from_str(&event.to_string()).unwrap()).await;
    assert_eq!(reply.status, 200, "{raw}: {reply:?}");
    reply.json()
}

#[tokio::test]
async fn door_works_behind_any_base_path() {
    let world = World::new();
    let id = world.created(&jane()).await;
    for (base, stage) in [("", "$default"), ("/podio", "$default"), ("/scim", "$default"), ("/prod", "prod")] {
        let user = behind(&world, &format!("{base}/scim/v2/Users/{id}"), &format!("Users/{id}"), stage).await;
        assert_eq!(user["meta"]["location"], format!("https://hr.example.com{base}/scim/v2/Users/{id}"));
        let list = behind(&world, &format!("{base}/scim/v2/Users"), "Users", stage).await;
        assert_eq!(list["totalResults"], 1);
    }
}
