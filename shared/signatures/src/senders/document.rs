//! A body as a document whose parts are found by JSON pointers (RFC 6901), or by the names of form fields.
//!
//! Two additions: `header:NAME` finds a header, and the segment `[name=value]` finds the one entry of a list that has this
//! value. Where a delivery has several entries, a pointer names the first of them (`/employees/0/…`) and means each.

use std::borrow::Cow;

use serde_json::Value;

use super::{BodyKind, Delivery};

/// A body, read.
pub(super) struct Document<'a> {
    delivery: Delivery<'a>,
    content: Content,
}

enum Content {
    Json(Value),
    Form(Vec<(String, String)>),
}

impl<'a> Document<'a> {
    /// Reads a body; none if it cannot be read. An empty one is a document without anything in it.
    pub(super) fn read(kind: BodyKind, delivery: Delivery<'a>) -> Option<Self> {
        let content = match kind {
            BodyKind::Json if delivery.body.trim_ascii().is_empty() => Content::Json(Value::Null),
            BodyKind::Json => Content::Json(serde_json::from_slice(delivery.body).ok()?),
            BodyKind::Form => {
                let text = std::str::from_utf8(delivery.body).ok()?;
                Content::Form(serde_urlencoded::from_str(text).ok()?)
            }
        };
        Some(Self { delivery, content })
    }

    /// How many entries it has; none if there is no list where they should be.
    pub(super) fn entries(&self, each: Option<&str>) -> Option<usize> {
        match (each, &self.content) {
            (None, _) => Some(1),
            (Some(list), Content::Json(json)) => json.pointer(list)?.as_array().map(Vec::len),
            (Some(_), Content::Form(_)) => None,
        }
    }

    /// Whether one of these values stands there, or in the list that stands there.
    pub(super) fn has_one_of(&self, values: &[String], pointer: &str, each: Option<&str>, entry: usize) -> bool {
        let is_wanted = |found: &str| values.iter().any(|value| value == found);
        if let Some(found) = self.text(pointer, each, entry) {
            return is_wanted(&found);
        }
        let Content::Json(json) = &self.content else { return false };
        let list = find(json, &in_entry(pointer, each, entry)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(scalar).any(|found| is_wanted(&found))
    }

    /// The text, number or truth value that stands there, in one of the entries of `each`. An empty one counts as absent.
    pub(super) fn text(&self, pointer: &str, each: Option<&str>, entry: usize) -> Option<Cow<'_, str>> {
        let found = match pointer.strip_prefix("header:") {
            Some(name) => {
                let value = (self.delivery.header)(&name.to_ascii_lowercase())?;
                Cow::Owned(std::str::from_utf8(value).ok()?.to_owned())
            }
            None => match &self.content {
                Content::Json(json) => scalar(find(json, &in_entry(pointer, each, entry))?)?,
                Content::Form(fields) => {
                    let name = pointer.strip_prefix('/').unwrap_or(pointer);
                    let mut values = fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value);
                    // A field that stands there twice could mean either.
                    let first = values.next().filter(|_| values.next().is_none())?;
                    Cow::Borrowed(first.as_str())
                }
            },
        };
        (!found.trim().is_empty()).then_some(found)
    }
}

/// The same pointer for another entry than the first.
fn in_entry<'a>(pointer: &'a str, each: Option<&str>, entry: usize) -> Cow<'a, str> {
    let rest = each.and_then(|list| pointer.strip_prefix(list)).and_then(|rest| rest.strip_prefix("/0"));
    match (each, rest) {
        (Some(list), Some(rest)) if rest.is_empty() || rest.starts_with('/') => {
            Cow::Owned(format!("{list}/{entry}{rest}"))
        }
        _ => Cow::Borrowed(pointer),
    }
}

fn find<'a>(mut value: &'a Value, pointer: &str) -> Option<&'a Value> {
    for segment in pointer.strip_prefix('/')?.split('/') {
        value = match segment.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(choice) => {
                let (name, wanted) = choice.split_once('=')?;
                let mut chosen = value.as_array()?.iter().filter(|one| one[name].as_str() == Some(wanted));
                chosen.next().filter(|_| chosen.next().is_none())?
            }
            None => value.pointer(&format!("/{segment}"))?,
        };
    }
    Some(value)
}

fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(kind: BodyKind, body: &str, pointer: &str, each: Option<&str>, entry: usize) -> Option<String> {
        let header = |name: &str| (name == "x-state").then_some(&b"delete"[..]);
        let document = Document::read(kind, Delivery { header: &header, body: body.as_bytes() })?;
        document.text(pointer, each, entry).map(Cow::into_owned)
    }

    #[test]
    fn pointer_names_first_entry_and_means_each() {
        let body = json!({"employees": [{"id": "5"}, {"id": 6}], "id": true}).to_string();
        let find = |pointer, entry| text(BodyKind::Json, &body, pointer, Some("/employees"), entry);
        assert_eq!(find("/employees/0/id", 0).unwrap(), "5");
        assert_eq!(find("/employees/0/id", 1).unwrap(), "6");
        assert_eq!(find("/employees/0/id", 2), None);
        assert_eq!(find("/id", 1).unwrap(), "true");
        assert_eq!(find("header:X-State", 1).unwrap(), "delete");
    }

    #[test]
    fn list_entry_is_chosen_by_value_only_when_unique() {
        let body = json!({"target": [{"type": "App", "a": "x"}, {"type": "User", "a": "jane"}, {"type": "App"}]});
        let find = |pointer| text(BodyKind::Json, &body.to_string(), pointer, None, 0);
        assert_eq!(find("/target/[type=User]/a").unwrap(), "jane");
        assert_eq!(find("/target/[type=App]/a"), None, "there are two");
        assert_eq!(find("/target/[type=Group]/a"), None);
    }

    #[test]
    fn form_field_given_twice_is_absent() {
        let find = |pointer| text(BodyKind::Form, "email=jane%40example.com&id=1&id=2&none=", pointer, None, 0);
        assert_eq!(find("email").unwrap(), "jane@example.com");
        assert_eq!(find("/email").unwrap(), "jane@example.com");
        assert_eq!((find("id"), find("none"), find("other")), (None, None, None));
    }
}
