//! HTTP/1.1 on connections that are kept, over TLS where the address says so: how AWS and Podio are both reached.
//!
//! One client serves both, because a second one makes a package half a megabyte larger. There is no HTTP/2: a function has
//! one request on its way at a time, or a few, and each finds a connection that is free. A request goes over the wire once;
//! whoever wants it to go again sends it again. Bodies are held in memory, so that an answer is there as a whole or not.

mod connect;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use jiff::Timestamp;
use rustls::ClientConfig;
use tokio::time::{Instant, timeout_at};

use self::connect::{Connector, tls};

/// What a pool of connections keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For a connection to be made, TLS included.
    pub connect: Duration,
    /// A connection that was not used for so long is not used again.
    pub idle: Duration,
    /// The bytes of an answer's body, at most.
    pub largest_body: usize,
}

/// The program did not choose who does its cryptography.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no TLS crypto provider is installed in this process")]
pub struct NoCryptoProvider;

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
    client: Client<Connector, Full<Bytes>>,
    used_at: Timestamp,
}

impl Connections {
    /// A pool without connections yet. The program must have installed a crypto provider for rustls before.
    ///
    /// # Errors
    /// It has not: a library must not choose for the program.
    pub fn new(limits: Limits) -> Result<Self, NoCryptoProvider> {
        let tls = tls()?;
        let pool = Arc::new(Mutex::new(Pool { client: client(&tls, limits), used_at: Timestamp::now() }));
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
        let deadline = Instant::now() + patience;
        let sent = self.client_at(Timestamp::now()).request(request.map(Full::new));
        let answered = timeout_at(deadline, sent).await.map_err(|_| Lost::Late)?;
        let answer = answered.map_err(|error| if error.is_connect() { Lost::Unconnected } else { Lost::Broken })?;
        let (head, body) = answer.into_parts();
        let body = timeout_at(deadline, read(body, self.limits.largest_body)).await.unwrap_or(Err(BodyFault::Broken));
        Ok(Response::from_parts(head, body))
    }

    /// From now on connections are made anew.
    pub fn forget(&self) {
        self.lock().client = client(&self.tls, self.limits);
    }

    fn client_at(&self, now: Timestamp) -> Client<Connector, Full<Bytes>> {
        let mut pool = self.lock();
        if now.duration_since(pool.used_at).unsigned_abs() > self.limits.idle {
            pool.client = client(&self.tls, self.limits);
        }
        pool.used_at = now;
        pool.client.clone()
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

fn client(tls: &Arc<ClientConfig>, limits: Limits) -> Client<Connector, Full<Bytes>> {
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(limits.idle)
        .build(Connector::new(Arc::clone(tls), limits.connect))
}

async fn read(body: Incoming, largest: usize) -> Result<Bytes, BodyFault> {
    match Limited::new(body, largest).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyFault::TooLarge),
        Err(_) => Err(BodyFault::Broken),
    }
}

#[cfg(test)]
mod tests;
