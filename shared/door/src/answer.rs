//! What answers of every door have in common, whatever they say.

use lambda_http::{
    Body, Response,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
};

/// In how many seconds a caller is asked to try again (`Retry-After`) while storage is not available.
pub const RETRY_AFTER_SECONDS: &str = "5";

/// An answer with the headers that each carries: it is not kept, not guessed at, and tells no other site where it came from.
pub fn response(status: StatusCode, media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    // Answers name people, and change from one moment to the next.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        HeaderName::from_static("strict-transport-security"),
        HeaderValue::from_static("max-age=63072000; includeSubDomains"),
    );
    response
}

/// `WWW-Authenticate` of an answer 401 (RFC 6750, section 3): whether a token was shown that is not valid, or none.
pub fn challenge(bad_token: bool) -> &'static str {
    if bad_token {
        r#"Bearer realm="podio-lifecycle", error="invalid_token""#
    } else {
        r#"Bearer realm="podio-lifecycle""#
    }
}
