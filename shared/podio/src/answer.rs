//! From an HTTP answer to a result: the one place that knows what a status and a body mean. Pure.

use std::fmt;

use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use jiff::Timestamp;
pub use podio_https::BodyFault;

use crate::{
    error::{Complaint, DecodeError, DecodeFault, Error, NotFoundKind},
    request::Request,
    wait,
};

/// How much of an answer is held in memory at most: ten million bytes.
pub const LARGEST_BODY: usize = 10_000_000;

/// An HTTP answer. `Debug` shows the status only.
#[derive(Clone)]
pub struct Answer {
    /// The status line's number.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body, or why it is not there.
    pub body: Result<Vec<u8>, BodyFault>,
}

impl Answer {
    /// The result of `request`; `now` serves to read a `Retry-After` that is a date.
    ///
    /// Every 2xx is a success, and so is 304, which Podio's own client accepts too.
    pub fn result<T>(&self, request: &Request<T>, now: Timestamp) -> Result<T, Error> {
        if !self.is_success() {
            return Err(self.error(now));
        }
        match &self.body {
            Err(BodyFault::TooLarge) => {
                Err(Error::Decode(DecodeError { json_path: ".".to_owned(), fault: DecodeFault::TooLarge }))
            }
            Ok(body) if !self.is_page() => request.decode(body).map_err(Error::Decode),
            _ => Err(self.unavailable()),
        }
    }

    pub(crate) fn is_success(&self) -> bool {
        self.status.is_success() || self.status == StatusCode::NOT_MODIFIED
    }

    pub(crate) fn complaint(&self) -> Option<Complaint> {
        self.body.as_ref().ok().and_then(|body| Complaint::read(body))
    }

    /// Whether the body is a web page, which Podio never answers but something in front of it does.
    pub(crate) fn is_page(&self) -> bool {
        let Some(first) = self.text().iter().find(|byte| !byte.is_ascii_whitespace()) else { return false };
        let declared = self.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        *first == b'<' || declared && !b"{[\"".contains(first)
    }

    /// Whether this says that the quota is used up.
    pub(crate) fn is_rate_limit(&self, complaint: &Complaint) -> bool {
        matches!(self.status.as_u16(), 420 | 429)
            || self.status.is_client_error() && complaint.code.as_deref() == Some("rate_limit")
    }

    /// The wait that Podio asks for, from the headers, the message or the raw body.
    pub(crate) fn wait(&self, complaint: &Complaint, now: Timestamp) -> Option<std::time::Duration> {
        const ENOUGH: usize = 64 * 1024;
        wait::told(&self.headers, complaint.raw_description(), now)
            .or_else(|| wait::from_text(&String::from_utf8_lossy(&self.text()[..self.text().len().min(ENOUGH)])))
    }

    fn text(&self) -> &[u8] {
        self.body.as_deref().unwrap_or_default()
    }

    fn unavailable(&self) -> Error {
        Error::Unavailable { status: Some(self.status.as_u16()), uncertain: true }
    }

    /// The meaning of an answer that is no success.
    ///
    /// A refusal counts only with Podio's error object in its body. Without it the answer comes from a web server in front
    /// of Podio, whatever its status: a page with 403, 404 or 410 says nothing about a membership, so the caller waits and
    /// asks again. Two statuses are exceptions because believing them costs nothing but time: 420 and 429 make the caller
    /// wait, and 401 makes it renew the token once, unless the body is a web page.
    fn error(&self, now: Timestamp) -> Error {
        let envelope = self.complaint();
        let complaint = envelope.clone().unwrap_or_default();
        if self.is_rate_limit(&complaint) {
            return Error::RateLimited { wait: self.wait(&complaint, now) };
        }
        let bad_token = self.status.is_client_error() && complaint.code.as_deref() == Some("invalid_token");
        match (self.status.as_u16(), envelope) {
            (401, _) if !self.is_page() => Error::Unauthorized,
            (_, None) | (408, _) => self.unavailable(),
            (_, Some(_)) if bad_token => Error::Unauthorized,
            (403, Some(complaint)) => Error::Forbidden { complaint },
            (404, Some(complaint)) => not_found_kind(&complaint).map_or_else(|| self.unavailable(), Error::NotFound),
            (410, Some(complaint)) if complaint.code.is_some() => Error::Gone,
            (410, Some(_)) => self.unavailable(),
            (status @ 400..500, Some(complaint)) => Error::Invalid { status, complaint },
            _ => self.unavailable(),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Tells the kinds of 404 apart; `None` for an error object that is not the one Podio sends with a 404. Messages may come
/// translated, so all but one are taken for a missing object; requests ask for English, which makes the one for a missing
/// route reliable.
fn not_found_kind(complaint: &Complaint) -> Option<NotFoundKind> {
    let words = complaint.raw_description().to_ascii_lowercase();
    if words.contains("no matching operation") {
        Some(NotFoundKind::Route)
    } else if complaint.code.as_deref() == Some("not_found") && !words.trim().is_empty() {
        Some(NotFoundKind::Object)
    } else {
        None
    }
}
