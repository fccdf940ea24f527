//! A function's answer as a response.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// The response that `answer` describes; none when it describes none.
pub(super) fn to_response(answer: &[u8]) -> Option<Response> {
    let answer: Answer = serde_json::from_slice(answer).ok()?;
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded { STANDARD.decode(body).ok()? } else { body.into_bytes() };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status_code).ok()?;

    let headers = response.headers_mut();
    for (name, value) in answer.headers.unwrap_or_default() {
        headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    for (name, values) in answer.multi_value_headers.unwrap_or_default() {
        let name = HeaderName::try_from(name).ok()?;
        // lambda_http fills both maps; this one is complete.
        headers.remove(&name);
        for value in values {
            headers.append(&name, HeaderValue::try_from(value).ok()?);
        }
    }
    for cookie in answer.cookies.unwrap_or_default() {
        headers.append(header::SET_COOKIE, HeaderValue::try_from(cookie).ok()?);
    }
    // The length is the server's to tell.
    headers.remove(header::CONTENT_LENGTH);
    Some(response)
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn status_headers_cookies_and_body_come_through() {
        let answer =
            br#"{"statusCode":202,"headers":{"location":"/x","x-many":"a"},"multiValueHeaders":{"x-many":["a","b"]},
            "cookies":["s=1"],"body":"aGk=","isBase64Encoded":true}"#;
        let response = to_response(answer).unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(response.headers()["location"], "/x");
        assert_eq!(response.headers().get_all("x-many").iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(response.headers()["set-cookie"], "s=1");
        assert_eq!(to_bytes(response.into_body(), 10).await.unwrap(), "hi");
    }

    #[test]
    fn what_is_no_http_answer_is_refused() {
        for answer in ["", "null", "{}", r#"{"statusCode":7}"#, r#"{"statusCode":200,"headers":{"b ad":"x"}}"#] {
            assert!(to_response(answer.as_bytes()).is_none(), "{answer}");
        }
        assert_eq!(to_response(br#"{"statusCode":204,"body":null,"headers":null}"#).unwrap().status(), 204);
    }
}
