//! The four SQS calls that the adapters make, served by the twin over HTTP.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use aws_sdk_sqs::Client;
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use podio_aws::{
    queue::twin::{Entry, NewMessage, Receive, Sqs, SqsError},
    twin::sdk,
};
use podio_lifecycle::ports::Clock;
use serde_json::{Value, json};

/// A server that ends with the test's runtime.
pub struct Wire {
    address: SocketAddr,
    server: Arc<Server>,
}

struct Server {
    sqs: Arc<Mutex<Sqs>>,
    clock: Arc<dyn Clock>,
    state: Mutex<Counters>,
}

#[derive(Default)]
struct Counters {
    requests: usize,
    /// How often each entry is still to be refused.
    refused: HashMap<String, usize>,
}

impl Wire {
    /// Serves the twin on a free port.
    pub async fn to(sqs: Arc<Mutex<Sqs>>, clock: Arc<dyn Clock>) -> Self {
        let server = Arc::new(Server { sqs, clock, state: Mutex::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", post(answer)).with_state(Arc::clone(&server));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, server }
    }

    /// A client that talks to it.
    pub async fn client(&self) -> Client {
        Client::new(&sdk(format!("http://{}", self.address)))
    }

    /// A queue's URL.
    pub fn url(&self, queue: &str) -> String {
        format!("http://{}/000000000000/{queue}", self.address)
    }

    /// How many requests there were.
    pub fn requests(&self) -> usize {
        self.server.state().requests
    }

    /// Refuses these entries of batches, so many times.
    pub fn refuse(&self, entries: &[&str], times: usize) {
        self.server.state().refused = entries.iter().map(|entry| ((*entry).to_owned(), times)).collect();
    }
}

async fn answer(State(server): State<Arc<Server>>, headers: HeaderMap, body: Bytes) -> Response {
    server.state().requests += 1;
    let body: Value = serde_json::from_slice(&body).unwrap();
    let target = headers["x-amz-target"].to_str().unwrap();
    match server.act(target, &body) {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => {
            let told = json!({"__type": format!("com.amazonaws.sqs#{}", error.shape()), "message": error.to_string()});
            (StatusCode::BAD_REQUEST, Json(told)).into_response()
        }
    }
}

impl Server {
    fn state(&self) -> MutexGuard<'_, Counters> {
        self.state.lock().unwrap()
    }

    /// Whether this entry is refused this time.
    fn refuses(&self, entry: &Value) -> bool {
        let mut state = self.state();
        let left = state.refused.get_mut(entry["Id"].as_str().unwrap());
        left.filter(|left| **left > 0).map(|left| *left -= 1).is_some()
    }

    fn act(&self, target: &str, body: &Value) -> Result<Value, SqsError> {
        let mut sqs = self.sqs.lock().unwrap();
        let now = self.clock.now();
        let queue = body["QueueUrl"].as_str().unwrap().rsplit('/').next().unwrap();
        let receipt = body["ReceiptHandle"].as_str().unwrap_or_default();
        let seconds = |value: &Value| Duration::from_secs(value.as_u64().unwrap());
        match target {
            "AmazonSQS.SendMessageBatch" => {
                let entries = body["Entries"].as_array().unwrap();
                let (refused, taken): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| self.refuses(entry));
                let taken: Vec<_> = taken
                    .into_iter()
                    .map(|entry| {
                        let message = NewMessage::new(entry["MessageBody"].as_str().unwrap());
                        Entry::new(entry["Id"].as_str().unwrap(), message.delayed(seconds(&entry["DelaySeconds"])))
                    })
                    .collect();
                let sent = if taken.is_empty() { Vec::new() } else { sqs.send_batch(queue, taken, now)? };
                let sent = sent.into_iter().map(|(id, sent)| {
                    let sent = sent.unwrap();
                    json!({"Id": id, "MessageId": sent.message_id.to_string(), "MD5OfMessageBody": sent.md5_of_body})
                });
                let failed = refused
                    .iter()
                    .map(|entry| json!({"Id": entry["Id"], "Code": "InternalError", "SenderFault": false}));
                Ok(json!({"Successful": sent.collect::<Vec<_>>(), "Failed": failed.collect::<Vec<_>>()}))
            }
            "AmazonSQS.ChangeMessageVisibility" => {
                sqs.change_visibility(queue, receipt, seconds(&body["VisibilityTimeout"]), now)?;
                Ok(json!({}))
            }
            "AmazonSQS.ReceiveMessage" => {
                let most = usize::try_from(body["MaxNumberOfMessages"].as_u64().unwrap()).unwrap();
                let messages = sqs.receive(queue, &Receive::up_to(most), now)?.into_iter().map(|message| {
                    json!({"MessageId": message.message_id.to_string(), "ReceiptHandle": message.receipt_handle,
                           "Body": message.body, "MD5OfBody": message.md5_of_body})
                });
                Ok(json!({"Messages": messages.collect::<Vec<_>>()}))
            }
            "AmazonSQS.DeleteMessage" => {
                sqs.delete(queue, receipt, now)?;
                Ok(json!({}))
            }
            other => panic!("the adapters do not call {other}"),
        }
    }
}
