//! Deliveries as API Gateway hands them to a function.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::OnceLock,
};

use anyhow::Context as _;
use axum::body::Bytes;
use http::{Request, header};
use jiff::Timestamp;
use local_stack::{
    functions::Function,
    gateway::{
        event::http_event,
        routes::{Chosen, Routes},
    },
    stack::workspace,
};
use podio_signatures::hook_key;
use secrecy::SecretString;

/// The app that the hook hangs on.
pub const APP: &str = "12345";
/// The hook.
const HOOK: u64 = 77;

/// The path of the hook's door, without the key to it.
pub fn door() -> String {
    format!("/hooks/podio/app/{APP}")
}

/// The key to the hook's door.
pub fn key(secret: &str) -> String {
    hook_key::make(&SecretString::from(secret), "app", APP)
}

/// What Podio says when an item was changed.
///
/// # Errors
/// It is not a form; that is a bug here.
pub fn item(item: u64) -> anyhow::Result<String> {
    let form = serde_urlencoded::to_string([
        ("type", "item.update"),
        ("hook_id", &HOOK.to_string()),
        ("item_id", &item.to_string()),
        ("item_revision_id", "1"),
        ("external_id", ""),
    ]);
    form.context("a form that is none")
}

/// What Podio says to make sure that the hook's address is ours.
///
/// # Errors
/// It is not a form; that is a bug here.
pub fn verification(code: &str) -> anyhow::Result<String> {
    let form = [("type", "hook.verify"), ("hook_id", &HOOK.to_string()), ("code", code)];
    serde_urlencoded::to_string(form).context("a form that is none")
}

/// The events of `count` deliveries, no two of the same item. They begin with item `first`.
///
/// # Errors
/// A request that is none; that is a bug here.
pub fn events(secret: &str, first: u64, count: u64) -> anyhow::Result<Vec<Bytes>> {
    let path = format!("{}/{}", door(), key(secret));
    (first..first + count).map(|number| event(&path, &item(number)?)).collect()
}

/// The event of a POST of Podio's.
///
/// # Errors
/// A request that is none; that is a bug here.
pub fn event(path: &str, body: &str) -> anyhow::Result<Bytes> {
    let request = Request::post(format!("https://hooks.example.com{path}"))
        .header(header::HOST, "hooks.example.com")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::CONTENT_LENGTH, body.len())
        .header(header::USER_AGENT, "Podio")
        .header("x-forwarded-for", "198.51.100.7")
        .header("x-forwarded-proto", "https")
        .body(())
        .context("a request that is none")?;
    let (parts, ()) = request.into_parts();
    static ROUTES: OnceLock<Option<Routes>> = OnceLock::new();
    let routes =
        ROUTES.get_or_init(|| Routes::of(&workspace()).ok()).as_ref().context("template.yaml has no routes")?;
    // API Gateway would let no other path in; a door has to refuse it all the same.
    let none = || Chosen { function: Function::Hooks, key: "$default".to_owned(), parameters: BTreeMap::new() };
    let route = routes.choose("POST", path).unwrap_or_else(none);
    let event = http_event(&parts, body.as_bytes(), IpAddr::V4(Ipv4Addr::LOCALHOST), &route, Timestamp::now());
    Ok(Bytes::from(event.to_string()))
}
