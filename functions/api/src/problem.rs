//! What went wrong, as RFC 9457 tells it.
//!
//! A caller learns what to do differently, and nothing of what is inside: storage errors are logged here, where they turn
//! into an answer, and the answer only says whether to come again.

use std::borrow::Cow;

use lambda_http::http::{
    StatusCode,
    header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE},
};
use podio_door::answer::{RETRY_AFTER_SECONDS, challenge};
use podio_lifecycle::{ids::OffboardingId, ports::StoreError};
use serde::Serialize;

use crate::answer::Answer;

const MEDIA_TYPE: &str = "application/problem+json";
const TYPE_PREFIX: &str = "urn:podio-lifecycle:problem:";

/// One bad field of the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FieldError {
    /// Where, as a JSON pointer (RFC 6901).
    pub(crate) pointer: String,
    /// What is expected there.
    pub(crate) detail: Cow<'static, str>,
}

/// One bad parameter of the query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ParameterError {
    /// Its name.
    pub(crate) parameter: Cow<'static, str>,
    /// What is expected of it.
    pub(crate) detail: Cow<'static, str>,
}

/// Everything that an answer other than 2xx can mean.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// The body is no JSON, or a header cannot be used.
    #[error("{0}")]
    Malformed(Cow<'static, str>),
    /// The query cannot be understood.
    #[error("The query has parameters that this route does not understand.")]
    BadQuery(Vec<ParameterError>),
    /// Nobody that we know.
    #[error("A valid signature or bearer token is needed.")]
    Unauthorized {
        /// Whether a token was shown, and was wrong.
        bad_token: bool,
    },
    /// Somebody that we know, who may not do this.
    #[error("{0}")]
    Forbidden(Cow<'static, str>),
    /// There is no such route.
    #[error("There is no such route.")]
    NoSuchRoute,
    /// There is no such offboarding.
    #[error("There is no offboarding with this id.")]
    NoSuchOffboarding,
    /// There is none of these.
    #[error("There is no {0} with this id.")]
    NoSuch(&'static str),
    /// The route exists, but not for this method.
    #[error("This route takes other methods; the Allow header names them.")]
    MethodNotAllowed {
        /// Those.
        allow: &'static str,
    },
    /// It is not possible as things stand.
    #[error("{detail}")]
    Conflict {
        /// Why not.
        detail: String,
        /// Another offboarding that stands in the way.
        offboarding: Option<OffboardingId>,
    },
    /// The body is too large.
    #[error("The body is larger than {kib} KiB.")]
    TooLarge {
        /// What the route takes.
        kib: usize,
    },
    /// JSON, but not what the route takes.
    #[error("The body has fields that cannot be accepted; each is listed with what is expected.")]
    Invalid(Vec<FieldError>),
    /// Storage is down, or too many write the same at once.
    #[error("Storage is not available right now. Send the same request again after a while.")]
    Unavailable,
    /// Our fault.
    #[error("Something is wrong on our side. It has been logged.")]
    Internal,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Errors<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offboarding: Option<&'a OffboardingId>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Errors<'a> {
    Fields(&'a [FieldError]),
    Parameters(&'a [ParameterError]),
}

impl Problem {
    /// A conflict without another offboarding in it.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::Conflict { detail: detail.into(), offboarding: None }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) | Self::BadQuery(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NoSuchRoute | Self::NoSuchOffboarding | Self::NoSuch(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Name and title. The name is stable, for programs; the title is for people.
    fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::Malformed(_) => ("malformed", "Malformed request"),
            Self::BadQuery(_) => ("bad-query", "Bad query parameters"),
            Self::Unauthorized { .. } => ("unauthorized", "Not authentic"),
            Self::Forbidden(_) => ("forbidden", "Not allowed"),
            Self::NoSuchRoute => ("no-such-route", "Not found"),
            Self::NoSuchOffboarding => ("no-such-offboarding", "Not found"),
            Self::NoSuch(_) => ("not-found", "Not found"),
            Self::MethodNotAllowed { .. } => ("method-not-allowed", "Method not allowed"),
            Self::Conflict { .. } => ("conflict", "Not possible as things stand"),
            Self::TooLarge { .. } => ("too-large", "Body too large"),
            Self::Invalid(_) => ("invalid-fields", "Invalid fields"),
            Self::Unavailable => ("unavailable", "Temporarily unavailable"),
            Self::Internal => ("internal", "Internal error"),
        }
    }

    /// The answer.
    pub(crate) fn answer(&self) -> Answer {
        let (kind, title) = self.kind();
        let status = self.status();
        let document = Document {
            kind: format!("{TYPE_PREFIX}{kind}"),
            title,
            status: status.as_u16(),
            detail: self.to_string(),
            errors: match self {
                Self::Invalid(errors) => Some(Errors::Fields(errors)),
                Self::BadQuery(errors) => Some(Errors::Parameters(errors)),
                _ => None,
            },
            offboarding: match self {
                Self::Conflict { offboarding, .. } => offboarding.as_ref(),
                _ => None,
            },
        };
        let answer = Answer::json_as(MEDIA_TYPE, status, &document);
        match self {
            Self::Unauthorized { bad_token } => answer.with(WWW_AUTHENTICATE, challenge(*bad_token)),
            Self::MethodNotAllowed { allow } => answer.with(ALLOW, allow),
            Self::Unavailable => answer.with(RETRY_AFTER, RETRY_AFTER_SECONDS),
            _ => answer,
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "storage failed");
        match error {
            StoreError::Unavailable(_) => Self::Unavailable,
            StoreError::Corrupt(_) => Self::Internal,
        }
    }
}
