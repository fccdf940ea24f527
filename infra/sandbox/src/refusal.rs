//! Errors as Podio tells them: one envelope, a code for machines, a description in the caller's language.

use serde_json::{Value, json};

use crate::switches::{ErrorLanguage, Switches};
use crate::wire::Request;

/// Why a call is turned down.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) error: &'static str,
    pub(crate) detail: Option<&'static str>,
    pub(crate) reason: Reason,
}

/// The description, before it has a language.
#[derive(Debug, Clone)]
pub(crate) enum Reason {
    ObjectNotFound,
    NoOperation {
        path: String,
    },
    NoBody {
        path: String,
    },
    NoRight {
        right: &'static str,
    },
    LastAdmin,
    InvalidValue {
        what: String,
    },
    Grant {
        code: &'static str,
    },
    Gone,
    Conflict,
    RateLimit {
        wait_seconds: Option<u64>,
    },
    /// Texts that no language changes: codes in disguise.
    Literal(&'static str),
}

impl Refusal {
    fn new(status: u16, error: &'static str, reason: Reason) -> Self {
        Self { status, error, detail: None, reason }
    }

    pub(crate) fn object_not_found() -> Self {
        Self::new(404, "not_found", Reason::ObjectNotFound)
    }

    pub(crate) fn no_operation(path: &str) -> Self {
        Self::new(404, "not_found", Reason::NoOperation { path: path.to_owned() })
    }

    pub(crate) fn no_body(path: &str) -> Self {
        Self::new(404, "not_found", Reason::NoBody { path: path.to_owned() })
    }

    pub(crate) fn no_right(right: &'static str) -> Self {
        Self::new(403, "forbidden", Reason::NoRight { right })
    }

    pub(crate) fn last_admin(status: u16) -> Self {
        Self::new(status, if status == 409 { "conflict" } else { "forbidden" }, Reason::LastAdmin)
    }

    pub(crate) fn invalid_value(what: impl Into<String>) -> Self {
        Self::new(400, "invalid_value", Reason::InvalidValue { what: what.into() })
    }

    pub(crate) fn gone() -> Self {
        Self::new(410, "gone", Reason::Gone)
    }

    pub(crate) fn conflict() -> Self {
        Self::new(409, "conflict", Reason::Conflict)
    }

    pub(crate) fn grant(error: &'static str, detail: &'static str) -> Self {
        Self { detail: Some(detail), ..Self::new(400, error, Reason::Grant { code: detail }) }
    }

    pub(crate) fn missing_client_id() -> Self {
        Self::new(400, "invalid_client", Reason::Literal("Missing parameter client_id"))
    }

    pub(crate) fn forbidden_grant() -> Self {
        Self::new(403, "forbidden", Reason::Literal("Invalid grant type"))
    }

    pub(crate) fn unauthorized(description: &'static str) -> Self {
        Self::new(401, "unauthorized", Reason::Literal(description))
    }

    pub(crate) fn invalid_header() -> Self {
        Self::new(400, "Invalid authorization header", Reason::Literal("Invalid authorization header"))
    }

    pub(crate) fn rate_limit(wait_seconds: Option<u64>) -> Self {
        Self::new(420, "rate_limit", Reason::RateLimit { wait_seconds })
    }

    pub(crate) fn server_error(status: u16) -> Self {
        Self::new(status, "server_error", Reason::Literal("The server took too long to respond, please try again"))
    }

    /// The envelope.
    pub(crate) fn body(&self, request: &Request, switches: &Switches) -> Value {
        let english = switches.error_language == ErrorLanguage::English
            || request.header("accept-language").is_some_and(|languages| languages.starts_with("en"));
        json!({
            "error_parameters": {},
            "error_detail": self.detail,
            "error_propagate": matches!(self.reason, Reason::LastAdmin),
            "request": {
                "url": format!("http://api.podio.com{}", request.path),
                "query_string": request.query,
                "method": request.method,
            },
            "error_description": if english { self.reason.english() } else { self.reason.german() },
            "error": self.error,
        })
    }
}

impl Reason {
    fn english(&self) -> String {
        match self {
            Self::ObjectNotFound => "Object not found".to_owned(),
            Self::NoOperation { path } => {
                format!("No matching operation could be found. The path '{path}' was not found.")
            }
            Self::NoBody { path } => {
                format!("No matching operation could be found. No body was given for the path '{path}'.")
            }
            Self::NoRight { right } => format!("The user does not have the right {right}"),
            Self::LastAdmin => "The last admin cannot be removed".to_owned(),
            Self::InvalidValue { what } => format!("Invalid value {what}"),
            Self::Grant { code } => format!("The grant was refused: {code}"),
            Self::Gone => "The object has been deleted".to_owned(),
            Self::Conflict => "The object has been changed meanwhile".to_owned(),
            Self::RateLimit { wait_seconds: Some(seconds) } => {
                format!("You have hit the rate limit. Please wait {seconds} seconds before trying again")
            }
            Self::RateLimit { wait_seconds: None } => "You have hit the rate limit".to_owned(),
            Self::Literal(text) => (*text).to_owned(),
        }
    }

    fn german(&self) -> String {
        match self {
            Self::ObjectNotFound => "Objekt nicht gefunden".to_owned(),
            Self::NoOperation { path } => {
                format!("Keine passende Operation gefunden. Der Pfad '{path}' wurde nicht gefunden.")
            }
            Self::NoBody { path } => {
                format!("Keine passende Operation gefunden. Der Pfad '{path}' verlangt einen Inhalt.")
            }
            Self::NoRight { right } => format!("Der Benutzer hat das Recht {right} nicht"),
            Self::LastAdmin => "Der letzte Administrator kann nicht entfernt werden".to_owned(),
            Self::InvalidValue { what } => format!("Ungültiger Wert {what}"),
            Self::Grant { code } => format!("Die Anmeldung wurde abgelehnt: {code}"),
            Self::Gone => "Das Objekt wurde gelöscht".to_owned(),
            Self::Conflict => "Das Objekt wurde inzwischen geändert".to_owned(),
            Self::RateLimit { wait_seconds: Some(seconds) } => {
                format!("Zu viele Anfragen. Bitte warten Sie {seconds} Sekunden")
            }
            Self::RateLimit { wait_seconds: None } => "Zu viele Anfragen".to_owned(),
            Self::Literal(text) => (*text).to_owned(),
        }
    }
}
