//! The way to AWS: the SDK over the connections that Podio is reached by as well ([`podio_https`]).
//!
//! The SDK's own client speaks HTTP/2 and makes connections in more ways than a function needs, which made up a tenth of
//! each package.

use std::time::Duration;

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use bytes::Bytes;
use podio_https::{BodyFault, Connections, Limits, Lost};

use crate::deadline;

/// Far more than DynamoDB or SQS ever answer.
const LARGEST_BODY: usize = 32 * 1024 * 1024;
/// As the SDK has it.
const IDLE: Duration = Duration::from_secs(90);

/// A client whose answers take no longer than `attempt`, on connections that are made within `connect`.
///
/// # Panics
/// When the program has not installed TLS ([`crate::runtime::install_tls`]), which is its first step.
pub(crate) fn client(connect: Duration, attempt: Duration) -> SharedHttpClient {
    let limits = Limits { connect, idle: IDLE, largest_body: LARGEST_BODY, proxied: false };
    let connections = Connections::new(limits).unwrap_or_else(|error| panic!("{error}"));
    let connector = SharedHttpConnector::new(Connector { connections, attempt });
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Debug, Clone)]
struct Connector {
    connections: Connections,
    attempt: Duration,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.clone();
        HttpConnectorFuture::new(async move { connector.exchange(request).await })
    }
}

impl Connector {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let patience = deadline::left().map_or(self.attempt, |left| left.min(self.attempt));
        if patience.is_zero() {
            // No fault of the connection, so that nobody tries again.
            return Err(ConnectorError::other("the caller's time is over".into(), None));
        }
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let (head, body) = request.into_parts();
        let body = body.bytes().map(Bytes::copy_from_slice);
        let body = body.ok_or_else(|| ConnectorError::user("a body that is not in memory".into()))?;
        let sent = self.connections.send(http::Request::from_parts(head, body), patience).await;
        let (head, body) = sent.map_err(lost)?.into_parts();
        if head.status.is_server_error() {
            // Whatever is behind this connection is not well; the next try shall find something else.
            self.connections.forget();
        }
        let answer = http::Response::from_parts(head, body.map_err(cut_short)?.into());
        answer.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))
    }
}

fn lost(lost: Lost) -> ConnectorError {
    match lost {
        Lost::Unconnected => ConnectorError::io(lost.into()).never_connected(),
        Lost::Broken => ConnectorError::io(lost.into()),
        Lost::Late => ConnectorError::timeout(lost.into()),
    }
}

fn cut_short(fault: BodyFault) -> ConnectorError {
    match fault {
        BodyFault::Broken => ConnectorError::io(fault.into()),
        BodyFault::TooLarge => ConnectorError::other(fault.into(), None),
    }
}
