//! Readers for values that come in several shapes. Ids are strict, because everything hangs on them; what merely
//! informs is dropped when it cannot be read.

use std::fmt;

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, Unexpected, Visitor},
};
use serde_json::Value;

use crate::{date, role::Role};

/// An id as a JSON integer or as a string of digits; zero and negative numbers are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawId(pub(crate) u64);

impl<'de> Deserialize<'de> for RawId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Id;

        impl Visitor<'_> for Id {
            type Value = RawId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a positive id")
            }

            fn visit_u64<E: Error>(self, id: u64) -> Result<RawId, E> {
                if id == 0 { Err(E::invalid_value(Unexpected::Unsigned(id), &self)) } else { Ok(RawId(id)) }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<RawId, E> {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                match text.parse() {
                    Ok(id) if digits => self.visit_u64(id),
                    _ => Err(E::custom("not a string of digits")),
                }
            }
        }

        deserializer.deserialize_any(Id)
    }
}

/// Flattened into a struct, insists that the struct comes as an object. Without it an array would be read field by
/// field, and `[[]]` would pass for a preview in which no space is in danger.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ObjectOnly {}

/// The value if it has the expected type, else `None`.
pub(crate) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// A text that is not blank.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = lenient(deserializer)?;
    Ok(text.filter(|text| !text.trim().is_empty()))
}

/// A role; blank, null and other types are none.
pub(crate) fn role<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Role>, D::Error> {
    Ok(text(deserializer)?.as_deref().and_then(Role::parse))
}

/// A date that merely informs.
pub(crate) fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(text(deserializer)?.as_deref().and_then(date::parse))
}

/// A date that decides something: it may be absent, null or blank, but not unreadable.
pub(crate) fn strict_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    match Option::<String>::deserialize(deserializer)? {
        Some(text) if !text.trim().is_empty() => {
            date::parse(&text).map(Some).ok_or_else(|| Error::custom("not a date"))
        }
        _ => Ok(None),
    }
}

/// Mail addresses as one string, an array of strings, or an array of objects that hold one in `mail`.
///
/// An address that Podio marks as disabled or not verified is left out: anybody can enter a foreign address.
pub(crate) fn mails<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let mut found = Vec::new();
    collect_mails(&Value::deserialize(deserializer)?, &mut found);
    Ok(found)
}

fn collect_mails(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(mail) if !mail.trim().is_empty() => found.push(mail.trim().to_owned()),
        Value::Array(items) => items.iter().for_each(|item| collect_mails(item, found)),
        Value::Object(item) => {
            let usable = item.get("verified") != Some(&Value::Bool(false));
            let enabled = item.get("disabled") != Some(&Value::Bool(true));
            if let (true, true, Some(mail @ Value::String(_))) = (usable, enabled, item.get("mail")) {
                collect_mails(mail, found);
            }
        }
        _ => {}
    }
}

/// An array; null is an empty one.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn an_id_is_a_positive_number_or_its_digits() {
        assert_eq!(from_value::<RawId>(json!(12)).unwrap(), RawId(12));
        assert_eq!(from_value::<RawId>(json!("12")).unwrap(), RawId(12));
        for wrong in
            [json!(0), json!("0"), json!(-1), json!(1.5), json!("+1"), json!("1 "), json!(""), json!(true), json!([1])]
        {
            assert!(from_value::<RawId>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn mails_are_found_in_every_shape() {
        for (shape, found) in [
            (json!("a@x"), vec!["a@x"]),
            (json!(["a@x", "b@x"]), vec!["a@x", "b@x"]),
            (json!([{"type": "work", "mail": "a@x"}, {"mail": "b@x", "verified": true}]), vec!["a@x", "b@x"]),
            (json!([{"mail": "a@x", "verified": false}, {"mail": "b@x", "disabled": true}]), vec![]),
            (json!(null), vec![]),
            (json!([null, 7, {"mail": 7}, {}, " "]), vec![]),
        ] {
            assert_eq!(mails(shape.clone()).unwrap(), found, "{shape}");
        }
    }

    #[test]
    fn only_a_date_that_decides_must_be_readable() {
        assert_eq!(date(json!("yesterday")).unwrap(), None);
        assert!(strict_date(json!("yesterday")).is_err());
        assert_eq!(strict_date(json!("")).unwrap(), None);
        assert_eq!(strict_date(json!(null)).unwrap(), None);
        assert!(strict_date(json!("2026-03-01 09:30:00")).unwrap().is_some());
    }
}
