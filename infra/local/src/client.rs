//! The HTTP client that the stack's parts reach each other with.

/// A client for loopback: no proxy of the caller's environment stands in between.
///
/// # Errors
/// The client cannot be built.
pub fn loopback() -> reqwest::Result<reqwest::Client> {
    // Loopback is plain HTTP, but the client wants to know its TLS. Somebody else may have chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build()
}
