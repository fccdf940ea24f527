//! Which path of the API a request is for, wherever the API is mounted.
//!
//! API Gateway names the route that it chose (`routeKey`, such as `GET /offboardings/{id}`) and gives its parameters. The raw
//! path may have more in front: a named stage (`/prod/offboardings`), or the key of an API mapping of a custom domain
//! (`/podio/offboardings`), which stays in `rawPath` although the stage is `$default`. So the path is put together from route
//! and parameters. Where no route is named (`$default`: a function URL, `cargo lambda watch`) it is what the raw path says from
//! the door's own routes on.

use std::borrow::Cow;

use lambda_http::{Request, RequestExt as _, request::RequestContext};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// A parameter stands for one segment: what would end it is encoded, so that no parameter can make another route of its own.
const SEGMENT: &AsciiSet = &CONTROLS.add(b'/').add(b'%').add(b'?').add(b'#');

/// A request's path, in two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<'a> {
    /// What stands in front of the API: empty, or such as `/podio`. Safe to begin a `Location` with.
    pub base: &'a str,
    /// The path of the API, such as `/offboardings`.
    pub route: Cow<'a, str>,
}

impl<'a> Path<'a> {
    /// The path of a request to a door whose routes begin with `roots`.
    pub fn of(request: &'a Request, roots: &[&str]) -> Self {
        let raw = match request.raw_http_path() {
            "" => request.uri().path(),
            raw => raw,
        };
        let Some(route) = named(request) else { return Self::within(raw, roots) };
        let base = raw.strip_suffix(&*route).filter(|base| is_base(base)).unwrap_or_default();
        Self { base, route: Cow::Owned(route) }
    }

    /// From the first root on; without one, the whole.
    fn within(raw: &'a str, roots: &[&str]) -> Self {
        let begins = |(at, _): &(usize, &str)| {
            let mut rests = roots.iter().filter_map(|root| raw[*at..].strip_prefix(root));
            rests.any(|rest| rest.is_empty() || rest.starts_with('/')) && is_base(&raw[..*at])
        };
        let at = raw.match_indices('/').find(begins).map_or(0, |(at, _)| at);
        Self { base: &raw[..at], route: Cow::Borrowed(&raw[at..]) }
    }
}

/// The path that the gateway's route and its parameters make, if it names a route.
fn named(request: &Request) -> Option<String> {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else { return None };
    let (_, template) = context.route_key.as_deref()?.split_once(' ')?;
    let mut path = String::with_capacity(template.len());
    for segment in template.strip_prefix('/')?.split('/') {
        path.push('/');
        let Some(name) = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) else {
            path.push_str(segment);
            continue;
        };
        let parameters = request.path_parameters_ref()?;
        match name.strip_suffix('+') {
            Some(name) => path.push_str(parameters.first(name)?),
            None => path.extend(utf8_percent_encode(parameters.first(name)?, SEGMENT)),
        }
    }
    Some(path)
}

/// Whether this is empty, or segments of the characters that the key of an API mapping may have.
fn is_base(text: &str) -> bool {
    let known = |character: char| character.is_ascii_alphanumeric() || "$-_.+!*'(),".contains(character);
    let Some(segments) = text.strip_prefix('/') else { return text.is_empty() };
    segments.split('/').all(|segment| !segment.is_empty() && segment.chars().all(known))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ROOTS: [&str; 2] = ["/offboardings", "/health"];

    /// An event as API Gateway sends it, read by the same code as in production; what is made of it.
    fn path(raw: &str, route: Option<&str>, stage: &str, parameters: &Value) -> (String, String) {
        let event = json!({
            "version": "2.0", "routeKey": route, "rawPath": raw, "rawQueryString": "", "isBase64Encoded": false,
            "headers": {"host": "hr.example.com"}, "pathParameters": parameters,
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "hr.example.com", "domainPrefix": "hr", "requestId": "r",
                "routeKey": route, "stage": stage, "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1,
                "http": {"method": "GET", "path": raw, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"},
            },
        });
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let Path { base, route } = Path::of(&request, &ROOTS);
        (base.to_owned(), route.into_owned())
    }

    fn owned(base: &str, route: &str) -> (String, String) {
        (base.to_owned(), route.to_owned())
    }

    #[test]
    fn gateway_route_decides_behind_any_prefix() {
        let (id, none) = (json!({"id": "off_1"}), json!({}));
        for (stage, base) in [
            ("$default", ""),
            ("$default", "/podio"),
            ("$default", "/hr/podio/v1"),
            ("$default", "/offboardings"),
            ("prod", "/prod"),
            ("prod", "/podio"),
            ("prod", ""),
        ] {
            let approve = path(
                &format!("{base}/offboardings/off_1/approve"),
                Some("POST /offboardings/{id}/approve"),
                stage,
                &id,
            );
            assert_eq!(approve, owned(base, "/offboardings/off_1/approve"), "{stage}");
            let post = path(&format!("{base}/offboardings"), Some("ANY /offboardings"), stage, &none);
            assert_eq!(post, owned(base, "/offboardings"), "{stage}");
        }
    }

    #[test]
    fn greedy_route_gives_the_rest_of_the_path() {
        let all = json!({"proxy": "offboardings/off_1"});
        let found = path("/podio/offboardings/off_1", Some("ANY /{proxy+}"), "$default", &all);
        assert_eq!(found, owned("/podio", "/offboardings/off_1"));
    }

    #[test]
    fn parameter_cannot_make_another_route() {
        for sly in ["off_1/approve", "off_1%2Fapprove", "off_1?x", "off_1#x"] {
            let (_, route) = path("/x", Some("GET /offboardings/{id}"), "$default", &json!({"id": sly}));
            assert_eq!(route.matches('/').count(), 2, "{route}");
            assert!(!route.contains(['?', '#']), "{route}");
        }
    }

    #[test]
    fn without_a_route_the_doors_own_roots_decide() {
        let none = json!({});
        for key in [None, Some("$default")] {
            for base in ["", "/prod", "/podio/v1"] {
                let found = path(&format!("{base}/offboardings/off_1"), key, "$default", &none);
                assert_eq!(found, owned(base, "/offboardings/off_1"));
            }
            assert_eq!(path("/prod/healthy", key, "prod", &none), owned("", "/prod/healthy"));
            assert_eq!(path("/health/x", key, "$default", &none), owned("", "/health/x"));
            assert_eq!(path("", key, "$default", &none).1, "/", "lambda_http's own path for none");
        }
    }

    #[test]
    fn base_that_leads_elsewhere_is_none() {
        let none = json!({});
        for base in ["/", "//evil.example.com", "/a b", "/a\\b", "/a:b", "/ä"] {
            let raw = format!("{base}/offboardings");
            assert_eq!(path(&raw, Some("GET /offboardings"), "$default", &none), owned("", "/offboardings"), "{base}");
            assert_eq!(path(&raw, None, "$default", &none), owned("", &raw), "{base}");
        }
    }
}
