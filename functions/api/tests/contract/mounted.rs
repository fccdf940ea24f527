//! The door behind a custom domain with a base path, and behind a named stage.

use podio_lifecycle::{
    hold::{HoldCode, Reason},
    ids::OffboardingId,
};
use podio_signatures::senders::Directory;
use serde_json::{Value, json};

use crate::world::{Reply, TOKEN, World, jane};

/// Where the API is mounted: what stands in front of its paths, and the stage that the event names.
#[derive(Clone, Copy)]
struct Mount {
    base: &'static str,
    stage: &'static str,
}

const MOUNTS: [Mount; 4] = [
    Mount { base: "", stage: "$default" },
    Mount { base: "/podio", stage: "$default" },
    Mount { base: "/hr/offboardings", stage: "$default" },
    Mount { base: "/prod", stage: "prod" },
];

impl Mount {
    /// Sends the event that API Gateway makes of a request of a route, with its id if it has one.
    async fn call(self, world: &World, method: &str, template: &str, id: Option<&str>, body: &Value) -> Reply {
        let name = template.split(['{', '}']).nth(1).unwrap_or("id");
        let raw = format!("{}{}", self.base, template.replace(&format!("{{{name}}}"), id.unwrap_or_default()));
        let key = format!("ANY {template}");
        let event = json!({
            "version": "2.0", "routeKey": key, "rawPath": raw, "rawQueryString": "", "isBase64Encoded": false,
            "headers": {"host": "hr.example.com", "authorization": format!("Bearer {TOKEN}")},
            "pathParameters": id.map(|id| json!({name: id})), "body": (!body.is_null()).then(|| body.to_string()),
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "hr.example.com", "domainPrefix": "hr", "requestId": "r",
                "routeKey": key, "stage": self.stage, "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1,
                "http": {"method": method, "path": raw, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
            },
        });
        world.send(lambda_http::request::from_str(&event.to_string()).unwrap()).await
    }

    async fn about(self, world: &World, method: &str, rest: &str, id: &OffboardingId, body: &Value) -> Reply {
        self.call(world, method, &format!("/offboardings/{{id}}{rest}"), Some(id.as_str()), body).await
    }
}

#[tokio::test]
async fn every_route_is_found_behind_any_base_path() {
    for mount in MOUNTS {
        let mut world = World::new();
        let key = "a-key-of-the-workflow-0123";
        let flow = json!([{"name": "flow", "preset": "rippling_workflow", "secrets": [key]}]);
        world.settings.directory = Directory::parse(&flow.to_string()).unwrap();
        let event = json!({"key": key, "email": "john@example.com"});
        let delivered = mount.call(&world, "POST", "/senders/{name}", Some("flow"), &event).await;
        let url = delivered.json()["events"][0]["url"].as_str().unwrap().to_owned();
        assert_eq!(
            (delivered.status, delivered.headers["location"].to_str().unwrap()),
            (202, &*format!("{}{url}", mount.base))
        );
        assert_eq!(mount.call(&world, "POST", "/senders/{name}", Some("another"), &event).await.status, 401);
        let world = World::new();
        assert_eq!(mount.call(&world, "GET", "/health", None, &Value::Null).await.status, 200);
        assert_eq!(mount.call(&world, "GET", "/quota", None, &Value::Null).await.status, 200);
        let posted = mount.call(&world, "POST", "/offboardings", None, &jane()).await;
        assert_eq!(posted.status, 202, "{posted:?}");
        let id: OffboardingId = posted.json()["id"].as_str().unwrap().parse().unwrap();
        let list = mount.call(&world, "GET", "/offboardings", None, &Value::Null).await;
        assert_eq!(list.json()["offboardings"].as_array().unwrap().len(), 1);
        assert_eq!(mount.about(&world, "GET", "", &id, &Value::Null).await.json()["id"], id.as_str());
        assert_eq!(mount.about(&world, "GET", "/evidence", &id, &Value::Null).await.status, 200);

        world.planned(&id, 1, vec![Reason::general(HoldCode::ApprovalRequired, "Asked for.")]).await;
        let held = mount.about(&world, "GET", "", &id, &Value::Null).await.json();
        let decision = json!({"hold_id": held["hold"]["hold_id"], "reasons": ["approval_required"]});
        assert_eq!(mount.about(&world, "POST", "/approve", &id, &decision).await.status, 202);
        assert_eq!(mount.about(&world, "POST", "/cancel", &id, &Value::Null).await.status, 202);
        mount.about(&world, "POST", "/retry", &id, &Value::Null).await.problem(409);
    }
}

#[tokio::test]
async fn location_carries_the_base_path_and_url_does_not() {
    for mount in MOUNTS {
        let posted = mount.call(&World::new(), "POST", "/offboardings", None, &jane()).await;
        let url = posted.json()["url"].as_str().unwrap().to_owned();
        assert_eq!(url, format!("/offboardings/{}", posted.json()["id"].as_str().unwrap()));
        assert_eq!(posted.headers["location"], format!("{}{url}", mount.base));
    }
}

#[tokio::test]
async fn id_that_hides_another_route_is_unknown() {
    let world = World::new();
    let id = world.accepted(jane()).await;
    for sly in [format!("{id}/cancel"), format!("{id}%2Fcancel"), format!("{id}?"), "..".to_owned()] {
        for method in ["GET", "HEAD"] {
            let reply = MOUNTS[1].call(&world, method, "/offboardings/{id}", Some(&sly), &Value::Null).await;
            assert_eq!(reply.status, 404, "{sly}");
        }
    }
    assert_eq!(world.load(&id).await.state.name(), "planning");
}
