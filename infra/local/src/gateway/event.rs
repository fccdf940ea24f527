//! A request as an event of payload format 2.0.

use std::{collections::BTreeMap, net::IpAddr};

use axum::http::{HeaderMap, header, request::Parts};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::routes::Chosen;
use crate::sqs::ACCOUNT;

/// The event that API Gateway's HTTP API makes of a request of that route. The raw path is the caller's, base path included.
pub fn http_event(parts: &Parts, body: &[u8], peer: IpAddr, route: &Chosen, now: Timestamp) -> Value {
    let path = parts.uri.path();
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": joined(&parts.headers),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": text(header::HOST),
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": peer.to_string(),
                "userAgent": text(header::USER_AGENT),
            },
            "requestId": request_id(),
            "routeKey": route.key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    let cookies: Vec<_> = text(header::COOKIE).split(';').map(str::trim).filter(|cookie| !cookie.is_empty()).collect();
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !route.parameters.is_empty() {
        event["pathParameters"] = json!(route.parameters);
    }
    let query = query(parts);
    if !query.is_empty() {
        event["queryStringParameters"] = json!(query);
    }
    if !body.is_empty() {
        // API Gateway hands text on as text and the rest, forms included, in base64.
        match std::str::from_utf8(body) {
            Ok(body) if is_text(text(header::CONTENT_TYPE)) => event["body"] = body.into(),
            _ => {
                event["body"] = STANDARD.encode(body).into();
                event["isBase64Encoded"] = true.into();
            }
        }
    }
    event
}

fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.is_empty()
        || kind.starts_with("text/")
        || matches!(kind.as_str(), "application/json" | "application/javascript" | "application/xml")
}

/// Names in lower case, repeated headers joined by a comma, cookies apart.
fn joined(headers: &HeaderMap) -> BTreeMap<&str, String> {
    let mut joined = BTreeMap::<_, String>::new();
    for (name, value) in headers.iter().filter(|(name, _)| *name != header::COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined.entry(name.as_str()).and_modify(|all| *all = format!("{all},{value}")).or_insert(value.into_owned());
    }
    joined
}

/// Decoded parameters, repeated ones joined by a comma.
fn query(parts: &Parts) -> BTreeMap<String, String> {
    let mut query = BTreeMap::<String, String>::new();
    let Ok(url) = reqwest::Url::parse(&format!("http://local/?{}", parts.uri.query().unwrap_or_default())) else {
        return query;
    };
    for (name, value) in url.query_pairs() {
        let all = query.entry(name.into_owned());
        all.and_modify(|all| *all = format!("{all},{value}")).or_insert_with(|| value.into_owned());
    }
    query
}

fn request_id() -> String {
    let mut random = [0; 16];
    // The id is for the log only; zeros serve as well.
    let _ = getrandom::fill(&mut random);
    uuid::Builder::from_random_bytes(random).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::functions::Function;

    fn event(request: axum::http::request::Builder, body: &[u8]) -> Value {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let parameters = BTreeMap::from([("id".to_owned(), "off_1".to_owned())]);
        let route = Chosen { function: Function::Api, key: "ANY /offboardings/{id}".to_owned(), parameters };
        http_event(&parts, body, IpAddr::from([127, 0, 0, 1]), &route, Timestamp::from_second(1_800_000_000).unwrap())
    }

    #[test]
    fn json_stays_text_and_a_form_becomes_base64() {
        let request = || Request::post("/hooks/podio/app/1/k");
        let json = event(request().header("content-type", "application/json; charset=utf-8"), b"{}");
        assert_eq!((&json["body"], &json["isBase64Encoded"]), (&json!("{}"), &json!(false)));
        let form = event(request().header("content-type", "application/x-www-form-urlencoded"), b"a=b");
        assert_eq!((&form["body"], &form["isBase64Encoded"]), (&json!("YT1i"), &json!(true)));
        let broken = event(request().header("content-type", "application/json"), b"\xff");
        assert_eq!(broken["isBase64Encoded"], true);
        assert!(event(request(), b"").get("body").is_none());
    }

    #[test]
    fn path_query_and_headers_are_where_the_function_looks() {
        let request = Request::get("/offboardings?state=held&limit=5&x=1&x=%C3%A4")
            .header("X-Twice", "a")
            .header("x-twice", "b")
            .header("cookie", "one=1; two=2")
            .header("user-agent", "test");
        let event = event(request, b"");
        assert_eq!(event["rawPath"], "/offboardings");
        assert_eq!(event["routeKey"], "ANY /offboardings/{id}");
        assert_eq!(event["requestContext"]["routeKey"], "ANY /offboardings/{id}");
        assert_eq!(event["pathParameters"], json!({"id": "off_1"}));
        assert_eq!(event["rawQueryString"], "state=held&limit=5&x=1&x=%C3%A4");
        assert_eq!(event["queryStringParameters"], json!({"state": "held", "limit": "5", "x": "1,ä"}));
        assert_eq!(event["headers"]["x-twice"], "a,b");
        assert_eq!(event["cookies"], json!(["one=1", "two=2"]));
        assert_eq!(event["requestContext"]["http"]["method"], "GET");
        assert_eq!(event["requestContext"]["http"]["sourceIp"], "127.0.0.1");
        assert_eq!(event["requestContext"]["time"], "15/Jan/2027:08:00:00 +0000");
    }
}
