//! Lambda's runtime API, between a function and cargo-lambda.
//!
//! It adds what cargo-lambda leaves out. The deadline of an invocation is the true one. An invocation whose process died
//! fails as soon as the next process of that instance asks for work; one that overruns the function's timeout fails then,
//! and whatever the function still answers to it is dropped.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{client, functions::Function, task::Task};

const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
const DEADLINE: &str = "lambda-runtime-deadline-ms";

/// The runtime API of one run of cargo-lambda; it ends when this is dropped.
pub(super) struct RuntimeProxy {
    url: String,
    _serving: Task,
}

impl RuntimeProxy {
    /// Stands in front of the cargo-lambda at `host`.
    pub(super) async fn start(host: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no loopback port for the runtime API")?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(Runtime {
            client: client::loopback()?,
            upstream: format!("{host}/.rt"),
            invocations: Mutex::default(),
        });
        let router = Router::new()
            .route("/{instance}/{function}/2018-06-01/runtime/invocation/next", get(next))
            .route("/{instance}/{function}/2018-06-01/runtime/invocation/{id}/{outcome}", post(answer))
            .route("/{instance}/{function}/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::disable())
            .with_state(state);
        let serving = Task::spawn("runtime API", async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the runtime API ended");
            }
        });
        Ok(Self { url, _serving: serving })
    }

    /// What the functions' runtime API address begins with.
    pub(super) fn url(&self) -> String {
        self.url.clone()
    }
}

struct Runtime {
    client: reqwest::Client,
    upstream: String,
    /// The invocation in the hands of each instance.
    invocations: Mutex<HashMap<String, String>>,
}

impl Runtime {
    fn take(&self, instance: &str) -> Option<String> {
        self.invocations.lock().unwrap_or_else(PoisonError::into_inner).remove(instance)
    }

    /// True when `id` was in the hands of `instance`; it no longer is.
    fn settle(&self, instance: &str, id: &str) -> bool {
        let mut invocations = self.invocations.lock().unwrap_or_else(PoisonError::into_inner);
        let current = invocations.get(instance).is_some_and(|current| current == id);
        if current {
            invocations.remove(instance);
        }
        current
    }

    fn begin(&self, instance: &str, id: &str) {
        let mut invocations = self.invocations.lock().unwrap_or_else(PoisonError::into_inner);
        invocations.insert(instance.to_owned(), id.to_owned());
    }

    /// Answers the invoker in the place of a function that will not.
    async fn fail(&self, function: &str, id: &str, kind: &str, message: String) {
        tracing::warn!(function, id, kind, "an invocation failed");
        let error = json!({"errorType": kind, "errorMessage": message});
        let url = format!("{}/{function}/2018-06-01/runtime/invocation/{id}/error", self.upstream);
        if let Err(error) = self.client.post(url).json(&error).send().await {
            tracing::warn!(%error, function, "the host did not take an invocation's failure");
        }
    }
}

async fn next(State(runtime): State<Arc<Runtime>>, Path((instance, function)): Path<(String, String)>) -> Response {
    if let Some(id) = runtime.take(&instance) {
        // One process of an instance asks for work only when it has answered: an earlier one must have died.
        let message = format!("RequestId: {id} Error: Runtime exited without providing a reason");
        runtime.fail(&function, &id, "Runtime.ExitError", message).await;
    }
    let url = format!("{}/{function}/2018-06-01/runtime/invocation/next", runtime.upstream);
    // Without a host there is no work, now or later: the process ends together with it. It would panic at any answer that is no
    // invocation.
    let Ok((status, mut headers, event)) = fetch(&runtime.client, &url).await else {
        return std::future::pending().await;
    };
    let id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    if status == StatusCode::OK {
        let timeout = Function::named(&function).map_or(Duration::from_secs(60), Function::timeout);
        headers.insert(HeaderName::from_static(DEADLINE), deadline(SystemTime::now() + timeout));
        runtime.begin(&instance, &id);
        watch_deadline(&runtime, instance, function, id, timeout);
    }
    headers.retain_for_functions();
    (status, headers, event).into_response()
}

async fn fetch(client: &reqwest::Client, url: &str) -> reqwest::Result<(StatusCode, HeaderMap, Bytes)> {
    let answer = client.get(url).send().await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    Ok((status, headers, answer.bytes().await?))
}

async fn answer(
    State(runtime): State<Arc<Runtime>>,
    Path((instance, function, id, outcome)): Path<(String, String, String, String)>,
    body: Bytes,
) -> StatusCode {
    if runtime.settle(&instance, &id) {
        let url = format!("{}/{function}/2018-06-01/runtime/invocation/{id}/{outcome}", runtime.upstream);
        if let Err(error) = runtime.client.post(url).body(body).send().await {
            tracing::warn!(%error, function, "the host did not take an answer");
        }
    }
    // An invoker that left, or was told of a timeout, is no failure of the function.
    StatusCode::ACCEPTED
}

async fn init_error(Path((_, function)): Path<(String, String)>, body: Bytes) -> StatusCode {
    tracing::error!(function, error = %String::from_utf8_lossy(&body), "a function did not start");
    StatusCode::ACCEPTED
}

fn watch_deadline(runtime: &Arc<Runtime>, instance: String, function: String, id: String, timeout: Duration) {
    let runtime = Arc::downgrade(runtime);
    tokio::spawn(async move {
        tokio::time::sleep(timeout).await;
        let Some(runtime) = runtime.upgrade() else { return };
        if runtime.settle(&instance, &id) {
            let message = format!("RequestId: {id} Error: Task timed out after {} seconds", timeout.as_secs());
            runtime.fail(&function, &id, "Sandbox.Timedout", message).await;
        }
    });
}

fn deadline(at: SystemTime) -> HeaderValue {
    let millis = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    HeaderValue::from(u64::try_from(millis).unwrap_or(u64::MAX))
}

trait RuntimeHeaders {
    fn retain_for_functions(&mut self);
}

impl RuntimeHeaders for HeaderMap {
    /// Length and connection belong to the hop, the rest to the invocation.
    fn retain_for_functions(&mut self) {
        let names: Vec<_> = self.keys().filter(|name| !name.as_str().starts_with("lambda-runtime-")).cloned().collect();
        for name in names {
            self.remove(name);
        }
    }
}
