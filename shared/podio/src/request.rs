//! A call as a value: what to send and how to read the answer.

use std::{
    fmt::{self, Display},
    time::Duration,
};

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{DecodeError, DecodeFault};

/// Unreserved characters, and `@` and `,` which are legal in a segment and which other clients send as they are.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@').remove(b',');

/// One call of the Podio API that answers with a `T`.
///
/// The path is the route with its placeholders filled, so the two cannot drift apart. `Debug` shows the route only,
/// since path, query and body may hold a mail address.
pub struct Request<T> {
    method: Method,
    route: &'static str,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    patience: Option<Duration>,
    decode: fn(&[u8]) -> Result<T, DecodeError>,
}

impl<T> Request<T> {
    /// The HTTP method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path with names in place of values, such as `/org/{org_id}/member/mail/{mail}`: fit for logs and metrics.
    pub fn route(&self) -> &'static str {
        self.route
    }

    /// Method and route: what the quota's ceilings are learned by.
    pub fn quota_route(&self) -> String {
        format!("{} {}", self.method(), self.route())
    }

    /// The encoded path and query. May hold a mail address.
    pub fn path_and_query(&self) -> String {
        match serde_urlencoded::to_string(&self.query) {
            Ok(query) if !query.is_empty() => format!("{}?{query}", self.path),
            _ => self.path.clone(),
        }
    }

    /// The JSON body, if the call has one.
    pub fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// How long to wait for the answer, if not for as long as the client does.
    pub fn patience(&self) -> Option<Duration> {
        self.patience
    }

    /// Waits no longer than that for the answer, for a call that may be repeated without harm.
    #[must_use]
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Reads the body of a successful answer.
    pub fn decode(&self, body: &[u8]) -> Result<T, DecodeError> {
        (self.decode)(body)
    }

    /// Adds a query parameter.
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Adds the parameters of a page.
    pub(crate) fn paged(self, page: Page) -> Self {
        let limit = page.limit.clamp(1, Page::MAX_LIMIT);
        self.with("limit", limit).with("offset", page.offset)
    }

    fn new(
        method: Method,
        route: &'static str,
        values: &[&dyn Display],
        body: Option<Value>,
        decode: fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Self {
        Self { method, route, path: fill(route, values), query: Vec::new(), body, patience: None, decode }
    }
}

impl<T: DeserializeOwned> Request<T> {
    /// A read.
    pub(crate) fn get(route: &'static str, values: &[&dyn Display]) -> Self {
        Self::new(Method::GET, route, values, None, json)
    }

    /// A write that answers with JSON. Podio answers a POST without a body with 404, hence `{}` at least.
    pub(crate) fn post_for(route: &'static str, values: &[&dyn Display], body: Value) -> Self {
        Self::new(Method::POST, route, values, Some(body), json)
    }
}

impl Request<()> {
    /// A write whose answer does not matter. Podio answers a POST without a body with 404, hence `{}` at least.
    pub(crate) fn post(route: &'static str, values: &[&dyn Display], body: Value) -> Self {
        Self::new(Method::POST, route, values, Some(body), nothing)
    }

    /// An update whose answer does not matter.
    pub(crate) fn put(route: &'static str, values: &[&dyn Display], body: Value) -> Self {
        Self::new(Method::PUT, route, values, Some(body), nothing)
    }

    /// A removal.
    pub(crate) fn delete(route: &'static str, values: &[&dyn Display]) -> Self {
        Self::new(Method::DELETE, route, values, None, nothing)
    }
}

impl<T> Clone for Request<T> {
    fn clone(&self) -> Self {
        Self {
            method: self.method.clone(),
            route: self.route,
            path: self.path.clone(),
            query: self.query.clone(),
            body: self.body.clone(),
            patience: self.patience,
            decode: self.decode,
        }
    }
}

impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).field("route", &self.route).finish_non_exhaustive()
    }
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many items to ask for; brought within 1 and [`Page::MAX_LIMIT`].
    pub limit: u16,
    /// How many items to skip.
    pub offset: u32,
}

impl Page {
    /// The most that Podio hands out at once. It may hand out fewer: go on until a page is empty or adds nothing new.
    pub const MAX_LIMIT: u16 = 500;

    /// The largest first page.
    pub const FIRST: Self = Self { limit: Self::MAX_LIMIT, offset: 0 };
}

/// Puts the values, encoded, in place of the route's placeholders, in order.
fn fill(route: &str, values: &[&dyn Display]) -> String {
    debug_assert_eq!(route.matches('{').count(), values.len(), "{route}");
    let mut values = values.iter();
    let mut path = String::with_capacity(route.len() + 16);
    let mut rest = route;
    while let Some((before, placeholder)) = rest.split_once('{') {
        path.push_str(before);
        if let Some(value) = values.next() {
            path.extend(utf8_percent_encode(&value.to_string(), SEGMENT));
        }
        rest = placeholder.split_once('}').map_or("", |(_, after)| after);
    }
    path.push_str(rest);
    path
}

/// Any success will do.
fn nothing(_: &[u8]) -> Result<(), DecodeError> {
    Ok(())
}

/// Reads JSON; a failure names the place but quotes nothing.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    let whole = |fault| DecodeError { json_path: ".".to_owned(), fault };
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(whole(DecodeFault::Empty));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let fault = if error.inner().is_data() { DecodeFault::Shape } else { DecodeFault::NotJson };
        DecodeError { json_path: harmless(&error.path().to_string()), fault }
    })?;
    reader.end().map_err(|_| whole(DecodeFault::NotJson))?;
    Ok(value)
}

/// A path of bounded length whose names are identifiers: a map's keys come from the server and could be anything.
fn harmless(json_path: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-[]?".contains(letter);
    json_path.chars().take(120).map(|letter| if plain(letter) { letter } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fill_the_route_and_are_encoded() {
        assert_eq!(fill("/org/", &[]), "/org/");
        assert_eq!(
            fill("/a/{x}/b/{y}/", &[&1, &"jäne+x/y?z@example.com"]),
            "/a/1/b/j%C3%A4ne%2Bx%2Fy%3Fz@example.com/"
        );
    }

    #[test]
    fn a_failure_names_the_place_and_quotes_no_value() {
        let read: Result<Vec<u32>, _> = json(br#"[1, "jane@example.com"]"#);
        assert_eq!(read, Err(DecodeError { json_path: "[1]".into(), fault: DecodeFault::Shape }));
        assert_eq!(json::<Vec<u32>>(b"[1").map_err(|e| e.fault), Err(DecodeFault::NotJson));
        assert_eq!(json::<Vec<u32>>(b"[1] x").map_err(|e| e.fault), Err(DecodeFault::NotJson));
        assert_eq!(json::<Vec<u32>>(b" \n").map_err(|e| e.fault), Err(DecodeFault::Empty));
        let keys: Result<std::collections::BTreeMap<String, u32>, _> = json(br#"{"jane@example.com": "x"}"#);
        assert_eq!(keys.map_err(|e| e.json_path), Err("jane*example.com".to_owned()));
    }

    #[test]
    fn debug_shows_the_route_and_neither_path_nor_query_nor_body() {
        let request =
            Request::post("/x/{mail}", &[&"jane@example.com"], serde_json::json!({"mail": "jane@example.com"}))
                .with("query", "jane");
        let shown = format!("{request:?}");
        assert!(shown.contains("/x/{mail}") && !shown.contains("jane"), "{shown}");
        assert_eq!(request.path_and_query(), "/x/jane@example.com?query=jane");
    }
}
