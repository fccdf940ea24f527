//! API Gateway's HTTP API: the address that callers see.
//!
//! Requests become events of payload format 2.0 and go to the function of their route, which template.yaml tells. What API
//! Gateway answers by itself it answers here with the same words: 404 for no route, 413 over 10 MB, 500 for a function's error.
//! Only callers who mean this address are let in: a page in a browser that has its own name resolve to loopback sends that name.
//! Under a base path it behaves as a custom domain with an API mapping: routes go by the rest of the path, and `rawPath`
//! keeps the whole.

pub mod event;
mod reply;
pub mod routes;

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
};

use anyhow::Context as _;
use axum::{
    Json, Router,
    body::to_bytes,
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::json;
use tokio::{net::TcpListener, sync::Semaphore};

use self::routes::Routes;
use crate::{
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
    base: String,
}

impl Doorway {
    /// Takes a loopback port, 0 for a free one. `base` is a base path such as `/podio`, or empty.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn take(port: u16, base: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.with_context(|| format!("port {port} is taken"))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, base: base.to_owned() })
    }

    /// The address that callers will see.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.base)
    }
}

/// The running gateway; it ends when this is dropped.
pub struct Gateway {
    url: String,
    port: u16,
    serving: Task,
}

struct Shared {
    host: Host,
    routes: Routes,
    base: String,
    port: u16,
    room: Semaphore,
}

impl Gateway {
    /// Serves the routes of a workspace's template with `host`'s functions.
    ///
    /// # Errors
    /// The template cannot be read.
    pub fn start(host: Host, doorway: Doorway, workspace: &Path) -> anyhow::Result<Self> {
        let url = doorway.url();
        let Doorway { listener, base, address } = doorway;
        let routes = Routes::of(workspace)?;
        let shared = Arc::new(Shared { host, routes, base, port: address.port(), room: Semaphore::new(MAX_WAITING) });
        let router = Router::new().fallback(handle).with_state(shared);
        let serving = Task::spawn("gateway", async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            if let Err(error) = axum::serve(listener, service).await {
                tracing::error!(%error, "the gateway ended");
            }
        });
        Ok(Self { url, port: address.port(), serving })
    }

    /// The address that callers see.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Ends it.
    pub async fn stop(self) {
        self.serving.stop().await;
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
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

/// Whether the host that a request names is this machine, by one of its loopback names, and the port this gateway's. An address
/// in the request line goes before the `Host` header (RFC 9112, section 3.2.2); both must be right.
fn is_ours(parts: &Parts, port: u16) -> bool {
    let known = |host: &str| {
        let (name, named) = match host.rsplit_once(':') {
            Some((name, named)) if !named.ends_with(']') => (name, named.parse().ok()),
            _ => (host, Some(80)),
        };
        named == Some(port) && ["127.0.0.1", "localhost", "[::1]"].iter().any(|ours| ours.eq_ignore_ascii_case(name))
    };
    let mut hosts = parts.headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let named = parts.uri.authority().map(axum::http::uri::Authority::as_str);
    let first = hosts.next();
    first.or(named).is_some() && first.into_iter().chain(hosts).chain(named).all(known)
}

async fn respond(shared: &Shared, peer: IpAddr, request: Request) -> Result<Response, (StatusCode, &'static str)> {
    const INTERNAL: (StatusCode, &str) = (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    let (parts, body) = request.into_parts();
    if !is_ours(&parts, shared.port) {
        return Err((StatusCode::FORBIDDEN, "Forbidden"));
    }
    let path = parts.uri.path().strip_prefix(&shared.base).unwrap_or_default();
    let route = shared.routes.choose(parts.method.as_str(), path).ok_or((StatusCode::NOT_FOUND, "Not Found"))?;
    let body = to_bytes(body, MAX_BODY_BYTES)
        .await
        .map_err(|_| (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"))?;
    let event = event::http_event(&parts, &body, peer, &route, Timestamp::now());
    let _room = shared.room.acquire().await.map_err(|_| INTERNAL)?;
    let function = route.function;
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

    fn ours(target: &str, hosts: &[&str], port: u16) -> bool {
        let request =
            hosts.iter().fold(axum::http::Request::get(target), |request, host| request.header("host", *host));
        is_ours(&request.body(()).unwrap().into_parts().0, port)
    }

    #[test]
    fn only_requests_for_this_address_are_let_in() {
        for host in ["127.0.0.1:9000", "localhost:9000", "LOCALHOST:9000", "[::1]:9000"] {
            assert!(ours("/health", &[host], 9000), "{host}");
        }
        assert!(ours("/health", &["localhost"], 80));
        assert!(ours("http://localhost:9000/health", &["localhost:9000"], 9000));
        for host in [
            "evil.example.com",
            "evil.example.com:9000",
            "127.0.0.1:9001",
            "127.0.0.1",
            "localhost.evil.example.com:9000",
            "localhost:9000:9000",
            "user@localhost:9000",
            "[::1]",
            "::1:9000",
            "192.0.2.1:9000",
            "",
        ] {
            assert!(!ours("/health", &[host], 9000), "{host}");
        }
        assert!(!ours("/health", &[], 9000));
        assert!(!ours("/health", &["localhost:9000", "evil.example.com"], 9000));
        assert!(!ours("http://evil.example.com/health", &["localhost:9000"], 9000));
    }
}
