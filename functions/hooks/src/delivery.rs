//! Whether a body is a delivery of Podio's at all.
//!
//! Podio sends forms; JSON is taken too, since some of its older hooks are said to send it. A delivery says what
//! happened (`type`), to whatever: types that we do not know are deliveries all the same.

use serde_json::Value;

/// What a body must name.
const TYPE: &str = "type";
/// The delivery by which Podio makes sure that a hook's address is ours.
const VERIFY: &str = "hook.verify";
/// What that one must name besides.
const VERIFY_FIELDS: [&str; 2] = ["hook_id", "code"];

/// Whether it is a form or a JSON object with a `type`; and, where Podio wants a hook verified, with what that takes.
pub(crate) fn is_well_formed(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    if text.trim_start().starts_with('{') { is_json_delivery(text) } else { is_form_delivery(text) }
}

fn is_json_delivery(text: &str) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else { return false };
    let value = |name: &str| match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    is_delivery(value)
}

fn is_form_delivery(text: &str) -> bool {
    let Ok(fields) = serde_urlencoded::from_str::<Vec<(String, String)>>(text.trim()) else { return false };
    is_delivery(|name| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
}

fn is_delivery(value: impl Fn(&str) -> Option<String>) -> bool {
    let given = |name: &str| value(name).filter(|value| !value.trim().is_empty());
    match given(TYPE) {
        None => false,
        Some(kind) if kind == VERIFY => VERIFY_FIELDS.into_iter().all(|name| given(name).is_some()),
        Some(_) => true,
    }
}
