//! The door behind a custom domain with a base path, and behind a named stage.

use lambda_http::{Body, Response};
use serde_json::json;

use crate::world::World;

const DELIVERY: &str = "type=member.add&hook_id=7&user_id=9";
const ROUTE: &str = "ANY /hooks/podio/{ref_type}/{ref_id}/{key}";

/// What is answered to the event of API Gateway with that raw path, for a hook of app 12345 with that key.
async fn delivered(world: &World, raw: &str, stage: &str, key: &str) -> Response<Body> {
    let event = json!({
        "version": "2.0", "routeKey": ROUTE, "rawPath": raw, "rawQueryString": "", "isBase64Encoded": false,
        "headers": {"host": "hr.example.com", "content-type": "application/x-www-form-urlencoded"},
        "pathParameters": {"ref_type": "app", "ref_id": "12345", "key": key}, "body": DELIVERY,
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "hr.example.com", "domainPrefix": "hr", "requestId": "r",
            "routeKey": ROUTE, "stage": stage, "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1,
            "http": {"method": "POST", "path": raw, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
        },
    });
    world.answer(lambda_http::request::from_str(&event.to_string()).unwrap()).await
}

#[tokio::test]
async fn delivery_arrives_behind_any_base_path() {
    for (base, stage) in [("", "$default"), ("/podio", "$default"), ("/hooks", "$default"), ("/prod", "prod")] {
        let world = World::new();
        let address = world.address("app", 12345);
        let key = address.rsplit('/').next().unwrap();
        let answer = delivered(&world, &format!("{base}{address}"), stage, key).await;
        assert_eq!(answer.status(), 200, "{base}");
        assert_eq!(world.stored().on.to_string(), "app/12345");
    }
}

#[tokio::test]
async fn wrong_key_finds_no_door_behind_a_base_path() {
    let world = World::new();
    let address = world.address("app", 12345);
    let right = address.rsplit('/').next().unwrap();
    for key in ["00", "", &format!("x/{right}"), &format!("../app/12345/{right}")] {
        let answer = delivered(&world, &format!("/podio{address}"), "$default", key).await;
        assert_eq!(answer.status(), 404, "{key}");
    }
    assert!(world.store.deliveries().is_empty());
}
