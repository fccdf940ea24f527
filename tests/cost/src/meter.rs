//! Stands in front of DynamoDB, asks it with each request what that consumed, and adds it up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// What has been consumed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Consumed {
    /// Write request units; those of the index and of transactions included.
    pub write_units: f64,
    /// Read request units.
    pub read_units: f64,
    /// Requests.
    pub requests: u64,
    /// Writes that a condition refused. Each is charged like a write of one unit at least.
    pub refused: u64,
}

/// The meter; it ends when this is dropped.
pub struct Meter {
    url: String,
    consumed: Arc<Mutex<Consumed>>,
    serving: JoinHandle<()>,
}

struct Shared {
    behind: String,
    client: reqwest::Client,
    consumed: Arc<Mutex<Consumed>>,
}

impl Meter {
    /// Stands in front of the DynamoDB at that address.
    ///
    /// # Errors
    /// No port is to be had.
    pub async fn before(behind: String) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no loopback port for the meter")?;
        let url = format!("http://{}", listener.local_addr()?);
        let consumed = Arc::new(Mutex::new(Consumed::default()));
        let shared = Shared { behind, client: local_stack::client::loopback()?, consumed: Arc::clone(&consumed) };
        let router = Router::new().fallback(pass).with_state(Arc::new(shared));
        // Serving ends with the task, so what it says in the end is said to nobody.
        let serving = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { url, consumed, serving })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What was consumed so far.
    pub fn read(&self) -> Consumed {
        *lock(&self.consumed)
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Consumed {
    /// What was consumed since.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            write_units: self.write_units - before.write_units,
            read_units: self.read_units - before.read_units,
            requests: self.requests - before.requests,
            refused: self.refused - before.refused,
        }
    }

    fn book(&mut self, action: &str, status: StatusCode, answer: &Value) {
        self.requests += 1;
        let writes = ["Put", "Update", "Delete", "BatchWrite", "TransactWrite"];
        let writes = writes.iter().any(|word| action.starts_with(word));
        if !status.is_success() {
            self.refused += u64::from(writes);
            self.write_units += if writes { 1.0 } else { 0.0 };
            return;
        }
        let units = units(&answer["ConsumedCapacity"]);
        if writes {
            self.write_units += units;
        } else {
            self.read_units += units;
        }
    }
}

async fn pass(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    match forwarded(&shared, headers, &body).await {
        Ok(answer) => answer.into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn forwarded(
    shared: &Shared,
    mut headers: HeaderMap,
    body: &[u8],
) -> anyhow::Result<(StatusCode, HeaderMap, Bytes)> {
    let action = headers.get("x-amz-target").and_then(|target| target.to_str().ok()?.rsplit('.').next());
    let action = action.context("a request without an action")?.to_owned();
    let mut asked: Value = serde_json::from_slice(body)?;
    asked["ReturnConsumedCapacity"] = "TOTAL".into();
    for of_the_hop in ["content-length", "host"] {
        headers.remove(of_the_hop);
    }
    let request = shared.client.post(&shared.behind).headers(headers).body(serde_json::to_vec(&asked)?);
    let answer = request.send().await?;
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await?;
    headers.remove("transfer-encoding");
    let value = serde_json::from_slice(&body).unwrap_or_default();
    lock(&shared.consumed).book(&action, status, &value);
    Ok((status, headers, body))
}

/// Of one table, or of each.
fn units(consumed: &Value) -> f64 {
    match consumed {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => table["CapacityUnits"].as_f64().unwrap_or(0.0),
    }
}

fn lock(consumed: &Mutex<Consumed>) -> MutexGuard<'_, Consumed> {
    consumed.lock().unwrap_or_else(PoisonError::into_inner)
}
