//! Lambda's runtime API for one process: it hands out events one at a time and takes the answers.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use anyhow::Context as _;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::{
    net::TcpListener,
    sync::{Mutex as Turn, mpsc},
    task::JoinHandle,
};

/// Where the API's paths begin.
const VERSION: &str = "/2018-06-01/runtime";
/// Far away: no deadline is part of what is measured.
const DEADLINE_MILLIS: &str = "4102444800000";

/// What a process has said.
#[derive(Debug)]
pub enum Word {
    /// It has started and asked for its first event, at this moment.
    Ready(Instant),
    /// It has answered an event with this.
    Answered(Bytes),
    /// It could not start, or could not handle an event.
    Failed(String),
}

/// The API; it ends when this is dropped.
pub struct RuntimeApi {
    address: String,
    events: mpsc::UnboundedSender<Bytes>,
    words: mpsc::UnboundedReceiver<Word>,
    serving: JoinHandle<()>,
}

struct Shared {
    events: Turn<mpsc::UnboundedReceiver<Bytes>>,
    words: mpsc::UnboundedSender<Word>,
    asked: Mutex<bool>,
}

impl RuntimeApi {
    /// Serves it on a free loopback port.
    ///
    /// # Errors
    /// No port is to be had.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no loopback port for the runtime API")?;
        let address = listener.local_addr()?.to_string();
        let (events, waiting) = mpsc::unbounded_channel();
        let (said, words) = mpsc::unbounded_channel();
        let shared = Shared { events: Turn::new(waiting), words: said, asked: Mutex::new(false) };
        let router = Router::new()
            .route(&format!("{VERSION}/invocation/next"), get(next))
            .route(&format!("{VERSION}/invocation/{{id}}/response"), post(response))
            .route(&format!("{VERSION}/invocation/{{id}}/error"), post(error))
            .route(&format!("{VERSION}/init/error"), post(init_error))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::new(shared));
        // Serving ends with the task, so what it says in the end is said to nobody.
        let serving = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { address, events, words, serving })
    }

    /// What `AWS_LAMBDA_RUNTIME_API` is to be.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Queues an event.
    pub fn invoke(&self, event: Bytes) {
        // The receiver lives as long as the server.
        let _ = self.events.send(event);
    }

    /// The next thing that the process says.
    pub async fn word(&mut self) -> Word {
        self.words.recv().await.unwrap_or_else(|| Word::Failed("the runtime API has ended".to_owned()))
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn say(&self, word: Word) {
        // Nobody listens any more when the measurement is over.
        let _ = self.words.send(word);
    }

    fn asks(&self) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut asked, true) {
            self.say(Word::Ready(Instant::now()));
        }
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.asks();
    let event = shared.events.lock().await.recv().await;
    match event {
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(event) => {
            let headers = [
                ("content-type", "application/json"),
                ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
                ("lambda-runtime-deadline-ms", DEADLINE_MILLIS),
                ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:000000000000:function:measured"),
            ];
            (headers, event).into_response()
        }
    }
}

async fn response(State(shared): State<Arc<Shared>>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    shared.say(Word::Answered(body));
    StatusCode::ACCEPTED
}

async fn error(State(shared): State<Arc<Shared>>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    shared.say(Word::Failed(String::from_utf8_lossy(&body).into_owned()));
    StatusCode::ACCEPTED
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    shared.say(Word::Failed(String::from_utf8_lossy(&body).into_owned()));
    StatusCode::ACCEPTED
}
