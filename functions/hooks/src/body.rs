//! What a body says, as a form or as JSON.
//!
//! Podio sends forms; JSON is taken too, since some of its older hooks are said to send it.

use podio_lifecycle::hooks::Fields;
use serde_json::Value;

/// Reads a body; none where it is neither a form nor a JSON object.
pub(crate) fn fields(body: &[u8]) -> Option<Fields> {
    let text = std::str::from_utf8(body).ok()?.trim();
    if text.starts_with('{') { json(text) } else { form(text) }
}

fn form(text: &str) -> Option<Fields> {
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(text).ok()?;
    Some(fields.into_iter().collect())
}

/// Numbers and flags as a form would have written them; what is nested is kept as it is written.
fn json(text: &str) -> Option<Fields> {
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else { return None };
    let text = |value| match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => value.to_string(),
    };
    Some(fields.into_iter().map(|(name, value)| (name, text(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded_and_the_first_of_a_name_counts() {
        let read = fields(b"type=item%2Ecreate&hook_id=7&external_id=a+b%26c&hook_id=8&item_id=\n").unwrap();
        assert_eq!(read.text("type"), Some("item.create"));
        assert_eq!(read.text("hook_id"), Some("7"));
        assert_eq!(read.text("external_id"), Some("a b&c"));
        assert_eq!((read.text("item_id"), read.text("code")), (None, None));
    }

    #[test]
    fn json_says_the_same_in_its_own_way() {
        let read = fields(br#" {"type": "item.create", "hook_id": 7, "item_id": "9", "code": null}"#).unwrap();
        assert_eq!(read.text("type"), Some("item.create"));
        assert_eq!((read.parsed("hook_id"), read.parsed("item_id")), (Some(7u64), Some(9u64)));
        assert_eq!(read.text("code"), None);
    }

    #[test]
    fn what_is_neither_says_nothing() {
        assert_eq!(fields(b"{"), None);
        assert_eq!(fields(b"{} {}"), None);
        assert_eq!(fields(b"type=\xff"), None);
        assert_eq!(fields(b"\xef\xbb\xbf{").and_then(|read| read.text("type").map(str::to_owned)), None);
    }
}
