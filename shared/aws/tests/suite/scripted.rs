//! An AWS service that answers as a test tells it to.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_sdk_dynamodb::Client;
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use podio_aws::twin::sdk;
use serde_json::{Value, json};

/// One answer.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

impl Answer {
    /// A good one.
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    /// A refusal of that type.
    pub fn error(kind: &str, mut body: Value) -> Self {
        body["__type"] = json!(format!("com.amazonaws.dynamodb.v20120810#{kind}"));
        Self { status: 400, body }
    }
}

/// The server; it ends with the test's runtime. Once its answers are used up it refuses everything.
pub struct Scripted {
    address: SocketAddr,
    script: Arc<Script>,
}

struct Script {
    answers: Mutex<VecDeque<Answer>>,
    requests: AtomicUsize,
}

impl Scripted {
    /// Serves these answers, one after the other, on a free port.
    pub async fn start(answers: Vec<Answer>) -> Self {
        let script = Arc::new(Script { answers: Mutex::new(answers.into()), requests: AtomicUsize::new(0) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", post(answer)).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, script }
    }

    /// A client that talks to it.
    pub async fn dynamodb(&self) -> Client {
        Client::new(&sdk(format!("http://{}", self.address)))
    }

    /// How many requests there were.
    pub fn requests(&self) -> usize {
        self.script.requests.load(Ordering::Relaxed)
    }
}

async fn answer(State(script): State<Arc<Script>>) -> Response {
    script.requests.fetch_add(1, Ordering::Relaxed);
    let next = script.answers.lock().unwrap().pop_front();
    let Answer { status, body } = next.unwrap_or_else(|| Answer::error("AccessDeniedException", json!({})));
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}
