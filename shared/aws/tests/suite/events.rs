//! The one EventBridge call that is made, as it goes over the wire.

use std::sync::{Arc, Mutex};

use aws_sdk_eventbridge::Client;
use axum::{Json, Router, body::Bytes, routing::post};
use podio_aws::{EventBridge, twin::sdk};
use podio_lifecycle::{
    hooks::{CloudEvent, Delivery, Fields, HookRef, Interest},
    ids::AppId,
    ports::{PublishError, PublishEvents},
};
use serde_json::{Value, json};

use crate::ports::at;

/// Publishes one event to a bus that gives that answer; what it was sent, and what the adapter says.
async fn publish(answer: Value) -> (Value, Result<(), PublishError>) {
    let seen = Arc::new(Mutex::new(Value::Null));
    let note = Arc::clone(&seen);
    let bus = move |body: Bytes| async move {
        *note.lock().unwrap() = serde_json::from_slice(&body).unwrap();
        Json(answer)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(bus))).await });
    let bus = EventBridge::new(Client::new(&sdk(endpoint)), "events");
    let published = bus.publish(&event()).await;
    let seen = seen.lock().unwrap().clone();
    (seen, published)
}

fn event() -> CloudEvent {
    let form = [("type", "item.update"), ("hook_id", "7"), ("item_id", "9"), ("item_revision_id", "2")];
    let fields: Fields = form.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    let delivery = Delivery::read(HookRef::app(AppId(5)), &fields, at(0), Interest::default()).unwrap();
    CloudEvent::of(&delivery).unwrap()
}

#[tokio::test]
async fn an_event_is_one_entry_whose_detail_is_the_cloud_event() {
    let (sent, published) = publish(json!({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})).await;
    assert_eq!(published, Ok(()));
    let entry = &sent["Entries"][0];
    assert_eq!((&entry["EventBusName"], &entry["Source"]), (&json!("events"), &json!("podio-lifecycle")));
    assert_eq!(entry["DetailType"], "com.podio.item.update");
    let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    assert_eq!(detail, serde_json::to_value(event()).unwrap());
    assert_eq!(sent["Entries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_entry_that_is_refused_within_an_accepted_request_is_not_published() {
    let refused = json!({"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down, jane@example.com"});
    let (_, published) = publish(json!({"FailedEntryCount": 1, "Entries": [refused]})).await;
    assert_eq!(published, Err(PublishError("ThrottlingException".to_owned())), "told by its code alone");
}
