//! How people and Podio knock at the two doors.

use jiff::Timestamp;
use lambda_http::{Body, Request, Response, http};
use podio_sandbox::state::Delivery;
use podio_signatures::standard_webhooks::{Secret, sign};
use serde_json::{Value, json};

use crate::{
    dealings::{Letter, Reply},
    scene::{Scene, Wish},
    wiring::{BASE_URL, SECRET, TOKEN},
};

/// The request that carries a letter.
pub fn request(letter: &Letter, scene: &Scene, now: Timestamp) -> Request {
    let (method, path, body) = match letter {
        Letter::Post(wish) => return signed(&scene.wishes[*wish], scene, now),
        Letter::WhoIsHeld => ("GET", "/offboardings?state=held&limit=50".to_owned(), String::new()),
        Letter::WhatFailed => ("GET", "/offboardings?state=failed&limit=50".to_owned(), String::new()),
        Letter::Approve(id, decision) => ("POST", format!("/offboardings/{id}/approve"), decision.to_string()),
        Letter::Cancel(id) => ("POST", format!("/offboardings/{id}/cancel"), String::new()),
        Letter::Retry(id) => ("POST", format!("/offboardings/{id}/retry"), String::new()),
        Letter::Pause => ("POST", "/pause".to_owned(), r#"{"reason": "to look at it"}"#.to_owned()),
        Letter::Resume => ("POST", "/resume".to_owned(), String::new()),
        Letter::View(id) => ("GET", format!("/offboardings/{id}?fields=summary"), String::new()),
    };
    let request = http::Request::builder().method(method).uri(path).header("authorization", format!("Bearer {TOKEN}"));
    request.body(Body::from(body)).expect("a request")
}

/// The body that approves everything in `hold`, as an offboarding shows it.
pub fn decision_on_all(hold: &Value) -> Value {
    let reasons = hold["reasons"].as_array().into_iter().flatten().map(|reason| match &reason["space_id"] {
        Value::Null => reason["code"].clone(),
        space => json!({ "code": reason["code"], "space_id": space }),
    });
    json!({ "hold_id": hold["hold_id"], "reasons": reasons.collect::<Vec<_>>() })
}

/// A wish as the HR system posts it, the same body each time.
fn signed(wish: &Wish, scene: &Scene, now: Timestamp) -> Request {
    let leaver = &scene.leavers[wish.leaver];
    let user = if wish.by_mail { json!({ "email": leaver.mail }) } else { json!({ "user_id": leaver.user.0 }) };
    let mut body = json!({ "user": user, "dry_run": wish.dry_run, "require_approval": wish.require_approval });
    if let Some(at) = wish.effective_at {
        body["effective_at"] = Value::from(at.to_string());
    }
    let body = body.to_string();
    let secret: Secret = SECRET.parse().expect("a secret");
    http::Request::post("/offboardings")
        .header("webhook-id", &wish.key)
        .header("webhook-timestamp", now.as_second().to_string())
        .header("webhook-signature", sign(&secret, &wish.key, now, body.as_bytes()))
        .body(Body::from(body))
        .expect("a request")
}

/// What a door answered.
pub fn reply(response: Response<Body>) -> Reply {
    let (parts, body) = response.into_parts();
    let content_type = parts.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    Reply {
        status: parts.status.as_u16(),
        content_type: content_type.to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

/// Podio's POST of a delivery.
pub fn delivery(delivery: &Delivery) -> Request {
    let path = delivery.url.strip_prefix(BASE_URL).unwrap_or(&delivery.url);
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let form: Vec<String> =
        delivery.form.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let request = http::Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    request.body(Body::from(form.join("&"))).expect("a request")
}
