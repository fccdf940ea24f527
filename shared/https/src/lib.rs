//! HTTP/1.1 on connections that are kept, over TLS where the address says so: how AWS and Podio are both reached.
//!
//! One client serves both, because a second one makes a package half a megabyte larger. There is no HTTP/2: a function has
//! one request on its way at a time, or a few, and each finds a connection that is free. A request goes over the wire once;
//! whoever wants it to go again sends it again. Bodies are held in memory, so that an answer is there as a whole or not.

mod tls;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use jiff::Timestamp;
use reqwest::{Client, redirect, retry};
use rustls::ClientConfig;

use self::tls::tls;

/// What a pool of connections keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For a connection to be made, TLS included.
    pub connect: Duration,
    /// A connection that was not used for so long is not used again.
    pub idle: Duration,
    /// The bytes of an answer's body, at most.
    pub largest_body: usize,
    /// Whether the environment may name a proxy (`HTTPS_PROXY`).
    pub proxied: bool,
}

/// Why there is no pool.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The program did not choose who does its cryptography.
    #[error("no TLS crypto provider is installed in this process")]
    NoCryptoProvider,
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be built")]
    Http(#[source] reqwest::Error),
}

/// Not even a status arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// There was no connection: the request cannot have taken effect.
    #[error("no connection could be made")]
    Unconnected,
    /// The connection broke: the request may have taken effect.
    #[error("the connection broke before an answer arrived")]
    Broken,
    /// The time ran out: the request may have taken effect.
    #[error("no answer arrived in time")]
    Late,
}

/// Why a body is not there although the headers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// The connection broke or the time ran out.
    #[error("the answer was cut short")]
    Broken,
    /// It is over [`Limits::largest_body`].
    #[error("the answer is too large")]
    TooLarge,
}

/// A pool of connections. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Connections {
    pool: Arc<Mutex<Pool>>,
    tls: Arc<ClientConfig>,
    limits: Limits,
}

/// The connections, and when they were used last by the clock on the wall: a function that is frozen in between is told
/// of that by no other, and wakes up with connections that the other side has closed long ago. A request on one of these
/// may or may not have taken effect.
struct Pool {
    client: Client,
    used_at: Timestamp,
}

impl Connections {
    /// A pool without connections yet. The program must have installed a crypto provider for rustls before.
    ///
    /// # Errors
    /// It has not, for a library must not choose for the program; or there is no client to be had.
    pub fn new(limits: Limits) -> Result<Self, BuildError> {
        let tls = tls()?;
        let client = client(&tls, limits).map_err(BuildError::Http)?;
        let pool = Arc::new(Mutex::new(Pool { client, used_at: Timestamp::now() }));
        Ok(Self { pool, tls, limits })
    }

    /// Sends `request`, whose address is absolute, and waits no longer than `patience` for the whole answer.
    ///
    /// # Errors
    /// Not even a status arrived.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        patience: Duration,
    ) -> Result<Response<Result<Bytes, BodyFault>>, Lost> {
        let mut request = reqwest::Request::try_from(request).map_err(|_| Lost::Unconnected)?;
        *request.timeout_mut() = Some(patience);
        let mut answer = self.client_at(Timestamp::now()).execute(request).await.map_err(|error| lost(&error))?;
        let mut whole = Response::new(());
        *whole.status_mut() = answer.status();
        *whole.headers_mut() = std::mem::take(answer.headers_mut());
        let body = read(answer, self.limits.largest_body).await;
        Ok(whole.map(|()| body))
    }

    /// From now on connections are made anew.
    pub fn forget(&self) {
        self.renew(&mut self.lock());
    }

    fn client_at(&self, now: Timestamp) -> Client {
        let mut pool = self.lock();
        if now.duration_since(pool.used_at).unsigned_abs() > self.limits.idle {
            self.renew(&mut pool);
        }
        pool.used_at = now;
        pool.client.clone()
    }

    /// What could be built once can be built again; and if not, old connections are better than none.
    fn renew(&self, pool: &mut Pool) {
        if let Ok(client) = client(&self.tls, self.limits) {
            pool.client = client;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("limits", &self.limits).finish_non_exhaustive()
    }
}

fn client(tls: &Arc<ClientConfig>, limits: Limits) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .tls_backend_preconfigured(ClientConfig::clone(tls))
        .connect_timeout(limits.connect)
        .pool_idle_timeout(limits.idle)
        // A redirected or repeated request would be sent, and charged to a quota, behind the caller's back.
        .redirect(redirect::Policy::none())
        .retry(retry::never());
    if limits.proxied { builder } else { builder.no_proxy() }.build()
}

fn lost(error: &reqwest::Error) -> Lost {
    if error.is_connect() {
        Lost::Unconnected
    } else if error.is_timeout() {
        Lost::Late
    } else {
        Lost::Broken
    }
}

async fn read(mut answer: reqwest::Response, largest: usize) -> Result<Bytes, BodyFault> {
    let mut body = BytesMut::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > largest => return Err(BodyFault::TooLarge),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body.freeze()),
            Err(_) => return Err(BodyFault::Broken),
        }
    }
}

#[cfg(test)]
mod tests;
