//! How a connection is made: TCP, and TLS with the certificates that the system trusts.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider};
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

use crate::NoCryptoProvider;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Makes connections within bounded time, TLS included.
#[derive(Clone)]
pub(crate) struct Connector {
    https: HttpsConnector<HttpConnector>,
    within: Duration,
}

impl Connector {
    pub(crate) fn new(tls: Arc<ClientConfig>, within: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // One address that does not answer leaves time for the next.
        tcp.set_connect_timeout(Some(within));
        Self { https: HttpsConnector::from((tcp, tls)), within }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.https.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connected = timeout(self.within, self.https.call(to));
        Box::pin(async move { connected.await? })
    }
}

/// The process's TLS, set up once: reading the certificates takes milliseconds.
pub(crate) fn tls() -> Result<Arc<ClientConfig>, NoCryptoProvider> {
    static TLS: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    CryptoProvider::get_default().ok_or(NoCryptoProvider)?;
    Ok(Arc::clone(TLS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        // Whatever cannot be read is not trusted; with none at all no connection is made.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
    })))
}
