//! Storage, or the queue, takes the connection and never answers: the door answers all the same.
//!
//! The adapters are the real ones, with times that are short enough for a test.

use std::{sync::Arc, time::Duration};

use lambda_http::{Body, Context, RequestExt as _, http};
use podio_aws::{DynamoStore, config, queue::SqsJobs, twin::Hanging};

use crate::world::World;

const SHORT: Duration = Duration::from_millis(100);
const DELIVERY: &str = "type=hook.verify&hook_id=7&code=b9079247";

#[tokio::test]
async fn storage_that_hangs_asks_podio_to_come_again() {
    let mut world = World::new();
    let hanging = Hanging::start().unwrap();
    let sdk = config::hurried(&hanging.sdk(), SHORT);
    world.ports.accept = Arc::new(DynamoStore::new(config::dynamodb(&sdk), "table"));
    let answer = world.send("POST", &world.address("space", 5), DELIVERY.as_bytes()).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"60".parse().unwrap()));
    assert_eq!(world.take_messages(), []);
}

#[tokio::test]
async fn queue_that_hangs_leaves_the_job_to_the_sweep() {
    let mut world = World::new();
    let hanging = Hanging::start().unwrap();
    let sdk = config::hurried(&hanging.sdk(), SHORT);
    world.ports.wake = Arc::new(SqsJobs::new(config::sqs(&sdk), "http://queue.example.com/jobs").within(SHORT));
    assert_eq!(world.deliver(DELIVERY).await, 200);
    assert!(world.stored().waiting().is_some());
}

#[tokio::test]
async fn answer_comes_before_the_invocation_ends() {
    let mut world = World::new();
    // The SDK alone would wait longer than this test may take.
    let hanging = Hanging::start().unwrap();
    let sdk = config::hurried(&hanging.sdk(), Duration::from_secs(3600));
    world.ports.accept = Arc::new(DynamoStore::new(config::dynamodb(&sdk), "table"));
    let mut context = Context::default();
    context.deadline = u64::try_from(world.ports.clock.now().as_millisecond()).unwrap() + 600;
    let request = http::Request::post(world.address("space", 5)).body(Body::from(DELIVERY)).unwrap();
    assert_eq!(world.answer(request.with_lambda_context(context)).await.status(), 503);
}
