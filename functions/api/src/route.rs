//! The routes of this door.

use lambda_http::http::Method;
use podio_lifecycle::ids::OffboardingId;

use crate::{
    MAX_BODY_BYTES,
    people::{MAX_ROSTER_BYTES, PeopleRoute},
};

/// What each route begins with ([`podio_door::path`]).
pub(crate) const ROOTS: [&str; 12] = [
    "/health",
    "/quota",
    "/pause",
    "/resume",
    "/offboardings",
    "/evidence/keys",
    "/senders",
    "/audits",
    "/members",
    "/changes",
    "/roster",
    "/reconciliations",
];

/// A route of the contract. An id that is none of ours is `None`, so that it is answered only after the token is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/health`
    Health,
    /// `/quota`
    Quota,
    /// `/pause`
    Pause,
    /// `/resume`
    Resume,
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
    /// `/senders/{name}`
    Sender(String),
    /// Those of people.
    People(PeopleRoute),
    /// Anything else.
    Unknown,
}

impl Route {
    /// The route that a path of the API leads to.
    pub(crate) fn parse(path: &str) -> Self {
        let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
        let parts = [segments.next(), segments.next(), segments.next(), segments.next()];
        match parts {
            [Some("health"), None, ..] => Self::Health,
            [Some("quota"), None, ..] => Self::Quota,
            [Some("pause"), None, ..] => Self::Pause,
            [Some("resume"), None, ..] => Self::Resume,
            [Some("evidence"), Some("keys"), None, _] => Self::EvidenceKeys,
            [Some("offboardings"), None, ..] => Self::Offboardings,
            [Some("offboardings"), Some(id), None, _] if !id.is_empty() => Self::Offboarding(id.parse().ok()),
            [Some("senders"), Some(name), None, _] if !name.is_empty() => Self::Sender(name.to_owned()),
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
            _ => PeopleRoute::parse(parts).map_or(Self::Unknown, Self::People),
        }
    }

    /// The methods it takes, as the `Allow` header says it.
    pub(crate) fn allow(&self) -> &'static str {
        match self {
            Self::Health | Self::Quota | Self::Offboarding(_) | Self::Evidence(_) | Self::EvidenceKeys => "GET, HEAD",
            // What some makers ask first comes as GET.
            Self::Offboardings | Self::Pause | Self::Sender(_) => "GET, HEAD, POST",
            Self::Approve(_) | Self::Cancel(_) | Self::Retry(_) | Self::Resume => "POST",
            Self::People(route) => route.allow(),
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
            Self::Offboardings if *method != Method::POST => &["state", "email", "user_id", "limit", "cursor"],
            Self::Offboarding(_) => &["fields"],
            Self::People(route) => route.parameters(method),
            _ => &[],
        }
    }

    /// The largest body that it reads.
    pub(crate) fn largest_body(&self) -> usize {
        match self {
            Self::People(PeopleRoute::Roster) => MAX_ROSTER_BYTES,
            _ => MAX_BODY_BYTES,
        }
    }

    /// The offboarding that the path names.
    pub(crate) fn offboarding(&self) -> Option<&OffboardingId> {
        match self {
            Self::Offboarding(id) | Self::Approve(id) | Self::Cancel(id) | Self::Retry(id) | Self::Evidence(id) => {
                id.as_ref()
            }
            Self::Health
            | Self::Quota
            | Self::Pause
            | Self::Resume
            | Self::Offboardings
            | Self::EvidenceKeys
            | Self::Sender(_)
            | Self::People(_)
            | Self::Unknown => None,
        }
    }

    /// The route's name in the log.
    pub(crate) fn template(&self) -> &'static str {
        match self {
            Self::Health => "/health",
            Self::Quota => "/quota",
            Self::Pause => "/pause",
            Self::Resume => "/resume",
            Self::Offboardings => "/offboardings",
            Self::Offboarding(_) => "/offboardings/{id}",
            Self::Approve(_) => "/offboardings/{id}/approve",
            Self::Cancel(_) => "/offboardings/{id}/cancel",
            Self::Retry(_) => "/offboardings/{id}/retry",
            Self::Evidence(_) => "/offboardings/{id}/evidence",
            Self::EvidenceKeys => "/evidence/keys",
            Self::Sender(_) => "/senders/{name}",
            Self::People(route) => route.template(),
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use podio_lifecycle::ids::UserId;

    use super::*;

    const ID: &str = "off_0123456789abcdef0123456789abcdef";

    #[test]
    fn each_path_of_the_contract_finds_its_route() {
        let id = Some(ID.parse().unwrap());
        for (path, route) in [
            ("/health", Route::Health),
            ("/quota", Route::Quota),
            ("/pause", Route::Pause),
            ("/resume", Route::Resume),
            ("/pause/x", Route::Unknown),
            ("/offboardings", Route::Offboardings),
            (&format!("/offboardings/{ID}"), Route::Offboarding(id.clone())),
            (&format!("/offboardings/{ID}/approve"), Route::Approve(id.clone())),
            (&format!("/offboardings/{ID}/cancel"), Route::Cancel(id.clone())),
            (&format!("/offboardings/{ID}/retry"), Route::Retry(id.clone())),
            (&format!("/offboardings/{ID}/evidence"), Route::Evidence(id)),
            ("/evidence/keys", Route::EvidenceKeys),
            ("/evidence", Route::Unknown),
            ("/evidence/keys/x", Route::Unknown),
            ("/senders/people", Route::Sender("people".to_owned())),
            ("/senders", Route::Unknown),
            ("/senders/", Route::Unknown),
            ("/senders/people/x", Route::Unknown),
            ("/audits", Route::People(PeopleRoute::Audits)),
            ("/audits/jane", Route::People(PeopleRoute::Audit(None))),
            ("/members", Route::People(PeopleRoute::Members)),
            ("/members/7", Route::People(PeopleRoute::Member(Some(UserId(7))))),
            ("/members/+7", Route::People(PeopleRoute::Member(None))),
            ("/members/7/x", Route::Unknown),
            ("/changes", Route::People(PeopleRoute::Changes)),
            ("/roster", Route::People(PeopleRoute::Roster)),
            ("/reconciliations", Route::People(PeopleRoute::Reconciliations)),
            ("/reconciliations/x", Route::People(PeopleRoute::Reconciliation(None))),
            ("/reconciliations/x/offboard", Route::People(PeopleRoute::Offboard(None))),
            ("/reconciliations/x/y", Route::Unknown),
            ("/changes/x", Route::Unknown),
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
            let template = route.template();
            assert!(route == Route::Unknown || ROOTS.iter().any(|root| template.starts_with(root)), "{template}");
        }
    }
}
