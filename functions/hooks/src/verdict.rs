//! What is said of a request, and how: nothing but 200 where all is well, else a problem as RFC 9457 tells it.

use lambda_http::{
    Body, Response,
    http::{
        HeaderValue, StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS},
    },
};

/// When Podio may come again. It need not heed it.
const RETRY_SECONDS: &str = "60";

/// What is to be said of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The delivery is stored.
    Stored,
    /// It had been stored before.
    Repeated,
    /// There is no such door, or the key is not its key.
    NotFound,
    /// Deliveries are posted.
    MethodNotAllowed,
    /// No delivery is that large.
    TooLarge,
    /// No delivery at all.
    Malformed,
    /// It could not be stored.
    Unavailable,
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Repeated => "repeated",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Unavailable => "unavailable",
        }
    }

    pub(crate) fn answer(self) -> Response<Body> {
        let (status, title, detail) = match self {
            Self::Stored | Self::Repeated => return Response::new(Body::Empty),
            Self::NotFound => (StatusCode::NOT_FOUND, "Not found", "There is no such route."),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", "Deliveries are posted."),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Body too large", "The body is larger than 256 KiB."),
            Self::Malformed => (StatusCode::BAD_REQUEST, "Malformed request", "The body is not a delivery of Podio's."),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Temporarily unavailable",
                "The delivery could not be stored. Send it again.",
            ),
        };
        let kind = self.name().replace('_', "-");
        let body = serde_json::json!({
            "type": format!("urn:podio-lifecycle:problem:{kind}"), "title": title, "status": status.as_u16(), "detail": detail,
        });
        let mut response = Response::new(Body::Text(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        match self {
            Self::MethodNotAllowed => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            Self::Unavailable => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
            }
            Self::Stored | Self::Repeated | Self::NotFound | Self::TooLarge | Self::Malformed => {}
        }
        response
    }
}
