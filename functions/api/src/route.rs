//! Which route a request is for, whatever stands before it.

use lambda_http::{Request, RequestExt, http::Method, request::RequestContext};
use podio_lifecycle::ids::OffboardingId;

/// A route of the contract. An id that is none of ours is `None`, so that it is answered only after the token is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/health`
    Health,
    /// `/quota`
    Quota,
    /// `/offboardings`
    Offboardings,
    /// `/offboardings/{id}`
    Offboarding(Option<OffboardingId>),
    /// `/offboardings/{id}/approve`
    Approve(Option<OffboardingId>),
    /// `/offboardings/{id}/cancel`
    Cancel(Option<OffboardingId>),
    /// `/offboardings/{id}/retry`
    Retry(Option<OffboardingId>),
    /// `/offboardings/{id}/evidence`
    Evidence(Option<OffboardingId>),
    /// `/evidence/keys`
    EvidenceKeys,
    /// Anything else.
    Unknown,
}

impl Route {
    /// The route of a request. Behind API Gateway the path may begin with the stage.
    pub(crate) fn of(request: &Request) -> Self {
        let raw = request.raw_http_path();
        let path = if raw.is_empty() { request.uri().path() } else { raw };
        let stage = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.stage.as_deref(),
            _ => None,
        };
        Self::parse(stage.map_or(path, |stage| without_stage(path, stage)))
    }

    fn parse(path: &str) -> Self {
        let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
        let parts = [segments.next(), segments.next(), segments.next(), segments.next()];
        match parts {
            [Some("health"), None, ..] => Self::Health,
            [Some("quota"), None, ..] => Self::Quota,
            [Some("evidence"), Some("keys"), None, _] => Self::EvidenceKeys,
            [Some("offboardings"), None, ..] => Self::Offboardings,
            [Some("offboardings"), Some(id), None, _] if !id.is_empty() => Self::Offboarding(id.parse().ok()),
            [Some("offboardings"), Some(id), Some(verb), None] => {
                let id = id.parse().ok();
                match verb {
                    "approve" => Self::Approve(id),
                    "cancel" => Self::Cancel(id),
                    "retry" => Self::Retry(id),
                    "evidence" => Self::Evidence(id),
                    _ => Self::Unknown,
                }
            }
            _ => Self::Unknown,
        }
    }

    /// The methods it takes, as the `Allow` header says it.
    pub(crate) fn allow(&self) -> &'static str {
        match self {
            Self::Health | Self::Quota | Self::Offboarding(_) | Self::Evidence(_) | Self::EvidenceKeys => "GET, HEAD",
            Self::Offboardings => "GET, HEAD, POST",
            Self::Approve(_) | Self::Cancel(_) | Self::Retry(_) => "POST",
            Self::Unknown => "",
        }
    }

    /// Whether it takes a method. An unknown route is not found, whatever the method.
    pub(crate) fn allows(&self, method: &Method) -> bool {
        *self == Self::Unknown || self.allow().split(", ").any(|allowed| allowed == method.as_str())
    }

    /// The query parameters that it declares.
    pub(crate) fn parameters(&self, method: &Method) -> &'static [&'static str] {
        match self {
            Self::Offboardings if *method != Method::POST => &["state", "limit", "cursor"],
            Self::Offboarding(_) => &["fields"],
            _ => &[],
        }
    }

    /// The offboarding that the path names.
    pub(crate) fn offboarding(&self) -> Option<&OffboardingId> {
        match self {
            Self::Offboarding(id) | Self::Approve(id) | Self::Cancel(id) | Self::Retry(id) | Self::Evidence(id) => {
                id.as_ref()
            }
            Self::Health | Self::Quota | Self::Offboardings | Self::EvidenceKeys | Self::Unknown => None,
        }
    }

    /// The route's name in the log.
    pub(crate) fn template(&self) -> &'static str {
        match self {
            Self::Health => "/health",
            Self::Quota => "/quota",
            Self::Offboardings => "/offboardings",
            Self::Offboarding(_) => "/offboardings/{id}",
            Self::Approve(_) => "/offboardings/{id}/approve",
            Self::Cancel(_) => "/offboardings/{id}/cancel",
            Self::Retry(_) => "/offboardings/{id}/retry",
            Self::Evidence(_) => "/offboardings/{id}/evidence",
            Self::EvidenceKeys => "/evidence/keys",
            Self::Unknown => "unknown",
        }
    }
}

fn without_stage<'a>(path: &'a str, stage: &str) -> &'a str {
    let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(stage));
    rest.filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "off_0123456789abcdef0123456789abcdef";

    #[test]
    fn each_path_of_the_contract_finds_its_route() {
        let id = Some(ID.parse().unwrap());
        for (path, route) in [
            ("/health", Route::Health),
            ("/quota", Route::Quota),
            ("/offboardings", Route::Offboardings),
            (&format!("/offboardings/{ID}"), Route::Offboarding(id.clone())),
            (&format!("/offboardings/{ID}/approve"), Route::Approve(id.clone())),
            (&format!("/offboardings/{ID}/cancel"), Route::Cancel(id.clone())),
            (&format!("/offboardings/{ID}/retry"), Route::Retry(id.clone())),
            (&format!("/offboardings/{ID}/evidence"), Route::Evidence(id)),
            ("/evidence/keys", Route::EvidenceKeys),
            ("/evidence", Route::Unknown),
            ("/evidence/keys/x", Route::Unknown),
            ("/offboardings/jane", Route::Offboarding(None)),
            ("/", Route::Unknown),
            ("", Route::Unknown),
            ("/offboardings/", Route::Unknown),
            ("//offboardings", Route::Unknown),
            ("/health/x", Route::Unknown),
            (&format!("/offboardings/{ID}/delete"), Route::Unknown),
            (&format!("/offboardings/{ID}/evidence/x"), Route::Unknown),
        ] {
            assert_eq!(Route::parse(path), route, "{path}");
        }
    }

    #[test]
    fn a_stage_is_cut_off_but_nothing_that_only_looks_like_one() {
        assert_eq!(without_stage("/prod/health", "prod"), "/health");
        assert_eq!(without_stage("/health", "$default"), "/health");
        assert_eq!(without_stage("/production/health", "prod"), "/production/health");
        assert_eq!(without_stage("/health", "health"), "/health");
    }

    /// The event as API Gateway sends it, read by the same code as in production.
    #[test]
    fn an_event_from_a_named_stage_finds_its_route() {
        let event = r#"{
            "version": "2.0", "routeKey": "GET /health", "rawPath": "/prod/health", "rawQueryString": "",
            "headers": {"host": "example.com"}, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "example.com", "domainPrefix": "a", "requestId": "r",
                "routeKey": "GET /health", "stage": "prod", "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1,
                "http": {"method": "GET", "path": "/prod/health", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                         "userAgent": "test"}
            }
        }"#;
        let request = lambda_http::request::from_str(event).unwrap();
        assert_eq!(Route::of(&request), Route::Health);
    }
}
