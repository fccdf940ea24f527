//! Storage, or the queue, takes the connection and never answers: the door answers all the same.
//!
//! The adapters are the real ones, with times that are short enough for a test.

use std::{sync::Arc, time::Duration};

use aws_types::SdkConfig;
use lambda_http::{Body, Context, RequestExt as _};
use podio_aws::{DynamoStore, config, queue::SqsJobs, twin::Hanging};
use serde_json::json;

use crate::world::{World, bearer, jane};

const SHORT: Duration = Duration::from_millis(100);
const ID: &str = "off_0123456789abcdef0123456789abcdef";

impl World {
    fn with_storage(mut self, sdk: &SdkConfig) -> Self {
        let store = Arc::new(DynamoStore::new(config::dynamodb(sdk), "table"));
        let ports = self.ports.clone();
        self.ports = api::Ports {
            accept: store.clone(),
            read: store.clone(),
            write: store.clone(),
            calls: store.clone(),
            quota: store.clone(),
            audits: store.clone(),
            members: store.clone(),
            rosters: store.clone(),
            work: store,
            ..ports
        };
        self
    }

    fn with_queue(mut self, sdk: &SdkConfig) -> Self {
        let jobs = SqsJobs::new(config::sqs(sdk), "http://queue.example.com/jobs").within(SHORT);
        self.ports.wake = Arc::new(jobs);
        self
    }
}

#[tokio::test]
async fn storage_that_hangs_is_told_and_nothing_is_sent() {
    let hanging = Hanging::start().unwrap();
    let world = World::new().with_storage(&config::hurried(&hanging.sdk(), SHORT));
    for (method, path, body) in [
        ("POST", "/offboardings".to_owned(), jane().to_string()),
        ("GET", "/offboardings".to_owned(), String::new()),
        ("GET", format!("/offboardings/{ID}"), String::new()),
        ("GET", format!("/offboardings/{ID}/evidence"), String::new()),
        (
            "POST",
            format!("/offboardings/{ID}/approve"),
            json!({"hold_id": "h", "reasons": ["acting_admin"]}).to_string(),
        ),
        ("POST", format!("/offboardings/{ID}/cancel"), String::new()),
        ("POST", format!("/offboardings/{ID}/retry"), String::new()),
        ("GET", "/quota".to_owned(), String::new()),
    ] {
        let reply = world.call(method, &path, &body).await;
        reply.problem(503);
        assert_eq!(reply.headers["retry-after"], "5", "{method} {path}");
    }
    assert_eq!(world.wakes.take(), 0);
}

#[tokio::test]
async fn queue_that_hangs_leaves_the_job_to_the_sweep() {
    let hanging = Hanging::start().unwrap();
    let world = World::new().with_queue(&config::hurried(&hanging.sdk(), SHORT));
    let id = world.accepted(jane()).await;
    assert_eq!(world.load(&id).await.state.name(), "planning");
    assert_eq!(world.call("POST", &format!("/offboardings/{id}/cancel"), "").await.status, 202);
}

#[tokio::test]
async fn answer_comes_before_the_invocation_ends() {
    // The SDK alone would wait longer than this test may take.
    let hanging = Hanging::start().unwrap();
    let patient = config::hurried(&hanging.sdk(), Duration::from_secs(3600));
    let world = World::new().with_storage(&patient);
    let mut context = Context::default();
    context.deadline = u64::try_from(world.ports.clock.now().as_millisecond()).unwrap() + 600;
    let request = bearer("POST", "/offboardings").body(Body::from(jane().to_string())).unwrap();
    world.send(request.with_lambda_context(context)).await.problem(503);
}
