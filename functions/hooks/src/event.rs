//! What an HTTP API hands to a function and takes from it (payload format 2.0), as far as it matters here.
//!
//! `lambda_http` reads all of it, and twice, and brings along the tables of every character set for answers in one of them:
//! time that each delivery would pay for, and a package larger by a twentieth.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lambda_http::{Body, Response};
use serde::{Deserialize, Serialize};

use crate::{Posted, address::without_stage};

/// A request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    raw_path: String,
    request_context: Context,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
struct Context {
    #[serde(default)]
    stage: Option<String>,
    http: Http,
}

#[derive(Deserialize)]
struct Http {
    method: String,
}

impl Event {
    /// The request; a body that cannot be decoded is none.
    pub fn into_posted(self) -> Posted {
        let text = self.body.unwrap_or_default();
        let body = if self.is_base64_encoded { STANDARD.decode(text).unwrap_or_default() } else { text.into_bytes() };
        let path = without_stage(&self.raw_path, self.request_context.stage.as_deref()).to_owned();
        Posted { method: self.request_context.http.method, path, body }
    }
}

/// An answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    status_code: u16,
    headers: BTreeMap<String, String>,
    body: String,
    is_base64_encoded: bool,
}

impl From<Response<Body>> for Reply {
    fn from(answer: Response<Body>) -> Self {
        let (head, body) = answer.into_parts();
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
        Self { status_code: head.status.as_u16(), headers, body: text(&body), is_base64_encoded: false }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::verdict::Verdict;

    fn posted(change: impl FnOnce(&mut Value)) -> Posted {
        let mut event = json!({
            "version": "2.0", "routeKey": "POST /hooks/podio/{ref_type}/{ref_id}/{key}", "rawPath": "/hooks/podio/app/1/k",
            "rawQueryString": "", "headers": {"content-type": "application/x-www-form-urlencoded"},
            "requestContext": {
                "accountId": "1", "stage": "$default", "http": {"method": "POST", "path": "/hooks/podio/app/1/k"},
            },
            "body": "type=app.create", "isBase64Encoded": false,
        });
        change(&mut event);
        serde_json::from_value::<Event>(event).unwrap().into_posted()
    }

    #[test]
    fn a_request_is_read_with_and_without_base64_and_a_stage() {
        let expected =
            Posted { method: "POST".into(), path: "/hooks/podio/app/1/k".into(), body: b"type=app.create".to_vec() };
        assert_eq!(posted(|_| {}), expected);
        let encoded = posted(|event| {
            event["body"] = STANDARD.encode("type=app.create").into();
            event["isBase64Encoded"] = true.into();
        });
        assert_eq!(encoded, expected);
        let staged = posted(|event| {
            event["rawPath"] = "/prod/hooks/podio/app/1/k".into();
            event["requestContext"]["stage"] = "prod".into();
        });
        assert_eq!(staged, expected);
    }

    #[test]
    fn a_body_that_is_missing_or_cannot_be_decoded_is_none() {
        assert_eq!(posted(|event| event["body"] = Value::Null).body, b"");
        let broken = posted(|event| event["isBase64Encoded"] = true.into());
        assert_eq!(broken.body, b"");
    }

    #[test]
    fn an_answer_is_told_with_its_headers() {
        let stored = serde_json::to_value(Reply::from(Verdict::Stored.answer())).unwrap();
        assert_eq!(stored, json!({"statusCode": 200, "headers": {}, "body": "", "isBase64Encoded": false}));
        let refused = serde_json::to_value(Reply::from(Verdict::MethodNotAllowed.answer())).unwrap();
        assert_eq!((&refused["statusCode"], &refused["headers"]["allow"]), (&json!(405), &json!("POST")));
        assert!(refused["body"].as_str().unwrap().contains("Method not allowed"));
    }
}
