//! Reading bodies strictly: an unknown field, a field given twice or a wrong type is an error with a pointer, and all
//! errors are told at once.
//!
//! Strict because of what hangs on it: whoever writes `"dry_rum": true` must not have somebody removed.

use std::{borrow::Cow, fmt};

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::problem::{FieldError, Problem};

/// More errors than this help nobody.
const MAX_ERRORS: usize = 50;
/// Integers up to here mean the same to every JSON reader (RFC 8259, section 6).
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// JSON as it was written: fields in order, with repetitions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Integer(u64),
    /// Negative, or with a fraction: nothing that we take.
    OtherNumber,
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Reads a body; 400 if it is not JSON.
pub(crate) fn parse(body: &[u8]) -> Result<Json, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let detail = match error.classify() {
            serde_json::error::Category::Eof if body.is_empty() => {
                Cow::Borrowed("The body is empty; JSON is expected.")
            }
            // The parser's message may quote the body, the place does not.
            _ => format!("The body is not JSON: line {}, column {}.", error.line(), error.column()).into(),
        };
        Problem::Malformed(detail)
    })
}

/// Reads a body that may be left out.
pub(crate) fn parse_optional(body: &[u8]) -> Result<Json, Problem> {
    if body.trim_ascii().is_empty() { Ok(Json::Object(Vec::new())) } else { parse(body) }
}

/// Checks that a body is left out or has no fields.
pub(crate) fn expect_nothing(body: &[u8]) -> Result<(), Problem> {
    let json = parse_optional(body)?;
    let mut reader = Reader::default();
    reader.object("", &json, &[]);
    reader.finish()
}

/// An object whose fields are known, and where it stands.
pub(crate) struct Object<'a> {
    pointer: String,
    fields: &'a [(String, Json)],
}

impl<'a> Object<'a> {
    /// Where a field stands.
    pub(crate) fn pointer(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1"))
    }

    /// A field, whatever its type.
    pub(crate) fn field(&self, name: &str) -> Option<&'a Json> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// Reads fields, and gathers what is wrong with them.
#[derive(Default)]
pub(crate) struct Reader {
    errors: Vec<FieldError>,
}

impl Reader {
    /// Something is wrong there.
    pub(crate) fn error(&mut self, pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
        }
    }

    /// 422 if anything was wrong.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(self.errors)) }
    }

    /// An object with no other fields than those known, none of them twice.
    pub(crate) fn object<'a>(&mut self, pointer: &str, json: &'a Json, known: &[&str]) -> Option<Object<'a>> {
        let Json::Object(fields) = json else {
            self.error(pointer, "expected an object");
            return None;
        };
        let object = Object { pointer: pointer.to_owned(), fields };
        let mut seen: Vec<&str> = Vec::with_capacity(known.len());
        for (name, _) in fields {
            if !known.contains(&name.as_str()) {
                self.error(object.pointer(name), "unknown field");
            } else if seen.contains(&name.as_str()) {
                self.error(object.pointer(name), "given more than once");
            } else {
                seen.push(name);
            }
        }
        Some(object)
    }

    /// A truth value.
    pub(crate) fn bool(&mut self, object: &Object<'_>, name: &str) -> Option<bool> {
        match object.field(name)? {
            Json::Bool(value) => Some(*value),
            other => self.wrong(object, name, "true or false", other),
        }
    }

    /// An id of Podio's.
    pub(crate) fn id(&mut self, object: &Object<'_>, name: &str) -> Option<u64> {
        match object.field(name)? {
            Json::Integer(value @ 1..=MAX_INTEGER) => Some(*value),
            other => self.wrong(object, name, "a positive integer", other),
        }
    }

    /// A text of at most `longest` characters.
    pub(crate) fn text<'a>(&mut self, object: &Object<'a>, name: &str, longest: usize) -> Option<&'a str> {
        match object.field(name)? {
            Json::String(text) if text.chars().count() <= longest => Some(text),
            Json::String(_) => {
                self.error(object.pointer(name), format!("longer than {longest} characters"));
                None
            }
            other => self.wrong(object, name, "a string", other),
        }
    }

    fn wrong<T>(&mut self, object: &Object<'_>, name: &str, expected: &str, found: &Json) -> Option<T> {
        let hint = if *found == Json::Null { "; leave the field out instead of sending null" } else { "" };
        self.error(object.pointer(name), format!("expected {expected}{hint}"));
        None
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Integer(value))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Json, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Json, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut fields = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            fields.push(entry);
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(reader: Reader) -> Vec<(String, String)> {
        match reader.finish() {
            Err(Problem::Invalid(errors)) => {
                errors.into_iter().map(|error| (error.pointer, error.detail.into_owned())).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn unknown_and_repeated_fields_are_pointed_at() {
        let json = parse(br#"{"a": 1, "b/c~d": 2, "a": 3}"#).unwrap();
        let mut reader = Reader::default();
        reader.object("/x", &json, &["a"]);
        assert_eq!(
            errors(reader),
            [
                ("/x/b~1c~0d".to_owned(), "unknown field".to_owned()),
                ("/x/a".to_owned(), "given more than once".to_owned())
            ]
        );
    }

    #[test]
    fn ids_are_positive_integers_that_every_reader_understands() {
        for (text, ok) in [
            ("1", true),
            ("9007199254740991", true),
            ("9007199254740992", false),
            ("0", false),
            ("-1", false),
            ("1.0", false),
            ("1e3", false),
            ("\"1\"", false),
            ("null", false),
            ("true", false),
        ] {
            let json = parse(format!(r#"{{"id": {text}}}"#).as_bytes()).unwrap();
            let mut reader = Reader::default();
            let object = reader.object("", &json, &["id"]).unwrap();
            assert_eq!(reader.id(&object, "id").is_some(), ok, "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_malformed_and_not_repeated() {
        let deep = "[".repeat(10_000);
        for text in ["", " ", "{", "{}x", "jane", "{'a':1}", "{\"a\":1,}", "\u{feff}{}", "1e999", "\"\\ud800\"", &deep]
        {
            let Err(Problem::Malformed(detail)) = parse(text.as_bytes()) else { panic!("{text} was taken") };
            assert!(!detail.contains("jane"));
        }
        assert!(parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn errors_are_counted_to_fifty() {
        let many: String = (0..100).map(|n| format!("\"f{n}\":0,")).collect();
        let json = parse(format!("{{{many}\"z\":0}}").as_bytes()).unwrap();
        let mut reader = Reader::default();
        reader.object("", &json, &[]);
        assert_eq!(errors(reader).len(), MAX_ERRORS);
    }
}
