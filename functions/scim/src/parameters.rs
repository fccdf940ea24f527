//! What a query, or the body of a search, asks for. Parameters that are not known are ignored, as providers expect.

use podio_lifecycle::scim::{CORE_USER, Fault, Filter, Refused};
use serde_json::{Map, Value};

use crate::{Exchange, json};

/// The most users in one answer, and as many as there are where nothing is said.
pub(crate) const MOST_RESULTS: usize = 200;
/// The most attributes that may be named.
const MOST_ATTRIBUTES: usize = 50;

/// Which users, and which of their attributes.
pub(crate) struct Wanted {
    /// Which users; all, where nothing is said.
    pub(crate) filter: Option<Filter>,
    /// The first of them, from 1.
    pub(crate) start: usize,
    /// How many.
    pub(crate) count: usize,
    /// Which attributes.
    pub(crate) shown: Shown,
}

/// Which attributes are shown. `schemas` and `id` always are.
#[derive(Default)]
pub(crate) struct Shown {
    only: Option<Vec<Named>>,
    without: Vec<Named>,
}

/// An attribute, or a part of one, in lower case.
struct Named {
    attribute: String,
    sub: Option<String>,
}

/// What a query asks for.
pub(crate) fn of_query(exchange: &Exchange<'_>) -> Result<Wanted, Refused> {
    let pairs = pairs(exchange);
    let find = |name: &str| -> Result<Option<&str>, Refused> {
        let mut values =
            pairs.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(Refused::new(Fault::InvalidValue, format!("{name} is given more than once.")));
        }
        Ok(first)
    };
    let number = |name: &'static str| -> Result<Option<i64>, Refused> {
        let read = |text: &str| text.trim().parse().map_err(|_| no_number(name));
        find(name)?.map(read).transpose()
    };
    let (start, count) = window(number("startIndex")?, number("count")?);
    Ok(Wanted { filter: find("filter")?.map(Filter::parse).transpose()?, start, count, shown: shown_by(&find)? })
}

/// Which attributes a query asks for.
pub(crate) fn shown(exchange: &Exchange<'_>) -> Result<Shown, Refused> {
    let pairs = pairs(exchange);
    shown_by(&|name| Ok(pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())))
}

/// What the body of a search asks for.
pub(crate) fn of_search(exchange: &Exchange<'_>) -> Result<Wanted, Refused> {
    let body = json::parse(exchange.body())?;
    let Value::Object(body) = body else {
        return Err(Refused::new(Fault::InvalidSyntax, "The body must be a search: an object."));
    };
    let find = |name: &str| {
        let found = body.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        found.filter(|value| !value.is_null())
    };
    let number = |name: &'static str| find(name).map(|value| value.as_i64().ok_or_else(|| no_number(name))).transpose();
    let names = |name: &'static str| -> Result<Option<Vec<Named>>, Refused> {
        let Some(value) = find(name) else { return Ok(None) };
        let listed = match value {
            Value::Array(listed) => listed.iter().map(Value::as_str).collect(),
            Value::String(text) => Some(text.split(',').collect()),
            _ => None,
        };
        let listed: Vec<&str> =
            listed.ok_or_else(|| Refused::new(Fault::InvalidValue, format!("{name} must be a list of texts.")))?;
        Ok(Some(named(&listed)?))
    };
    let filter = match find("filter") {
        None => None,
        Some(Value::String(text)) => Some(Filter::parse(text)?),
        Some(_) => return Err(Refused::new(Fault::InvalidFilter, "filter must be a text.")),
    };
    let (start, count) = window(number("startIndex")?, number("count")?);
    let without = names("excludedAttributes")?.unwrap_or_default();
    Ok(Wanted { filter, start, count, shown: Shown { only: names("attributes")?, without } })
}

fn pairs(exchange: &Exchange<'_>) -> Vec<(String, String)> {
    // Percent signs that encode nothing are taken as they are; there is no text that this cannot read.
    serde_urlencoded::from_str(exchange.request.uri().query().unwrap_or_default()).unwrap_or_default()
}

fn no_number(name: &str) -> Refused {
    Refused::new(Fault::InvalidValue, format!("{name} must be a whole number."))
}

/// Below the least counts as the least (RFC 7644, section 3.4.2.4).
fn window(start: Option<i64>, count: Option<i64>) -> (usize, usize) {
    let start = start.map_or(1, |start| usize::try_from(start).unwrap_or(1).max(1));
    let count = count.map_or(MOST_RESULTS, |count| usize::try_from(count).unwrap_or(0).min(MOST_RESULTS));
    (start, count)
}

fn shown_by<'a>(find: &impl Fn(&str) -> Result<Option<&'a str>, Refused>) -> Result<Shown, Refused> {
    let read = |text: &str| named(&text.split(',').collect::<Vec<_>>());
    let only = find("attributes")?.map(read).transpose()?;
    Ok(Shown { only, without: find("excludedAttributes")?.map(read).transpose()?.unwrap_or_default() })
}

fn named(names: &[&str]) -> Result<Vec<Named>, Refused> {
    if names.len() > MOST_ATTRIBUTES {
        return Err(Refused::new(Fault::TooMany, "More than 50 attributes are named."));
    }
    let prefix = format!("{}:", CORE_USER.to_ascii_lowercase());
    let read = |name: &&str| {
        let name = name.trim().to_ascii_lowercase();
        let name = name.strip_prefix(&prefix).unwrap_or(&name);
        match name.split_once('.') {
            Some((attribute, sub)) => Named { attribute: attribute.to_owned(), sub: Some(sub.to_owned()) },
            None => Named { attribute: name.to_owned(), sub: None },
        }
    };
    Ok(names.iter().filter(|name| !name.trim().is_empty()).map(read).collect())
}

impl Shown {
    /// Takes away what is not shown.
    pub(crate) fn apply(&self, resource: Value) -> Value {
        let Value::Object(fields) = resource else { return resource };
        let always = |name: &str| matches!(name, "schemas" | "id");
        let shown: Map<String, Value> = fields
            .into_iter()
            .filter_map(|(name, value)| {
                let key = name.to_ascii_lowercase();
                if always(&key) {
                    return Some((name, value));
                }
                let of = |names: &'_ [Named]| -> Vec<Option<String>> {
                    names.iter().filter(|named| named.attribute == key).map(|named| named.sub.clone()).collect()
                };
                if let Some(only) = &self.only {
                    let subs = of(only);
                    if subs.is_empty() {
                        return None;
                    }
                    let keep = |sub: &str| subs.iter().any(|own| own.as_deref().is_none_or(|own| own == sub));
                    return parts(value, &keep).map(|value| (name, value));
                }
                let subs = of(&self.without);
                if subs.contains(&None) {
                    return None;
                }
                let keep = |sub: &str| !subs.iter().any(|own| own.as_deref() == Some(sub));
                parts(value, &keep).map(|value| (name, value))
            })
            .collect();
        Value::Object(shown)
    }
}

/// The parts of a value that are kept; none, where it has parts and keeps none of them.
fn parts(value: Value, keep: &impl Fn(&str) -> bool) -> Option<Value> {
    match value {
        Value::Object(fields) => {
            let kept: Map<_, _> = fields.into_iter().filter(|(name, _)| keep(&name.to_ascii_lowercase())).collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(entries) => {
            let kept: Vec<Value> = entries.into_iter().filter_map(|entry| parts(entry, keep)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        single => Some(single),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(only: Option<&str>, without: &str) -> Value {
        let read = |text: &str| named(&text.split(',').collect::<Vec<_>>()).unwrap();
        let shown = Shown { only: only.map(read), without: read(without) };
        shown.apply(json!({
            "schemas": ["urn:x"], "id": "1", "userName": "jane", "name": {"givenName": "Jane", "familyName": "Doe"},
            "emails": [{"value": "a", "type": "work"}, {"value": "b"}], "active": true,
        }))
    }

    #[test]
    fn only_what_is_asked_for_is_shown() {
        let always = json!({"schemas": ["urn:x"], "id": "1"});
        assert_eq!(shown(Some("title"), ""), always);
        assert_eq!(shown(Some(""), ""), always);
        let user_name = json!({"schemas": ["urn:x"], "id": "1", "userName": "jane"});
        assert_eq!(shown(Some("USERNAME"), "userName"), user_name, "the two exclude each other");
        assert_eq!(shown(Some("urn:ietf:params:scim:schemas:core:2.0:User:userName, id"), ""), user_name);
        let parts = shown(Some("name.givenName,emails.type"), "");
        assert_eq!(parts["name"], json!({"givenName": "Jane"}));
        assert_eq!(parts["emails"], json!([{"type": "work"}]));
    }

    #[test]
    fn what_is_excluded_is_not_shown() {
        let rest = shown(None, "userName,id,schemas,name.familyName,emails.value");
        assert_eq!(rest["id"], "1");
        assert!(rest.get("userName").is_none());
        assert_eq!(rest["name"], json!({"givenName": "Jane"}));
        assert_eq!(rest["emails"], json!([{"type": "work"}]));
    }

    #[test]
    fn window_stays_in_its_bounds() {
        assert_eq!(window(None, None), (1, MOST_RESULTS));
        assert_eq!(window(Some(0), Some(0)), (1, 0));
        assert_eq!(window(Some(-5), Some(-5)), (1, 0));
        assert_eq!(window(Some(7), Some(100_000)), (7, MOST_RESULTS));
    }
}
