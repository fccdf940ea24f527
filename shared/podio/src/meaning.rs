//! What an answer means to the caller: one of five things, decided here and nowhere else.

use std::fmt;

use crate::error::{Complaint, Error, NotFoundKind};

/// The meaning of Podio's answer to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Meaning<T> {
    /// Podio did it, or this is what it knows.
    Yes(T),
    /// The object is not there: 404 in Podio's own words, or 410 with its error object.
    Gone,
    /// This Podio knows no such operation: 404 *No matching operation*.
    NotOffered,
    /// Podio refuses. This proves nothing about whether the object exists.
    Denied(Denial),
    /// Nothing is known. The request may have taken effect.
    Unclear(Doubt),
}

impl<T> Meaning<T> {
    /// The same meaning with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Meaning<U> {
        match self {
            Self::Yes(value) => Meaning::Yes(change(value)),
            Self::Gone => Meaning::Gone,
            Self::NotOffered => Meaning::NotOffered,
            Self::Denied(denial) => Meaning::Denied(denial),
            Self::Unclear(doubt) => Meaning::Unclear(doubt),
        }
    }
}

/// A refusal with Podio's error object: 403, or any other 4xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The HTTP status; none where the request has no form in which it could be sent.
    pub status: Option<u16>,
    complaint: Complaint,
}

impl Denial {
    /// Whether the account that asks lacks a right.
    pub fn lacks_a_right(&self) -> bool {
        self.status == Some(403)
    }

    /// Whether Podio does not take the request in this form: a page that is too long, a list where it wants one id.
    pub fn is_of_form(&self) -> bool {
        self.status == Some(400)
    }

    /// Whether the state of the object forbids it.
    pub fn is_of_state(&self) -> bool {
        self.status == Some(409)
    }
}

/// Shows status and machine code, never Podio's message, which may name people.
impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{status}{}", self.complaint),
            None => f.write_str("not sent"),
        }
    }
}

/// Why nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// No answer came, or one that is not Podio's, or one that says "not now": 5xx, a web server's page, a used-up quota.
    NoAnswer,
    /// Podio said yes, but what it said cannot be read.
    Unreadable,
    /// Podio refuses the access token.
    Token,
}

impl<T> From<Result<T, Error>> for Meaning<T> {
    fn from(answer: Result<T, Error>) -> Self {
        let denied = |status, complaint| Self::Denied(Denial { status, complaint });
        match answer {
            Ok(value) => Self::Yes(value),
            Err(Error::NotFound(NotFoundKind::Object) | Error::Gone) => Self::Gone,
            Err(Error::NotFound(NotFoundKind::Route)) => Self::NotOffered,
            Err(Error::Forbidden { complaint }) => denied(Some(403), complaint),
            Err(Error::Invalid { status, complaint }) => denied(Some(status), complaint),
            Err(Error::Unsendable) => denied(None, Complaint::default()),
            Err(Error::Unavailable { .. } | Error::RateLimited { .. }) => Self::Unclear(Doubt::NoAnswer),
            Err(Error::Decode(_)) => Self::Unclear(Doubt::Unreadable),
            Err(Error::Unauthorized) => Self::Unclear(Doubt::Token),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(error: Error) -> Meaning<()> {
        Meaning::from(Err(error))
    }

    #[test]
    fn only_podios_own_word_says_that_something_is_gone() {
        assert_eq!(meaning(Error::NotFound(NotFoundKind::Object)), Meaning::Gone);
        assert_eq!(meaning(Error::Gone), Meaning::Gone);
        assert_eq!(meaning(Error::NotFound(NotFoundKind::Route)), Meaning::NotOffered);
        for status in [None, Some(400), Some(403), Some(404), Some(410), Some(502)] {
            let page = Error::Unavailable { status, uncertain: true };
            assert_eq!(meaning(page), Meaning::Unclear(Doubt::NoAnswer), "{status:?}");
        }
        assert_eq!(meaning(Error::RateLimited { wait: None }), Meaning::Unclear(Doubt::NoAnswer));
    }

    #[test]
    fn a_refusal_tells_what_it_refuses_and_quotes_no_message() {
        let body = br#"{"error":"forbidden","error_description":"jane@example.com may not"}"#;
        let complaint = Complaint::read(body).unwrap();
        let Meaning::Denied(denial) = meaning(Error::Forbidden { complaint }) else { panic!() };
        assert!(denial.lacks_a_right() && !denial.is_of_form() && !denial.is_of_state());
        assert_eq!(denial.to_string(), "403: forbidden");
        let Meaning::Denied(unsent) = meaning(Error::Unsendable) else { panic!() };
        assert!(!unsent.lacks_a_right() && unsent.status.is_none());
    }
}
