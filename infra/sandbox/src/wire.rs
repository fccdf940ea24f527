//! One HTTP exchange without HTTP: what comes in, what goes out, and what a fault does to the connection.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request as it came off the wire.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, still percent-encoded, with its leading slash.
    pub path: String,
    /// The raw query without the question mark.
    pub query: String,
    /// Header names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without headers and body; `target` is a path and maybe a query.
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), ..Self::default() }
    }

    /// With an access token.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.headers.push(("authorization".to_owned(), format!("OAuth2 {token}")));
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        self.body = body.to_string().into_bytes();
        self
    }

    /// With a form-encoded body.
    #[must_use]
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        self.headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        self.body = serde_urlencoded::to_string(fields).unwrap_or_default().into_bytes();
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Decoded path segments. A trailing slash leaves an empty last one, which is how list routes differ from single
    /// ones.
    pub(crate) fn segments(&self) -> Vec<String> {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        path.split('/').map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
    }

    pub(crate) fn query_pairs(&self) -> Vec<(String, String)> {
        serde_urlencoded::from_str(&self.query).unwrap_or_default()
    }

    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

/// A response, complete.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `Null` when it is not JSON.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// What the sandbox does with one request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What is sent, unless the connection is cut.
    pub response: Response,
    /// How long the connection is held before anything is sent.
    pub hold: Duration,
    /// The connection ends without a byte of the response.
    pub cut: bool,
    /// Something that outlives the request has changed, armed faults included.
    pub changed: bool,
}
