//! A server that keeps what it is asked and gives the answers it was told to, in order.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::Response,
};
use podio_client::{AccessToken, Exchange, Podio, Request};
use tokio::{net::TcpListener, task::JoinHandle};

/// One request as it arrived.
pub struct Arrival {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// One answer to give.
#[derive(Clone)]
pub struct Canned {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

pub fn answer(status: u16, body: impl Into<Vec<u8>>) -> Canned {
    Canned { status, headers: Vec::new(), body: body.into() }
}

/// Podio's error object around a code and a message.
pub fn refusal(status: u16, error: &str, description: &str) -> Canned {
    let envelope = serde_json::json!({
        "error": error, "error_description": description, "error_detail": null, "error_parameters": {},
        "error_propagate": false, "request": {"url": "http://api.podio.com/x", "query_string": "", "method": "GET"},
    });
    answer(status, envelope.to_string()).with("content-type", "application/json")
}

impl Canned {
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

#[derive(Clone, Default)]
struct Desk {
    answers: Arc<Mutex<VecDeque<Canned>>>,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
}

pub struct Stub {
    desk: Desk,
    pub podio: Podio,
    server: JoinHandle<()>,
}

impl Stub {
    pub async fn answering(answers: impl IntoIterator<Item = Canned>) -> Self {
        let desk = Desk::default();
        desk.answers.lock().unwrap().extend(answers);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let podio = client(&format!("http://{}", listener.local_addr().unwrap()));
        let app = Router::new().fallback(serve).with_state(desk.clone());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { desk, podio, server }
    }

    /// Sends a request with a token named `t0ken`.
    pub async fn send<T>(&self, request: &Request<T>) -> Exchange<T> {
        self.podio.send(&token(), request).await
    }

    /// What arrived since the last time.
    pub fn arrivals(&self) -> Vec<Arrival> {
        std::mem::take(&mut *self.desk.arrivals.lock().unwrap())
    }
}

impl Drop for Stub {
    /// A test that leaves an answer unread did not test what it says.
    fn drop(&mut self) {
        self.server.abort();
        if !std::thread::panicking() {
            assert_eq!(self.desk.answers.lock().unwrap().len(), 0, "answers left over");
        }
    }
}

pub fn token() -> AccessToken {
    AccessToken::new("t0ken")
}

pub fn client(base: &str) -> Podio {
    install_crypto();
    Podio::new(base).unwrap()
}

/// What a program's `main` does; the second time in one process is refused, which is fine.
pub fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

async fn serve(State(desk): State<Desk>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    desk.arrivals.lock().unwrap().push(Arrival { method, uri, headers, body });
    let canned = desk.answers.lock().unwrap().pop_front();
    let canned = canned.unwrap_or_else(|| answer(599, "the stub was not told what to answer"));
    let mut response = Response::builder().status(StatusCode::from_u16(canned.status).unwrap());
    for (name, value) in canned.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(canned.body)).unwrap()
}
