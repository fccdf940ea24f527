//! The door for Podio: `POST /hooks/podio/{ref_type}/{ref_id}/{key}`.
//!
//! **What it does today.** It checks the key, and whether the body is a delivery at all. There is no storage behind it
//! yet, so it may not say that a delivery has arrived: a genuine one is answered 503 with `Retry-After`, which asks Podio
//! to send it again, and nothing is promised that cannot be kept. Hooks should therefore not be registered before the
//! receiver exists; Podio switches a hook off after fifty refusals in a row.
//!
//! A wrong key gets the same 404 as a route that does not exist, and nothing is looked at before the key is right. The
//! function holds one secret, and needs no right to anything.

mod delivery;

use lambda_http::{
    Body, Request, RequestExt, Response,
    http::{
        HeaderValue, Method, StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS},
    },
    request::RequestContext,
};
use podio_aws::settings::{SettingError, Settings as Source};
use podio_signatures::hook_key;
use secrecy::SecretString;

/// The largest body that is read.
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// The settings that are secrets, wherever they are kept.
pub const SECRETS: [&str; 1] = [HOOK_SECRET];

const HOOK_SECRET: &str = "HOOK_SECRET";
/// When Podio may come again. It need not heed it.
const RETRY_SECONDS: &str = "60";

/// What is configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the hooks' addresses are keyed with.
    pub hook_secret: SecretString,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// That the secret is missing, by its name.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        Ok(Self { hook_secret: source.secret(HOOK_SECRET)? })
    }
}

/// Answers one request.
pub fn handle(settings: &Settings, request: &Request) -> Response<Body> {
    let raw = request.raw_http_path();
    let path = if raw.is_empty() { request.uri().path() } else { raw };
    let stage = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.stage.as_deref(),
        _ => None,
    };
    let verdict = judge(settings, request.method(), without_stage(path, stage), request.body());
    let answer = verdict.answer();
    let status = answer.status().as_u16();
    tracing::info!(route = "/hooks/podio/{ref_type}/{ref_id}/{key}", verdict = verdict.name(), status, "answered");
    answer
}

/// What is to be said of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    NotFound,
    MethodNotAllowed,
    TooLarge,
    Malformed,
    NotDurable,
}

fn judge(settings: &Settings, method: &Method, path: &str, body: &[u8]) -> Verdict {
    let Some(address) = Address::parse(path) else { return Verdict::NotFound };
    if method != Method::POST {
        return Verdict::MethodNotAllowed;
    }
    if body.len() > MAX_BODY_BYTES {
        return Verdict::TooLarge;
    }
    if !hook_key::verify(&settings.hook_secret, address.ref_type, address.ref_id, address.key) {
        return Verdict::NotFound;
    }
    if delivery::is_well_formed(body) { Verdict::NotDurable } else { Verdict::Malformed }
}

/// The object that a hook is registered on, and the key to its door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Address<'a> {
    ref_type: &'a str,
    ref_id: &'a str,
    key: &'a str,
}

impl<'a> Address<'a> {
    /// Podio's types are words in lower case, its ids are numbers.
    fn parse(path: &'a str) -> Option<Self> {
        let mut parts = path.strip_prefix("/hooks/podio/")?.split('/');
        let (ref_type, ref_id, key) = (parts.next()?, parts.next()?, parts.next()?);
        let a_word = !ref_type.is_empty() && ref_type.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let a_number = !ref_id.is_empty() && ref_id.bytes().all(|byte| byte.is_ascii_digit());
        (parts.next().is_none() && a_word && a_number && !key.is_empty()).then_some(Self { ref_type, ref_id, key })
    }
}

/// Behind API Gateway the path may begin with the stage.
fn without_stage<'a>(path: &'a str, stage: Option<&str>) -> &'a str {
    let rest = stage.and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage));
    rest.filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::NotDurable => "not_durable",
        }
    }

    fn answer(self) -> Response<Body> {
        let (status, title, detail) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "Not found", "There is no such route."),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", "Deliveries are posted."),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Body too large", "The body is larger than 256 KiB."),
            Self::Malformed => (StatusCode::BAD_REQUEST, "Malformed request", "The body is not a delivery of Podio's."),
            Self::NotDurable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Temporarily unavailable",
                "Deliveries are not stored yet. Send it again.",
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
            Self::NotDurable => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
            }
            Self::NotFound | Self::TooLarge | Self::Malformed => {}
        }
        response
    }
}
