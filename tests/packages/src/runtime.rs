//! Lambda's runtime API for one process, one event at a time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
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
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    task::JoinHandle,
    time::timeout,
};

/// How long a function may take for one step before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(60);
/// Far away: no deadline is part of what is measured.
const DEADLINE_MILLIS: &str = "4102444800000";

enum Word {
    Asks(Instant),
    Answers(Bytes),
    Fails(String),
}

struct Shared {
    events: Mutex<mpsc::UnboundedReceiver<Value>>,
    words: mpsc::UnboundedSender<Word>,
}

/// The API; it ends when this is dropped.
pub struct Runtime {
    address: String,
    events: mpsc::UnboundedSender<Value>,
    words: mpsc::UnboundedReceiver<Word>,
    serving: JoinHandle<()>,
}

impl Runtime {
    /// Serves it on a free loopback port.
    ///
    /// # Errors
    /// No port is to be had.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no loopback port for the runtime API")?;
        let address = listener.local_addr()?.to_string();
        let (events, waiting) = mpsc::unbounded_channel();
        let (said, words) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { events: Mutex::new(waiting), words: said });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::disable())
            .with_state(shared);
        // Serving ends with the task, so what it says in the end is said to nobody.
        let serving = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { address, events, words, serving })
    }

    /// What `AWS_LAMBDA_RUNTIME_API` is to be.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// When the function asked for its next event.
    ///
    /// # Errors
    /// It does something else, or nothing.
    pub async fn asked(&mut self) -> anyhow::Result<Instant> {
        match self.word().await? {
            Word::Asks(at) => Ok(at),
            Word::Answers(_) => anyhow::bail!("it answered what nobody asked"),
            Word::Fails(why) => anyhow::bail!("it failed: {why}"),
        }
    }

    /// Hands it an event and takes the answer.
    ///
    /// # Errors
    /// It fails.
    pub async fn invoke(&mut self, event: Value) -> anyhow::Result<Bytes> {
        self.events.send(event).context("the runtime API has ended")?;
        loop {
            match self.word().await? {
                Word::Asks(_) => {}
                Word::Answers(answer) => return Ok(answer),
                Word::Fails(why) => anyhow::bail!("it failed: {why}"),
            }
        }
    }

    async fn word(&mut self) -> anyhow::Result<Word> {
        let word = timeout(PATIENCE, self.words.recv()).await.context("it says nothing any more")?;
        word.context("the runtime API has ended")
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn say(&self, word: Word) -> StatusCode {
        // Nobody listens any more when the measurement is over.
        let _ = self.words.send(word);
        StatusCode::ACCEPTED
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.say(Word::Asks(Instant::now()));
    let Some(event) = shared.events.lock().await.recv().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let headers = [
        ("content-type", "application/json"),
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", DEADLINE_MILLIS),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:000000000000:function:measured"),
    ];
    (headers, event.to_string()).into_response()
}

async fn response(State(shared): State<Arc<Shared>>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    shared.say(Word::Answers(body))
}

async fn error(State(shared): State<Arc<Shared>>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    shared.say(Word::Fails(String::from_utf8_lossy(&body).into_owned()))
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    shared.say(Word::Fails(String::from_utf8_lossy(&body).into_owned()))
}
