//! TLS with the certificates that the system trusts.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider};

use crate::BuildError;

/// The process's TLS, set up once: reading the certificates takes milliseconds.
pub(crate) fn tls() -> Result<Arc<ClientConfig>, BuildError> {
    static TLS: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    CryptoProvider::get_default().ok_or(BuildError::NoCryptoProvider)?;
    Ok(Arc::clone(TLS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        // Whatever cannot be read is not trusted; with none at all no connection is made.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
    })))
}
