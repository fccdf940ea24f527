//! The HTTP side: one request on the wire for each send, bounded in time and size.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Uri,
    header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};
use jiff::Timestamp;
use podio_https::{Connections, Limits};

use crate::{
    answer::{Answer, LARGEST_BODY},
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
    connections: Connections,
    /// Without a slash at its end.
    base: String,
    timeouts: Timeouts,
    /// What carries requests in place of HTTP, if anything.
    transport: Option<Arc<dyn Transport>>,
}

/// A request as it goes over the wire, and how long to wait for its answer.
pub(crate) struct Prepared {
    request: http::Request<Bytes>,
    patience: Duration,
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
    /// There is no HTTP client.
    #[error(transparent)]
    Http(#[from] podio_https::BuildError),
}

impl Podio {
    /// A client of the Podio at `base`, such as `https://api.podio.com`. The program must have installed a crypto
    /// provider for rustls before.
    pub fn new(base: &str) -> Result<Self, BuildError> {
        Self::with_timeouts(base, Timeouts::default())
    }

    /// The same with a patience of one's own.
    pub fn with_timeouts(base: &str, timeouts: Timeouts) -> Result<Self, BuildError> {
        let uri: Uri = base.parse().map_err(|_| BuildError::Address)?;
        let authority = uri.authority().ok_or(BuildError::Address)?;
        let is_near = is_loopback(authority.host());
        let scheme = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => is_near,
            _ => false,
        };
        let bare = !authority.as_str().contains('@') && uri.query().is_none() && !base.contains('#');
        if !scheme || !bare {
            return Err(BuildError::Address);
        }
        let connections = Connections::new(Limits {
            connect: timeouts.connect,
            idle: IDLE,
            largest_body: LARGEST_BODY,
            proxied: !is_near,
        })?;
        Ok(Self { connections, base: base.trim_end_matches('/').to_owned(), timeouts, transport: None })
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

    fn prepare<T>(&self, token: &AccessToken, request: &Request<T>) -> Option<Prepared> {
        let mut authorization = HeaderValue::from_str(&format!("OAuth2 {}", token.expose())).ok()?;
        authorization.set_sensitive(true);
        let body = request.body().map(|body| (JSON, body.to_string()));
        let mut prepared = self.to(request.method(), &request.path_and_query(), body)?;
        prepared.request.headers_mut().insert(AUTHORIZATION, authorization);
        if let Some(patience) = request.patience() {
            prepared.patience = patience.min(self.timeouts.whole);
        }
        Some(prepared)
    }

    /// A request to a path below the base, with a body of that type, if it has one. `None` if it has no faithful form on the
    /// wire.
    pub(crate) fn to(
        &self,
        method: &Method,
        path_and_query: &str,
        body: Option<(HeaderValue, String)>,
    ) -> Option<Prepared> {
        let mut request = http::Request::new(Bytes::new());
        *request.method_mut() = method.clone();
        *request.uri_mut() = self.uri(path_and_query)?;
        *request.headers_mut() = headers();
        if let Some((kind, body)) = body {
            request.headers_mut().insert(CONTENT_TYPE, kind);
            *request.body_mut() = body.into();
        }
        Some(Prepared { request, patience: self.timeouts.whole })
    }

    /// The address of a path below the base, or `None` if it might not reach the server as it is: whoever resolves segments
    /// of dots turns a look-up into another operation.
    fn uri(&self, path_and_query: &str) -> Option<Uri> {
        let plain = |letter: u8| letter.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&letter);
        let (path, _) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
        if !path_and_query.bytes().all(plain) || path.split('/').any(dots) {
            return None;
        }
        format!("{}{path_and_query}", self.base).parse().ok()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.transport.as_ref().map_or_else(Timestamp::now, |transport| transport.now())
    }

    /// One exchange on the wire. An error here means that not even a status arrived.
    pub(crate) async fn fetch(&self, prepared: Prepared) -> Result<Answer, Error> {
        let Prepared { request, patience } = prepared;
        if let Some(transport) = &self.transport {
            let carried = transport.carry(request.map(Vec::from), patience).await;
            let Carried { status, headers, body } =
                carried.map_err(|Lost { uncertain }| Error::Unavailable { status: None, uncertain })?;
            return Ok(Answer { status, headers, body: Ok(body) });
        }
        let answer = self.connections.send(request, patience).await.map_err(|lost| {
            let uncertain = match lost {
                podio_https::Lost::Unconnected => false,
                podio_https::Lost::Broken | podio_https::Lost::Late => true,
            };
            Error::Unavailable { status: None, uncertain }
        })?;
        let (head, body) = answer.into_parts();
        Ok(Answer { status: head.status, headers: head.headers, body: body.map(Vec::from) })
    }
}

/// What a body of JSON is called.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// English, because one of Podio's messages has to be told from another.
fn headers() -> HeaderMap {
    HeaderMap::from_iter([
        (ACCEPT, HeaderValue::from_static("application/json")),
        (ACCEPT_LANGUAGE, HeaderValue::from_static("en")),
        (USER_AGENT, HeaderValue::from_static(concat!("podio-lifecycle/", env!("CARGO_PKG_VERSION")))),
    ])
}

fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
