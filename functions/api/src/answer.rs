//! What goes back: the body, and the headers that every answer carries.

use lambda_http::{
    Body, Response,
    http::{HeaderName, HeaderValue, StatusCode, header::LOCATION},
};
use podio_door::answer;
use podio_lifecycle::ids::OffboardingId;
use serde::Serialize;

const JSON: &str = "application/json";

/// An answer, and the offboarding that it is about, for the log.
#[derive(Debug)]
pub(crate) struct Answer {
    response: Response<Body>,
    pub(crate) offboarding: Option<OffboardingId>,
}

impl Answer {
    /// An answer in JSON.
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        Self::json_as(JSON, status, body)
    }

    /// An answer in JSON of a more special media type.
    pub(crate) fn json_as(media_type: &'static str, status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(text) => Self::text(media_type, status, text),
            // Our own types have string keys throughout, so this cannot happen; should it, say nothing wrong.
            Err(_) => Self::text(JSON, StatusCode::INTERNAL_SERVER_ERROR, "{}".to_owned()),
        }
    }

    /// An answer in any media type.
    pub(crate) fn text(media_type: &'static str, status: StatusCode, text: String) -> Self {
        Self { response: answer::response(status, media_type, Body::Text(text)), offboarding: None }
    }

    /// Sets a header. A value that cannot stand in a header is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.response.headers_mut().insert(name, value);
        }
        self
    }

    /// Notes what it is about.
    pub(crate) fn about(mut self, id: &OffboardingId) -> Self {
        self.offboarding = Some(id.clone());
        self
    }

    /// Says where to look on.
    pub(crate) fn located_at(self, url: &str) -> Self {
        self.with(LOCATION, url)
    }

    /// The same behind a base path such as `/podio`. A caller resolves `Location` against the address that it called, so
    /// this link needs the base; links in bodies are relative to the API's own address, as the contract has them.
    pub(crate) fn below(self, base: &str) -> Self {
        let location = self.response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        match location.map(|location| format!("{base}{location}")) {
            Some(location) => self.with(LOCATION, &location),
            None => self,
        }
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
