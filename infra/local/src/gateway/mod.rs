//! API Gateway's HTTP API: the address that callers see.
//!
//! Requests become events of payload format 2.0 and go to the function of their route. What API Gateway answers by
//! itself it answers here with the same words: 404 for no route, 413 over 10 MB, 500 for a function's error.

pub mod event;
mod reply;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use anyhow::Context as _;
use axum::{
    Json, Router,
    body::to_bytes,
    extract::{ConnectInfo, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::json;
use tokio::{net::TcpListener, sync::Semaphore};

use crate::{
    functions::Function,
    host::{Host, InvokeError},
    task::Task,
};

/// API Gateway's own limit; what is over 256 KiB reaches the function, which refuses it in its own words.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// cargo-lambda queues a hundred invocations of a function; more wait here.
const MAX_WAITING: usize = 64;

/// The gateway's place, taken before anything is served there, so that others can be told of it.
pub struct Doorway {
    listener: TcpListener,
    address: SocketAddr,
}

impl Doorway {
    /// Takes a loopback port, 0 for a free one.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn take(port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.with_context(|| format!("port {port} is taken"))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address that callers will see.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// The running gateway; it ends when this is dropped.
pub struct Gateway {
    address: SocketAddr,
    _serving: Task,
}

struct Shared {
    host: Host,
    room: Semaphore,
}

impl Gateway {
    /// Serves the routes of `host`'s functions.
    pub fn start(host: Host, doorway: Doorway) -> Self {
        let Doorway { listener, address } = doorway;
        let shared = Arc::new(Shared { host, room: Semaphore::new(MAX_WAITING) });
        let router = Router::new().fallback(handle).with_state(shared);
        let serving = Task::spawn("gateway", async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            if let Err(error) = axum::serve(listener, service).await {
                tracing::error!(%error, "the gateway ended");
            }
        });
        Self { address, _serving: serving }
    }

    /// The address that callers see.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// The function that a path belongs to, as in template.yaml.
fn route(path: &str) -> Option<Function> {
    let mut segments = path.strip_prefix('/')?.split('/');
    match (segments.next()?, segments.next()) {
        ("offboardings", _) | ("quota" | "health", None) | ("evidence", Some("keys")) => Some(Function::Api),
        ("hooks", Some(_)) => Some(Function::Hooks),
        _ => None,
    }
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    respond(&shared, peer.ip(), request).await.unwrap_or_else(|(status, words)| {
        // These are API Gateway's own answers, which have no problem details.
        (status, Json(json!({"message": words}))).into_response()
    })
}

async fn respond(shared: &Shared, peer: IpAddr, request: Request) -> Result<Response, (StatusCode, &'static str)> {
    const INTERNAL: (StatusCode, &str) = (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    let (parts, body) = request.into_parts();
    let function = route(parts.uri.path()).ok_or((StatusCode::NOT_FOUND, "Not Found"))?;
    let body = to_bytes(body, MAX_BODY_BYTES)
        .await
        .map_err(|_| (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"))?;
    let event = event::http_event(&parts, &body, peer, Timestamp::now());
    let _room = shared.room.acquire().await.map_err(|_| INTERNAL)?;
    match shared.host.invoke(function, &event).await {
        Ok(answer) => reply::to_response(&answer).ok_or_else(|| {
            tracing::error!(%function, "an answer that is no HTTP response");
            INTERNAL
        }),
        // The function's log says why.
        Err(InvokeError::Function(_)) => Err(INTERNAL),
        Err(InvokeError::Unreachable) => Err((StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_belongs_to_one_function() {
        for path in
            ["/offboardings", "/offboardings/", "/offboardings/off_1/evidence", "/evidence/keys", "/quota", "/health"]
        {
            assert_eq!(route(path), Some(Function::Api), "{path}");
        }
        assert_eq!(route("/hooks/podio/app/1/key"), Some(Function::Hooks));
        for path in ["", "/", "/hooks", "/offboardingsx", "/health/x", "/evidence", "/favicon.ico"] {
            assert_eq!(route(path), None, "{path}");
        }
    }
}
