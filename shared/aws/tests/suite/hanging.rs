//! Services that take the connection and never answer. The suite ends, which is the point; with the functions' own times these
//! tests would only take longer.

use std::time::Duration;

use jiff::SignedDuration;
use podio_aws::{DynamoStore, config, deadline, queue::SqsJobs, twin::Hanging};
use podio_engine::{
    Message,
    ports::{ReadQuota, SendMessages},
};
use podio_lifecycle::ports::{QueueError, StoreError, WakeWorker};

const SHORT: Duration = Duration::from_millis(100);

fn message() -> (Message, SignedDuration) {
    (Message::Wake, SignedDuration::ZERO)
}

#[tokio::test]
async fn storage_that_hangs_is_unavailable() {
    let hanging = Hanging::start().unwrap();
    let sdk = config::hurried(&hanging.sdk(), SHORT);
    let error = DynamoStore::new(config::dynamodb(&sdk), "table").quota().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn queue_that_hangs_is_given_up() {
    let hanging = Hanging::start().unwrap();
    let sdk = config::hurried(&hanging.sdk(), SHORT);
    let jobs = SqsJobs::new(config::sqs(&sdk), "http://queue.example.com/jobs");
    let error = jobs.send(&[message()]).await.unwrap_err();
    assert_eq!(error, QueueError("timeout".to_owned()));
    assert_eq!(jobs.wake().await, Err(QueueError("timeout".to_owned())));
}

#[tokio::test]
async fn deadline_ends_what_the_sdk_would_wait_for() {
    let hanging = Hanging::start().unwrap();
    let sdk = hanging.sdk();
    let store = DynamoStore::new(config::dynamodb(&sdk), "table");
    let error = deadline::within(SHORT, store.quota()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let jobs = SqsJobs::new(config::sqs(&sdk), "http://queue.example.com/jobs").within(SHORT);
    jobs.send(&[message()]).await.unwrap_err();
    jobs.wake().await.unwrap_err();
    // Once the time is over, nothing is sent any more.
    deadline::within(Duration::ZERO, store.quota()).await.unwrap_err();
}
