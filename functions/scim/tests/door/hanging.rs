//! Storage, or the queue, takes the connection and never answers: the door answers all the same.

use std::{sync::Arc, time::Duration};

use aws_types::SdkConfig;
use lambda_http::{Body, Context, RequestExt as _, http::Request};
use podio_aws::{DynamoStore, config, queue::SqsJobs, twin::Hanging};
use podio_lifecycle::ports::Clock;
use scim::Ports;
use serde_json::json;

use crate::world::{TOKEN, World, jane};

const SHORT: Duration = Duration::from_millis(100);
const ID: &str = "usr_0123456789abcdef0123456789abcdef";

impl World {
    fn with_storage(mut self, sdk: &SdkConfig) -> Self {
        let store = Arc::new(DynamoStore::new(config::dynamodb(sdk), "table"));
        let ports = self.ports.clone();
        self.ports = Ports { users: store.clone(), accept: store.clone(), read: store.clone(), write: store, ..ports };
        self
    }
}

#[tokio::test]
async fn storage_that_hangs_is_told_and_nothing_is_sent() {
    let hanging = Hanging::start().unwrap();
    let world = World::new().with_storage(&config::hurried(&hanging.sdk(), SHORT));
    let patch = json!({"Operations": [{"op": "replace", "path": "active", "value": false}]});
    for (method, path, body) in [
        ("GET", "/Users".to_owned(), json!({})),
        ("GET", format!("/Users/{ID}"), json!({})),
        ("POST", "/Users".to_owned(), jane()),
        ("PUT", format!("/Users/{ID}"), jane()),
        ("PATCH", format!("/Users/{ID}"), patch),
        ("DELETE", format!("/Users/{ID}"), json!({})),
    ] {
        let reply = world.call(method, &path, &body).await;
        reply.error(503);
        assert_eq!(reply.headers["retry-after"], "5", "{method} {path}");
    }
    assert_eq!(world.queue.take(), 0);
    assert_eq!(world.get("/Schemas").await.status, 200, "what needs no storage is answered");
}

#[tokio::test]
async fn queue_that_hangs_leaves_the_job_to_the_sweep() {
    let hanging = Hanging::start().unwrap();
    let mut world = World::new();
    let jobs = SqsJobs::new(config::sqs(&hanging.sdk()), "http://queue.example.com/jobs").within(SHORT);
    world.ports.wake = Arc::new(jobs);
    let id = world.created(&jane()).await;
    world.patch(&id, json!([{"op": "replace", "value": {"active": false}}])).await.shows_inactive();
    world.only_offboarding().await;
}

#[tokio::test]
async fn answer_comes_before_the_invocation_ends() {
    // The SDK alone would wait longer than this test may take.
    let hanging = Hanging::start().unwrap();
    let world = World::new().with_storage(&config::hurried(&hanging.sdk(), Duration::from_secs(3600)));
    let mut context = Context::default();
    context.deadline = u64::try_from(world.clock.now().as_millisecond()).unwrap() + 1_600;
    let request =
        Request::get("https://hr.example.com/scim/v2/Users").header("authorization", format!("Bearer {TOKEN}"));
    world.send(request.body(Body::Empty).unwrap().with_lambda_context(context)).await.error(503);
}
