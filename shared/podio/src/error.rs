//! What can go wrong with a call, in terms of what the caller may do next.
//!
//! Messages of Podio's can quote user ids and mail addresses, so none of these types shows them: they are had from
//! [`Error::description`] alone, cleaned and cut.

use std::{fmt, time::Duration};

use serde_json::Value;

/// Why a request brought no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// 401, or `invalid_token`: the token is expired, revoked or was never valid. Refresh at most once.
    #[error("Podio refused the access token")]
    Unauthorized,
    /// 420 or 429. `wait` is what Podio asked for, if it said anything sensible.
    #[error("Podio's rate limit is reached")]
    RateLimited {
        /// At least a second, at most a day.
        wait: Option<Duration>,
    },
    /// 404 with Podio's own words, of two very different kinds.
    #[error("{0}")]
    NotFound(NotFoundKind),
    /// 403: a right is missing. Proves nothing about whether the object exists.
    #[error("Podio denied a right{complaint}")]
    Forbidden {
        /// What Podio said.
        complaint: Complaint,
    },
    /// 410: the object, or the operation itself, is no more.
    #[error("Podio says that it is gone")]
    Gone,
    /// Any other 4xx: asking again will not help.
    #[error("Podio rejected the request with {status}{complaint}")]
    Invalid {
        /// The HTTP status.
        status: u16,
        /// What Podio said.
        complaint: Complaint,
    },
    /// Podio, or the way to it, is down: 5xx, a redirect, a timeout, a broken connection, or an answer of any status without
    /// Podio's error object, which a web server in front of Podio sends.
    #[error("Podio is unavailable{}{}", status_note(*.status), effect_note(*.uncertain))]
    Unavailable {
        /// The HTTP status, if one arrived.
        status: Option<u16>,
        /// The request may have taken effect: read the state back before repeating it. False only if no connection
        /// was made.
        uncertain: bool,
    },
    /// Success by status, but the body is not what this call answers.
    #[error("Podio's answer could not be read: {0}")]
    Decode(DecodeError),
    /// The request never left: it has no faithful form on the wire, for instance an address that is a path of dots or
    /// a token with a line break.
    #[error("the request cannot be sent as it is")]
    Unsendable,
}

impl Error {
    /// Podio's machine code for the error, where one came.
    pub fn code(&self) -> Option<&str> {
        self.complaint()?.code.as_deref()
    }

    /// Podio's message, one line of at most 200 characters. It may name people: never log it.
    pub fn description(&self) -> Option<String> {
        self.complaint()?.description()
    }

    fn complaint(&self) -> Option<&Complaint> {
        match self {
            Self::Forbidden { complaint } | Self::Invalid { complaint, .. } => Some(complaint),
            _ => None,
        }
    }
}

fn status_note(status: Option<u16>) -> String {
    status.map(|status| format!(" ({status})")).unwrap_or_default()
}

fn effect_note(uncertain: bool) -> &'static str {
    if uncertain { "; the request may have taken effect" } else { "; nothing was sent" }
}

/// The two meanings of 404. Only [`NotFoundKind::Object`] proves that something is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotFoundKind {
    /// Podio looked and the object is not there.
    Object,
    /// Podio knows no such operation: a mistake of ours.
    Route,
}

impl fmt::Display for NotFoundKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "Podio has no such object",
            Self::Route => "Podio has no such operation",
        })
    }
}

/// The error object that Podio sends with every refusal, as far as it could be read.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Complaint {
    /// Machine code such as `forbidden`; `None` if it is not one.
    pub code: Option<String>,
    /// Finer machine code such as `oauth.client.invalid_id`; mostly absent.
    pub detail: Option<String>,
    description: Option<String>,
}

impl Complaint {
    const LONGEST_DESCRIPTION: usize = 200;
    const LONGEST_CODE: usize = 80;

    /// Reads a body; `None` if it is not Podio's error object.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let Value::Object(mut envelope) = serde_json::from_slice(body).ok()? else { return None };
        let mut text = |key| match envelope.remove(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (error, detail, description) = (text("error"), text("error_detail"), text("error_description"));
        if error.is_none() && description.is_none() {
            return None;
        }
        Some(Self { code: error.and_then(machine_code), detail: detail.and_then(machine_code), description })
    }

    /// Podio's message as it came. Kept inside the crate.
    pub(crate) fn raw_description(&self) -> &str {
        self.description.as_deref().unwrap_or_default()
    }

    /// Podio's message, one line of at most 200 characters. It may name people: never log it.
    pub fn description(&self) -> Option<String> {
        let clean = |letter: char| if letter.is_control() { ' ' } else { letter };
        let text: String = self.raw_description().trim().chars().map(clean).take(Self::LONGEST_DESCRIPTION).collect();
        (!text.is_empty()).then_some(text)
    }
}

/// Keeps what looks like a code: anything longer or stranger might be a message, and a message may name somebody.
fn machine_code(text: String) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.- ".contains(&byte);
    (!text.is_empty() && text.len() <= Complaint::LONGEST_CODE && text.bytes().all(plain)).then_some(text)
}

impl fmt::Debug for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Complaint").field("code", &self.code).field("detail", &self.detail).finish_non_exhaustive()
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, &self.detail) {
            (None, None) => Ok(()),
            (Some(code), None) | (None, Some(code)) => write!(f, ": {code}"),
            (Some(code), Some(detail)) => write!(f, ": {code} ({detail})"),
        }
    }
}

/// A successful answer that could not be read, and where. Holds no value of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at {json_path}")]
pub struct DecodeError {
    /// Where in the body, such as `[3].user.user_id`; `.` for the whole of it.
    pub json_path: String,
    /// What is wrong there.
    pub fault: DecodeFault,
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DecodeFault {
    /// No body where one is due.
    Empty,
    /// Not JSON, or cut short.
    NotJson,
    /// JSON, but a needed value is missing, contradictory or of another type.
    Shape,
    /// More than this client is willing to hold.
    TooLarge,
}

impl fmt::Display for DecodeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "nothing there",
            Self::NotJson => "no JSON",
            Self::Shape => "an unexpected shape",
            Self::TooLarge => "too large",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"error":"forbidden","error_detail":"user.limit","error_description":"The user jane@example.com\nmay not","error_parameters":{},"error_propagate":false,"request":{"url":"http://api/org/1/member/mail/jane@example.com"}}"#;

    #[test]
    fn nothing_shown_quotes_the_message() {
        let error = Error::Forbidden { complaint: Complaint::read(BODY).unwrap() };
        for shown in [format!("{error:?}"), error.to_string()] {
            assert!(shown.contains("forbidden") && shown.contains("user.limit"), "{shown}");
            assert!(!shown.contains("jane"), "{shown}");
        }
        assert_eq!(error.code(), Some("forbidden"));
        assert_eq!(error.description().as_deref(), Some("The user jane@example.com may not"));
    }

    #[test]
    fn a_message_in_the_place_of_the_code_is_dropped() {
        let complaint = Complaint::read(br#"{"error":"no such user: jane@example.com"}"#).unwrap();
        assert_eq!(complaint.code, None);
        let odd = Complaint::read(br#"{"error":"Invalid authorization header"}"#).unwrap();
        assert_eq!(odd.code.as_deref(), Some("Invalid authorization header"));
    }

    #[test]
    fn a_body_that_is_not_podios_error_object_is_no_complaint() {
        for body in [&b""[..], b"<html>", b"[]", b"null", b"{}", br#"{"error":7}"#, br#"{"message":"Not Found"}"#] {
            assert_eq!(Complaint::read(body), None, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_long_message_is_cut_at_a_whole_character() {
        let body = serde_json::json!({"error": "x", "error_description": "ä".repeat(1000)}).to_string();
        assert_eq!(Complaint::read(body.as_bytes()).unwrap().description().unwrap().chars().count(), 200);
    }
}
