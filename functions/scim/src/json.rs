//! Reading bodies: JSON in which no name stands twice, since nobody could say which of two values for `active` counts.

use std::fmt;

use podio_lifecycle::scim::{Fault, Refused};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads a body.
pub(crate) fn parse(body: &[u8]) -> Result<Value, Refused> {
    // The parser's message may quote the body, the place does not.
    serde_json::from_slice::<Strict>(body).map(|Strict(value)| value).map_err(|error| {
        let detail = format!("The body cannot be read as JSON: line {}, column {}.", error.line(), error.column());
        Refused::new(Fault::InvalidSyntax, detail)
    })
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Seed.deserialize(deserializer).map(Self)
    }
}

struct Seed;

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON in which no name stands twice")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut found = Vec::new();
        while let Some(item) = items.next_element_seed(Seed)? {
            found.push(item);
        }
        Ok(Value::Array(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut found = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Seed)?;
            if found.insert(name, value).is_some() {
                return Err(de::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Object(found))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_read_as_it_is() {
        let text = r#"{"a": [1, -2, 0.5, true, null, "x"], "b": {"c": {}}}"#;
        assert_eq!(parse(text.as_bytes()).unwrap(), json!({"a": [1, -2, 0.5, true, null, "x"], "b": {"c": {}}}));
    }

    #[test]
    fn what_is_no_json_or_ambiguous_is_refused_and_not_repeated() {
        let deep = "[".repeat(10_000);
        for text in
            ["", "{", "{}x", "jane", r#"{"active": true, "active": false}"#, r#"[{"jane": 1, "jane": 1}]"#, &deep]
        {
            let refused = parse(text.as_bytes()).unwrap_err();
            assert_eq!(refused.fault, Fault::InvalidSyntax, "{text}");
            assert!(!refused.to_string().contains("jane"), "{refused}");
        }
        assert!(parse(b"\"\xff\"").is_err());
    }
}
