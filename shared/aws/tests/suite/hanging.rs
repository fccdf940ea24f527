//! Services that take the connection and never answer. The suite ends, which is the point; with the functions' own times these
//! tests would only take longer.

use std::time::Duration;

use aws_types::SdkConfig;
use jiff::SignedDuration;
use podio_aws::{DynamoStore, config, deadline, queue::SqsJobs};
use podio_lifecycle::{
    job::Job,
    ports::{QueueError, ReadQuota, SendJobs, StoreError},
};
use tokio::net::TcpListener;

use crate::sdk;

const SHORT: Duration = Duration::from_millis(100);

/// A service that takes every connection and never answers.
async fn hanging() -> SdkConfig {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut taken = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            taken.push(connection);
        }
    });
    sdk(format!("http://{address}"))
}

fn job() -> (Job, SignedDuration) {
    let delivery = "dlv_0123456789abcdef0123456789abcdef".parse().unwrap();
    (Job::Delivery { delivery }, SignedDuration::ZERO)
}

#[tokio::test]
async fn storage_that_hangs_is_unavailable() {
    let sdk = config::hurried(&hanging().await, SHORT);
    let error = DynamoStore::new(config::dynamodb(&sdk), "table").quota().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn queue_that_hangs_is_given_up() {
    let sdk = config::hurried(&hanging().await, SHORT);
    let jobs = SqsJobs::new(config::sqs(&sdk), "http://queue.example.com/jobs");
    let error = jobs.send(&[job()]).await.unwrap_err();
    assert_eq!(error, QueueError("timeout".to_owned()));
}

#[tokio::test]
async fn deadline_ends_what_the_sdk_would_wait_for() {
    let sdk = hanging().await;
    let store = DynamoStore::new(config::dynamodb(&sdk), "table");
    let error = deadline::within(SHORT, store.quota()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let jobs = SqsJobs::new(config::sqs(&sdk), "http://queue.example.com/jobs").within(SHORT);
    jobs.send(&[job()]).await.unwrap_err();
    // Once the time is over, nothing is sent any more.
    deadline::within(Duration::ZERO, store.quota()).await.unwrap_err();
}
