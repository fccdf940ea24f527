//! What some makers ask once, before they deliver anything. It is not signed, and answering it has no effect.

use lambda_http::http::{Method, StatusCode};
use podio_signatures::senders::{Handshake, Sender};
use serde_json::{Value, json};

use crate::{Exchange, answer::Answer, query::Query};

/// What is echoed is no longer than any maker's challenge.
const LONGEST: usize = 1_024;
const PING: &str = "Ping test";

/// The answer, if this is the sender's handshake.
pub(super) fn answer(exchange: &Exchange<'_>, sender: &Sender) -> Option<Answer> {
    let is_post = *exchange.request.method() == Method::POST;
    match sender.handshake()? {
        Handshake::Okta => {
            let challenge = exchange.header("x-okta-verification-challenge").filter(|_| !is_post)?;
            let challenge = std::str::from_utf8(challenge).ok().filter(|text| text.len() <= LONGEST)?;
            Some(Answer::json(StatusCode::OK, &json!({"verification": challenge})))
        }
        Handshake::Graph => {
            let token = Query::of(exchange).get("validationToken", "a text", |text| Some(text.to_owned()));
            let token = token.filter(|token| is_post && token.len() <= LONGEST)?;
            Some(Answer::text("text/plain", StatusCode::OK, token))
        }
        Handshake::Gusto => {
            let body = json_of(exchange).filter(|_| is_post && exchange.header("x-gusto-signature").is_none())?;
            body.get("verification_token").map(|_| nothing())
        }
        Handshake::Hibob => {
            let is_text = exchange.body().trim_ascii() == PING.as_bytes();
            let is_ping = is_text || json_of(exchange).is_some_and(|body| body == json!({"text": PING}));
            (is_post && is_ping).then(nothing)
        }
    }
}

fn json_of(exchange: &Exchange<'_>) -> Option<Value> {
    serde_json::from_slice(exchange.body()).ok()
}

fn nothing() -> Answer {
    Answer::json(StatusCode::OK, &json!({"events": [], "ignored": 0}))
}
