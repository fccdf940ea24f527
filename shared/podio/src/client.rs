//! The HTTP side: one request on the wire for each send, bounded in time and size.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION},
};
use jiff::Timestamp;
use reqwest::{Url, redirect, retry};

use crate::{
    answer::{Answer, BodyFault, LARGEST_BODY},
    error::Error,
    receipt::{Exchange, Receipt},
    request::Request,
    secret::AccessToken,
    transport::{Carried, Lost, Transport},
};

/// A connection that was not used for so long is not used again.
const IDLE: Duration = Duration::from_secs(30);

/// A connection pool to one Podio. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Podio {
    pool: Arc<Mutex<Pool>>,
    /// Without a slash at its end.
    base: String,
    timeouts: Timeouts,
    loopback: bool,
    /// What carries requests in place of HTTP, if anything.
    transport: Option<Arc<dyn Transport>>,
}

/// The connections, and when they were used last by the clock on the wall: a function that is frozen in between is told
/// of that by no other, and wakes up with connections that the other side has closed long ago. A request on one of these
/// may or may not have taken effect, and is charged to the quota either way.
#[derive(Debug)]
struct Pool {
    http: reqwest::Client,
    used_at: Timestamp,
}

/// How long to wait for Podio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection to be made.
    pub connect: Duration,
    /// For the whole exchange, connecting and the body included.
    pub whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), whole: Duration::from_secs(20) }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The address is not one of an API.
    #[error("the address of Podio must be https (http on loopback only), without credentials, query or fragment")]
    Address,
    /// The program did not choose who does its cryptography.
    #[error("no TLS crypto provider is installed in this process")]
    NoCryptoProvider,
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be built")]
    Http(#[source] reqwest::Error),
}

impl Podio {
    /// A client of the Podio at `base`, such as `https://api.podio.com`. The program must have installed a crypto
    /// provider for rustls before.
    pub fn new(base: &str) -> Result<Self, BuildError> {
        Self::with_timeouts(base, Timeouts::default())
    }

    /// The same with a patience of one's own.
    pub fn with_timeouts(base: &str, timeouts: Timeouts) -> Result<Self, BuildError> {
        let base = Url::parse(base).map_err(|_| BuildError::Address)?;
        let loopback = is_loopback(&base);
        let scheme = base.scheme() == "https" || base.scheme() == "http" && loopback;
        let bare = base.username().is_empty() && base.password().is_none();
        if !scheme || !bare || base.query().is_some() || base.fragment().is_some() {
            return Err(BuildError::Address);
        }
        // reqwest panics without one, and a library must not choose for the program.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(BuildError::NoCryptoProvider);
        }
        let http = connections(timeouts, loopback).map_err(BuildError::Http)?;
        let pool = Arc::new(Mutex::new(Pool { http, used_at: Timestamp::now() }));
        Ok(Self { pool, base: base.as_str().trim_end_matches('/').to_owned(), timeouts, loopback, transport: None })
    }

    /// The same Podio, reached by `transport` and not over the wire.
    #[must_use]
    pub fn carried_by(self, transport: Arc<dyn Transport>) -> Self {
        Self { transport: Some(transport), ..self }
    }

    /// Sends `request` once, whatever comes of it.
    pub async fn send<T>(&self, token: &AccessToken, request: &Request<T>) -> Exchange<T> {
        let mut receipt = Receipt::unanswered(request);
        let result = match self.prepare(token, request) {
            Some(prepared) => match self.fetch(prepared).await {
                Ok(answer) => {
                    receipt.answered(answer.status.as_u16(), &answer.headers);
                    answer.result(request, self.now())
                }
                Err(error) => Err(error),
            },
            None => Err(Error::Unsendable),
        };
        tracing::debug!(
            method = %receipt.method,
            route = receipt.route,
            status = receipt.status,
            request_id = receipt.request_id.as_deref(),
            remaining = receipt.rate.remaining,
            error = result.as_ref().err().map(tracing::field::display),
            "podio call"
        );
        Exchange { receipt, result }
    }

    fn prepare<T>(&self, token: &AccessToken, request: &Request<T>) -> Option<reqwest::Request> {
        let url = self.url(&request.path_and_query())?;
        let mut authorization = HeaderValue::from_str(&format!("OAuth2 {}", token.expose())).ok()?;
        authorization.set_sensitive(true);
        let mut builder = self.http().request(request.method().clone(), url).header(AUTHORIZATION, authorization);
        if let Some(body) = request.body() {
            builder = builder.json(body);
        }
        if let Some(patience) = request.patience() {
            builder = builder.timeout(patience.min(self.timeouts.whole));
        }
        builder.build().ok()
    }

    /// The address of a path below the base, or `None` if it would not reach the server as it is: a URL resolves
    /// segments of dots, which would turn a look-up into another operation.
    pub(crate) fn url(&self, path_and_query: &str) -> Option<Url> {
        let wanted = format!("{}{path_and_query}", self.base);
        Url::parse(&wanted).ok().filter(|url| url.as_str() == wanted)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.transport.as_ref().map_or_else(Timestamp::now, |transport| transport.now())
    }

    /// The bare client, as it is now; the token endpoint, which is no typed call, asks for it as well.
    pub(crate) fn http(&self) -> reqwest::Client {
        self.http_at(Timestamp::now())
    }

    fn http_at(&self, now: Timestamp) -> reqwest::Client {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = now.duration_since(pool.used_at).unsigned_abs() > IDLE;
        if idle && let Ok(fresh) = connections(self.timeouts, self.loopback) {
            pool.http = fresh;
        }
        pool.used_at = now;
        pool.http.clone()
    }

    /// One exchange on the wire. An error here means that not even a status arrived.
    pub(crate) async fn fetch(&self, request: reqwest::Request) -> Result<Answer, Error> {
        if let Some(transport) = &self.transport {
            let patience = request.timeout().copied().unwrap_or(self.timeouts.whole);
            let carried = transport.carry(plain(&request), patience).await;
            let Carried { status, headers, body } =
                carried.map_err(|Lost { uncertain }| Error::Unavailable { status: None, uncertain })?;
            return Ok(Answer { status, headers, body: Ok(body) });
        }
        let mut response = self.http().execute(request).await.map_err(|error| {
            if error.is_builder() {
                return Error::Unsendable;
            }
            Error::Unavailable { status: None, uncertain: !error.is_connect() }
        })?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        Ok(Answer { status, headers, body: read(response).await })
    }
}

/// A pool without connections yet.
fn connections(timeouts: Timeouts, loopback: bool) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("podio-lifecycle/", env!("CARGO_PKG_VERSION")))
        .default_headers(default_headers())
        .connect_timeout(timeouts.connect)
        .timeout(timeouts.whole)
        // A redirected or repeated request would be charged to the quota behind the caller's back.
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .pool_idle_timeout(IDLE);
    if loopback { builder.no_proxy() } else { builder }.build()
}

/// The request as it would go over the wire.
fn plain(request: &reqwest::Request) -> http::Request<Vec<u8>> {
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    let mut plain = http::Request::new(body.to_vec());
    *plain.method_mut() = request.method().clone();
    // The base was checked, and what is put behind it is a path.
    *plain.uri_mut() = request.url().as_str().parse().unwrap_or_default();
    *plain.headers_mut() = default_headers();
    plain.headers_mut().extend(request.headers().clone());
    plain
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, BodyFault> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > LARGEST_BODY => return Err(BodyFault::TooLarge),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(_) => return Err(BodyFault::Broken),
        }
    }
}

/// English, because one of Podio's messages has to be told from another.
fn default_headers() -> HeaderMap {
    HeaderMap::from_iter([
        (ACCEPT, HeaderValue::from_static("application/json")),
        (ACCEPT_LANGUAGE, HeaderValue::from_static("en")),
    ])
}

fn is_loopback(base: &Url) -> bool {
    match base.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// The server's side of each connection, in the order in which they were made: one byte for each answered request.
    async fn answering(listener: TcpListener, connected: tokio::sync::mpsc::UnboundedSender<()>) {
        while let Ok((mut stream, _)) = listener.accept().await {
            connected.send(()).unwrap();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                }
            });
        }
    }

    #[tokio::test]
    async fn who_wakes_up_after_a_freeze_connects_anew() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (connected, mut connections) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(answering(listener, connected));
        let podio = Podio::new(&base).unwrap();
        let start = Timestamp::now();
        let mut made = 0;
        for (seconds, expected) in [(0, 1), (20, 1), (45, 1), (76, 2), (80, 2), (3_600, 3), (3_601, 3), (0, 4)] {
            let http = podio.http_at(start + SignedDuration::from_secs(seconds));
            http.get(&base).send().await.unwrap().bytes().await.unwrap();
            while connections.try_recv().is_ok() {
                made += 1;
            }
            assert_eq!(made, expected, "at {seconds} s");
        }
    }
}
