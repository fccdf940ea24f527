//! What goes back: the body, and the headers that every answer carries.

use lambda_http::{
    Body, Response,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, LOCATION},
    },
};
use podio_door::answer;
use podio_lifecycle::{ids::OffboardingId, scim::ScimUserId};
use serde_json::Value;

/// The media type of every body (RFC 7644, section 8.1).
const SCIM: &str = "application/scim+json";

/// An answer, and what it is about, for the log.
#[derive(Debug)]
pub(crate) struct Answer {
    response: Response<Body>,
    pub(crate) user: Option<ScimUserId>,
    pub(crate) offboarding: Option<OffboardingId>,
}

impl Answer {
    /// An answer with a body.
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::of(status, Body::Text(body.to_string()))
    }

    /// The answer to what leaves nothing to say.
    pub(crate) fn no_content() -> Self {
        let mut answer = Self::of(StatusCode::NO_CONTENT, Body::Empty);
        answer.response.headers_mut().remove(CONTENT_TYPE);
        answer
    }

    fn of(status: StatusCode, body: Body) -> Self {
        Self { response: answer::response(status, SCIM, body), user: None, offboarding: None }
    }

    /// Sets a header. A value that cannot stand in a header is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.response.headers_mut().insert(name, value);
        }
        self
    }

    /// Says where to find it.
    pub(crate) fn located_at(self, url: &str) -> Self {
        self.with(LOCATION, url)
    }

    /// Notes whom it is about.
    pub(crate) fn about(self, user: &ScimUserId, offboarding: Option<&OffboardingId>) -> Self {
        Self { user: Some(user.clone()), offboarding: offboarding.cloned(), ..self }
    }

    /// The same without its body, as HEAD wants it.
    pub(crate) fn without_body(mut self) -> Self {
        *self.response.body_mut() = Body::Empty;
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        self.response
    }
}
