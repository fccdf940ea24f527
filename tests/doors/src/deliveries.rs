//! Deliveries as API Gateway hands them to a function.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Context as _;
use axum::body::Bytes;
use http::{Request, header};
use jiff::Timestamp;
use local_stack::gateway::event::http_event;
use podio_signatures::hook_key;
use secrecy::SecretString;

/// The app that the hook hangs on.
pub const APP: &str = "12345";
/// The hook.
const HOOK: u64 = 77;

/// The events of `count` deliveries, no two of the same item. They begin with item `first`.
///
/// # Errors
/// A request that is none; that is a bug here.
pub fn events(secret: &str, first: u64, count: u64) -> anyhow::Result<Vec<Bytes>> {
    let key = hook_key::make(&SecretString::from(secret), "app", APP);
    (first..first + count).map(|item| event(&key, item)).collect()
}

fn event(key: &str, item: u64) -> anyhow::Result<Bytes> {
    let body = serde_urlencoded::to_string([
        ("type", "item.update"),
        ("hook_id", &HOOK.to_string()),
        ("item_id", &item.to_string()),
        ("item_revision_id", "1"),
        ("external_id", ""),
    ])?;
    let request = Request::post(format!("https://hooks.example.com/hooks/podio/app/{APP}/{key}"))
        .header(header::HOST, "hooks.example.com")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::CONTENT_LENGTH, body.len())
        .header(header::USER_AGENT, "Podio")
        .header("x-forwarded-for", "198.51.100.7")
        .header("x-forwarded-proto", "https")
        .body(())
        .context("a request that is none")?;
    let (parts, ()) = request.into_parts();
    let event = http_event(&parts, body.as_bytes(), IpAddr::V4(Ipv4Addr::LOCALHOST), Timestamp::now());
    Ok(Bytes::from(event.to_string()))
}
