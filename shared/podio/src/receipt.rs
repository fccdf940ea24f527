//! What is known of one HTTP exchange besides its result: enough to count it against the quota and for evidence.

use std::fmt;

use http::{HeaderMap, Method};

use crate::{error::Error, request::Request};

/// One request as it went, and what came of it.
#[derive(Debug)]
pub struct Exchange<T> {
    /// There for every attempt, even if nothing came back.
    pub receipt: Receipt,
    /// What Podio answered.
    pub result: Result<T, Error>,
}

/// The outside of one exchange. `Debug` leaves the path out, since it may hold a mail address.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The HTTP method.
    pub method: Method,
    /// The encoded path and query as they were sent.
    pub path: String,
    /// The path with names in place of values: fit for logs and metrics.
    pub route: &'static str,
    /// `None` if no answer came.
    pub status: Option<u16>,
    /// `X-Podio-Request-Id`, which Podio's support asks for.
    pub request_id: Option<String>,
    /// What Podio said about the quota.
    pub rate: RateHeaders,
}

impl Receipt {
    /// The receipt of a request without an answer.
    pub(crate) fn unanswered<T>(request: &Request<T>) -> Self {
        Self {
            method: request.method().clone(),
            path: request.path_and_query(),
            route: request.route(),
            status: None,
            request_id: None,
            rate: RateHeaders::default(),
        }
    }

    /// Method and route: what the quota's ceilings are learned by.
    pub fn quota_route(&self) -> String {
        format!("{} {}", self.method, self.route)
    }

    pub(crate) fn answered(&mut self, status: u16, headers: &HeaderMap) {
        self.status = Some(status);
        self.request_id = request_id(headers);
        self.rate = RateHeaders::read(headers);
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("method", &self.method)
            .field("route", &self.route)
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

/// Podio's id of the request, if it is short printable text.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-podio-request-id")?.to_str().ok()?.trim();
    (!id.is_empty() && id.len() <= 128).then(|| id.to_owned())
}

/// The quota as the headers of one answer tell it. Values that cannot be meant are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateHeaders {
    /// Calls an hour in the bucket of the route just called; never zero.
    pub limit: Option<u32>,
    /// Calls left in the running hour; never more than `limit`.
    pub remaining: Option<u32>,
}

impl RateHeaders {
    const HIGHEST: u32 = 1_000_000;

    /// Reads `X-Rate-Limit-Limit` and `X-Rate-Limit-Remaining`; source: developers.podio.com/index/limits.
    pub fn read(headers: &HeaderMap) -> Self {
        let limit = count(headers, "x-rate-limit-limit").filter(|limit| *limit > 0);
        let remaining =
            count(headers, "x-rate-limit-remaining").filter(|remaining| limit.is_none_or(|limit| *remaining <= limit));
        Self { limit, remaining }
    }
}

/// A header as a count: digits only, no more than a million, and said once.
fn count(headers: &HeaderMap, name: &str) -> Option<u32> {
    let mut values = headers.get_all(name).iter();
    let text = values.next()?.to_str().ok()?.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || values.next().is_some() {
        return None;
    }
    text.parse().ok().filter(|count| *count <= RateHeaders::HIGHEST)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(limit: &str, remaining: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-rate-limit-limit", limit.parse().unwrap());
        headers.insert("x-rate-limit-remaining", remaining.parse().unwrap());
        headers
    }

    #[test]
    fn sensible_headers_are_believed() {
        let rate = RateHeaders { limit: Some(250), remaining: Some(0) };
        assert_eq!(RateHeaders::read(&headers("250", " 0 ")), rate);
        assert_eq!(RateHeaders::read(&HeaderMap::new()), RateHeaders::default());
    }

    #[test]
    fn nonsense_is_not_believed() {
        for limit in ["-1", "+5", "0", "1000001", "99999999999999999999", "250.0", "many", "", "0x10"] {
            assert_eq!(
                RateHeaders::read(&headers(limit, "7")),
                RateHeaders { limit: None, remaining: Some(7) },
                "{limit}"
            );
        }
        for remaining in ["-3", "251", "1e2", "x"] {
            let rate = RateHeaders { limit: Some(250), remaining: None };
            assert_eq!(RateHeaders::read(&headers("250", remaining)), rate, "{remaining}");
        }
        let mut twice = headers("250", "10");
        twice.append("x-rate-limit-remaining", "20".parse().unwrap());
        assert_eq!(RateHeaders::read(&twice).remaining, None);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let mut headers = HeaderMap::new();
                for name in ["x-rate-limit-limit", "x-rate-limit-remaining", "x-podio-request-id"] {
                    headers.insert(name, value.clone());
                }
                let rate = RateHeaders::read(&headers);
                prop_assert!(rate.limit.is_none_or(|limit| (1..=RateHeaders::HIGHEST).contains(&limit)));
                let _ = request_id(&headers);
            }
        }
    }
}
