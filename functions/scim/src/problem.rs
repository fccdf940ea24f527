//! What went wrong, as SCIM tells it (RFC 7644, section 3.12).
//!
//! A provider's administrator reads the detail, so it says what to do. Nothing of what is inside is told, and no value is
//! repeated.

use std::borrow::Cow;

use lambda_http::http::{
    StatusCode,
    header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE},
};
use podio_door::answer::{RETRY_AFTER_SECONDS, challenge};
use podio_lifecycle::{
    ports::ScimUserNotSaved,
    scim::{Fault, Refused},
};
use serde_json::json;

use crate::answer::Answer;

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Everything that an answer other than 2xx can mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The request cannot be understood.
    Refused(Refused),
    /// Nobody that we know.
    Unauthorized {
        /// Whether a token was shown, and was wrong.
        bad_token: bool,
    },
    /// It may not be.
    Forbidden(&'static str),
    /// There is no such route.
    NoSuchRoute,
    /// There is no such user, schema or group.
    NoSuchResource,
    /// The route exists, but not for this method.
    MethodNotAllowed {
        /// Those that it takes.
        allow: &'static str,
    },
    /// Another user has that name.
    NameTaken,
    /// It is not possible as things stand.
    Conflict(Cow<'static, str>),
    /// The body is too large.
    TooLarge,
    /// SCIM has it, this server has not.
    NotImplemented,
    /// Storage is down, or too many write the same at once.
    Unavailable,
    /// Our fault.
    Internal,
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NoSuchRoute | Self::NoSuchResource => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NameTaken | Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn detail(&self) -> &str {
        match self {
            Self::Refused(refused) => &refused.detail,
            Self::Unauthorized { .. } => "A valid bearer token is needed.",
            Self::Forbidden(detail) => detail,
            Self::Conflict(detail) => detail,
            Self::NoSuchRoute => "There is no such route.",
            Self::NoSuchResource => "There is no resource with this id.",
            Self::MethodNotAllowed { .. } => "This route takes other methods; the Allow header names them.",
            Self::NameTaken => "Another user has this userName.",
            Self::TooLarge => "The body is larger than 256 KiB.",
            Self::NotImplemented => "This server keeps users only: no groups that can be written, no bulk, no /Me.",
            Self::Unavailable => "Storage is not available right now. Send the same request again after a while.",
            Self::Internal => "Something is wrong on our side. It has been logged.",
        }
    }

    /// The answer.
    pub(crate) fn answer(&self) -> Answer {
        let status = self.status();
        // The status is a text in SCIM.
        let mut document = json!({"schemas": [ERROR], "status": status.as_str(), "detail": self.detail()});
        let fault = match self {
            Self::Refused(refused) => Some(refused.fault),
            Self::NameTaken => Some(Fault::Uniqueness),
            _ => None,
        };
        if let Some(fault) = fault {
            document["scimType"] = fault.name().into();
        }
        let answer = Answer::json(status, &document);
        match self {
            Self::Unauthorized { bad_token } => answer.with(WWW_AUTHENTICATE, challenge(*bad_token)),
            Self::MethodNotAllowed { allow } => answer.with(ALLOW, allow),
            Self::Unavailable => answer.with(RETRY_AFTER, RETRY_AFTER_SECONDS),
            _ => answer,
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<ScimUserNotSaved> for Problem {
    fn from(error: ScimUserNotSaved) -> Self {
        match error {
            ScimUserNotSaved::Conflict => Self::Unavailable,
            ScimUserNotSaved::NameTaken => Self::NameTaken,
            ScimUserNotSaved::Store(error) => error.into(),
        }
    }
}
