//! The way to Podio as a port: HTTP in every function, and whatever a simulation puts in its place.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

/// Carries requests to Podio and its answers back.
#[async_trait]
pub trait Transport: Debug + Send + Sync {
    /// Carries one request, and waits for its answer no longer than `patience`.
    async fn carry(&self, request: http::Request<Vec<u8>>, patience: Duration) -> Result<Carried, Lost>;
    /// The time that a wait until a date is counted from.
    fn now(&self) -> Timestamp;
}

/// An answer that arrived whole.
#[derive(Debug, Clone)]
pub struct Carried {
    /// The status line's number.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// Not even a status arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// Whether Podio may have seen the request all the same.
    pub uncertain: bool,
}
