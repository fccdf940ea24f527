//! The SQS endpoint, as the AWS SDK sees it.

#![allow(clippy::unwrap_used, reason = "a test may fail like this")]

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig},
    error::ProvideErrorMetadata,
    types::{
        ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageSystemAttributeName,
        QueueAttributeName, SendMessageBatchRequestEntry,
    },
};
use local_stack::sqs::{Server, Store};

/// A client of a fresh endpoint; the endpoint lives as long as the pair.
async fn endpoint() -> (Client, Server) {
    let server = Server::start(Arc::new(Store::in_memory(1)), "eu-central-1").await.unwrap();
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(server.url())
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_secs(60)).build())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    (Client::from_conf(config), server)
}

async fn queue(client: &Client, name: &str, attributes: &[(QueueAttributeName, &str)]) -> String {
    let attributes: HashMap<_, _> =
        attributes.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect();
    let created = client.create_queue().queue_name(name).set_attributes(Some(attributes)).send().await.unwrap();
    created.queue_url.unwrap()
}

#[tokio::test]
async fn a_message_is_sent_received_and_deleted() {
    let (client, _server) = endpoint().await;
    let url = queue(&client, "jobs", &[]).await;
    let sent = client.send_message().queue_url(&url).message_body("häß").send().await.unwrap();

    let received = client
        .receive_message()
        .queue_url(&url)
        .max_number_of_messages(10)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await
        .unwrap();
    let message = &received.messages()[0];
    assert_eq!(message.body(), Some("häß"));
    assert_eq!(message.message_id(), sent.message_id());
    assert_eq!(message.md5_of_body(), sent.md5_of_message_body());
    let attributes = message.attributes().unwrap();
    assert_eq!(attributes[&MessageSystemAttributeName::ApproximateReceiveCount], "1");
    assert!(attributes[&MessageSystemAttributeName::SentTimestamp].parse::<i64>().unwrap() > 1_600_000_000_000);

    client.delete_message().queue_url(&url).receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
    let names = [QueueAttributeName::All];
    let left =
        client.get_queue_attributes().queue_url(&url).set_attribute_names(Some(names.into())).send().await.unwrap();
    let left = left.attributes().unwrap();
    assert_eq!(left[&QueueAttributeName::ApproximateNumberOfMessages], "0");
    assert_eq!(left[&QueueAttributeName::ApproximateNumberOfMessagesNotVisible], "0");
    assert_eq!(left[&QueueAttributeName::QueueArn], "arn:aws:sqs:eu-central-1:000000000000:jobs");
}

#[tokio::test]
async fn a_long_poll_returns_with_the_first_message() {
    let (client, _server) = endpoint().await;
    let url = queue(&client, "jobs", &[(QueueAttributeName::ReceiveMessageWaitTimeSeconds, "20")]).await;
    let receive = tokio::spawn(client.receive_message().queue_url(&url).send());
    client.send_message().queue_url(&url).message_body("x").delay_seconds(1).send().await.unwrap();
    assert_eq!(receive.await.unwrap().unwrap().messages().len(), 1);
}

#[tokio::test]
async fn batches_answer_for_each_entry() {
    let (client, _server) = endpoint().await;
    let url = queue(&client, "jobs", &[]).await;
    let entry =
        |id: &str, body: &str| SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap();
    let sent = client
        .send_message_batch()
        .queue_url(&url)
        .entries(entry("a", "x"))
        .entries(entry("b", "\u{7}"))
        .entries(entry("c", "y"))
        .send()
        .await
        .unwrap();
    assert_eq!(sent.successful().iter().map(|ok| ok.id()).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!((sent.failed()[0].id(), sent.failed()[0].code()), ("b", "InvalidMessageContents"));

    let received = client.receive_message().queue_url(&url).max_number_of_messages(10).send().await.unwrap();
    let handles: Vec<_> = received.messages().iter().map(|message| message.receipt_handle().unwrap()).collect();
    let park = |id: &str, handle: &str| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id).receipt_handle(handle);
        entry.visibility_timeout(600).build().unwrap()
    };
    let parked = client
        .change_message_visibility_batch()
        .queue_url(&url)
        .entries(park("a", handles[0]))
        .entries(park("b", "nonsense"))
        .send()
        .await
        .unwrap();
    assert_eq!((parked.successful().len(), parked.failed()[0].code()), (1, "ReceiptHandleIsInvalid"));

    let delete = |id: &str, handle: &str| {
        DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build().unwrap()
    };
    let deleted = client
        .delete_message_batch()
        .queue_url(&url)
        .entries(delete("a", handles[0]))
        .entries(delete("b", handles[1]))
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.successful().len(), 2);
}

#[tokio::test]
async fn what_is_received_too_often_goes_to_the_dead_letter_queue() {
    let (client, server) = endpoint().await;
    let dead = queue(&client, "dead", &[]).await;
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":1}}"#, server.queue_arn("dead"));
    let url = queue(&client, "jobs", &[(QueueAttributeName::RedrivePolicy, &policy)]).await;
    client.send_message().queue_url(&url).message_body("poison").send().await.unwrap();

    let take = |url: &str| client.receive_message().queue_url(url).visibility_timeout(0).send();
    assert_eq!(take(&url).await.unwrap().messages().len(), 1);
    assert!(take(&url).await.unwrap().messages.is_none());
    assert_eq!(take(&dead).await.unwrap().messages()[0].body(), Some("poison"));
}

#[tokio::test]
async fn the_sdk_knows_each_refusal_by_its_type() {
    let (client, _server) = endpoint().await;
    let url = queue(&client, "jobs", &[]).await;

    let nowhere = format!("{url}-not");
    let error = client.send_message().queue_url(&nowhere).message_body("x").send().await.unwrap_err();
    assert_eq!(error.code(), Some("AWS.SimpleQueueService.NonExistentQueue"));
    assert!(error.into_service_error().is_queue_does_not_exist());

    let error = client.delete_message().queue_url(&url).receipt_handle("nonsense").send().await.unwrap_err();
    assert!(error.into_service_error().is_receipt_handle_is_invalid());

    let error = client.send_message_batch().queue_url(&url).set_entries(Some(vec![])).send().await.unwrap_err();
    assert!(error.into_service_error().is_empty_batch_request());

    let entry = |id: String| SendMessageBatchRequestEntry::builder().id(id).message_body("x").build().unwrap();
    let many = (0..11).map(|id| entry(id.to_string())).collect();
    let error = client.send_message_batch().queue_url(&url).set_entries(Some(many)).send().await.unwrap_err();
    assert!(error.into_service_error().is_too_many_entries_in_batch_request());

    let twins = vec![entry("a".to_owned()), entry("a".to_owned())];
    let error = client.send_message_batch().queue_url(&url).set_entries(Some(twins)).send().await.unwrap_err();
    assert!(error.into_service_error().is_batch_entry_ids_not_distinct());

    let error = client.receive_message().queue_url(&url).max_number_of_messages(11).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));

    let error = client.get_queue_url().queue_name("nowhere").send().await.unwrap_err();
    assert!(error.into_service_error().is_queue_does_not_exist());

    client.purge_queue().queue_url(&url).send().await.unwrap();
    let error = client.purge_queue().queue_url(&url).send().await.unwrap_err();
    assert!(error.into_service_error().is_purge_queue_in_progress());

    // What the twin leaves out is refused, not ignored.
    let error = client.create_queue().queue_name("jobs.fifo").send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    let grouped =
        client.send_message().queue_url(&url).message_body("x").message_group_id("g").send().await.unwrap_err();
    assert!(grouped.into_service_error().is_unsupported_operation());
    let error = client.delete_queue().queue_url(&url).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidAction"));
}

#[tokio::test]
async fn queues_are_listed_found_and_changed() {
    let (client, _server) = endpoint().await;
    let url = queue(&client, "jobs", &[(QueueAttributeName::VisibilityTimeout, "180")]).await;
    queue(&client, "other", &[]).await;
    // Created again, with nothing or the same, it is the same queue.
    assert_eq!(queue(&client, "jobs", &[]).await, url);
    assert_eq!(client.get_queue_url().queue_name("jobs").send().await.unwrap().queue_url(), Some(url.as_str()));
    let listed = client.list_queues().queue_name_prefix("jo").send().await.unwrap();
    assert_eq!(listed.queue_urls().first(), Some(&url));

    let change = client.set_queue_attributes().queue_url(&url);
    change.attributes(QueueAttributeName::VisibilityTimeout, "60").send().await.unwrap();
    let names = [QueueAttributeName::VisibilityTimeout];
    let now =
        client.get_queue_attributes().queue_url(&url).set_attribute_names(Some(names.into())).send().await.unwrap();
    let expected = HashMap::from([(QueueAttributeName::VisibilityTimeout, "60".to_owned())]);
    assert_eq!(now.attributes(), Some(&expected));
    let wrong = client.set_queue_attributes().queue_url(&url).attributes(QueueAttributeName::DelaySeconds, "901");
    assert!(wrong.send().await.unwrap_err().into_service_error().is_invalid_attribute_value());
}
