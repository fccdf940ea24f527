//! Amazon SQS on a loopback port: the in-memory twin, spoken to by the real SDK.
//!
//! The protocol is AWS JSON 1.0: one `POST /`, the action in `X-Amz-Target: AmazonSQS.…`, and an error's name both in the
//! body's `__type` and in the `x-amzn-query-error` header. Signatures are not checked; whoever reaches the port may call.
//! What SQS has and the twin has not (FIFO queues, message attributes) is refused, never ignored.

mod actions;
mod refusal;
mod store;
mod wire;

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use tokio::net::TcpListener;

pub use self::store::Store;
use self::{actions::Endpoint, refusal::Refusal};
use crate::task::Task;

/// The account that owns every queue here.
pub const ACCOUNT: &str = "000000000000";
const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
/// A mebibyte of text in which each character is escaped, and room for the rest.
const MAX_REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// The server; it ends when this is dropped.
pub struct Server {
    address: SocketAddr,
    region: String,
    serving: Task,
}

impl Server {
    /// Serves `store` on a free loopback port.
    ///
    /// # Errors
    /// No port is to be had.
    pub async fn start(store: Arc<Store>, region: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no loopback port for SQS")?;
        let address = listener.local_addr()?;
        let endpoint = Arc::new(Endpoint { store, url: format!("http://{address}"), region: region.to_owned() });
        let router =
            Router::new().route("/", post(answer)).layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES)).with_state(endpoint);
        let serving = Task::spawn("sqs", async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the SQS endpoint ended");
            }
        });
        Ok(Self { address, region: region.to_owned(), serving })
    }

    /// Ends it.
    pub async fn stop(self) {
        self.serving.stop().await;
    }

    /// What `AWS_ENDPOINT_URL_SQS` is to be.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A queue's URL.
    pub fn queue_url(&self, queue: &str) -> String {
        format!("http://{}/{ACCOUNT}/{queue}", self.address)
    }

    /// A queue's ARN.
    pub fn queue_arn(&self, queue: &str) -> String {
        queue_arn(&self.region, queue)
    }
}

/// The ARN of a queue here.
pub fn queue_arn(region: &str, queue: &str) -> String {
    format!("arn:aws:sqs:{region}:{ACCOUNT}:{queue}")
}

async fn answer(State(endpoint): State<Arc<Endpoint>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let action = target.strip_prefix("AmazonSQS.").unwrap_or_default();
    match endpoint.perform(action, &body).await {
        Ok(answer) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], answer).into_response(),
        Err(refusal) => refuse(&refusal),
    }
}

fn refuse(refusal: &Refusal) -> Response {
    let body = serde_json::json!({
        "__type": format!("com.amazonaws.sqs#{}", refusal.shape()),
        "message": refusal.to_string(),
    });
    let query_error = format!("{};Sender", refusal.code());
    let headers = [(header::CONTENT_TYPE, CONTENT_TYPE), (QUERY_ERROR, query_error.as_str())];
    (StatusCode::BAD_REQUEST, headers, body.to_string()).into_response()
}
