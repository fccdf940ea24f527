//! The routes of people.

use lambda_http::http::Method;
use podio_lifecycle::{
    ids::UserId,
    people::{AuditId, ReconciliationId},
};

/// A route of people. An id that is none of ours is `None`, so that it is answered only after the token is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PeopleRoute {
    /// `/audits`
    Audits,
    /// `/audits/{id}`
    Audit(Option<AuditId>),
    /// `/members`
    Members,
    /// `/members/{user_id}`
    Member(Option<UserId>),
    /// `/changes`
    Changes,
    /// `/roster`
    Roster,
    /// `/reconciliations`
    Reconciliations,
    /// `/reconciliations/{id}`
    Reconciliation(Option<ReconciliationId>),
    /// `/reconciliations/{id}/offboard`
    Offboard(Option<ReconciliationId>),
}

impl PeopleRoute {
    /// The route that the parts of a path lead to.
    pub(crate) fn parse(parts: [Option<&str>; 4]) -> Option<Self> {
        match parts {
            [Some("audits"), None, ..] => Some(Self::Audits),
            [Some("audits"), Some(id), None, _] if !id.is_empty() => Some(Self::Audit(id.parse().ok())),
            [Some("members"), None, ..] => Some(Self::Members),
            [Some("members"), Some(user), None, _] if !user.is_empty() => {
                let digits = user.bytes().all(|byte| byte.is_ascii_digit());
                Some(Self::Member(user.parse().ok().filter(|_| digits).map(UserId)))
            }
            [Some("changes"), None, ..] => Some(Self::Changes),
            [Some("roster"), None, ..] => Some(Self::Roster),
            [Some("reconciliations"), None, ..] => Some(Self::Reconciliations),
            [Some("reconciliations"), Some(id), None, _] if !id.is_empty() => {
                Some(Self::Reconciliation(id.parse().ok()))
            }
            [Some("reconciliations"), Some(id), Some("offboard"), None] => Some(Self::Offboard(id.parse().ok())),
            _ => None,
        }
    }

    /// The methods it takes, as the `Allow` header says it.
    pub(crate) fn allow(&self) -> &'static str {
        match self {
            Self::Audits => "GET, HEAD, POST",
            Self::Audit(_) | Self::Members | Self::Member(_) | Self::Changes | Self::Reconciliation(_) => "GET, HEAD",
            Self::Roster => "PUT",
            Self::Reconciliations | Self::Offboard(_) => "POST",
        }
    }

    /// The query parameters that it declares.
    pub(crate) fn parameters(&self, method: &Method) -> &'static [&'static str] {
        match self {
            Self::Audits if *method != Method::POST => &["org_id", "limit", "cursor"],
            Self::Audits | Self::Audit(_) | Self::Reconciliations | Self::Offboard(_) => &[],
            Self::Members => &["org_id", "status", "role", "type", "stale", "q", "limit", "cursor", "bom", "raw"],
            Self::Member(_) => &["org_id"],
            Self::Roster => &["org_id", "part", "of"],
            Self::Reconciliation(_) => &["finding", "limit", "cursor", "bom", "raw"],
            Self::Changes => &["org_id", "since", "kind", "limit", "cursor"],
        }
    }

    /// The route's name in the log.
    pub(crate) fn template(&self) -> &'static str {
        match self {
            Self::Audits => "/audits",
            Self::Audit(_) => "/audits/{id}",
            Self::Members => "/members",
            Self::Member(_) => "/members/{user_id}",
            Self::Changes => "/changes",
            Self::Roster => "/roster",
            Self::Reconciliations => "/reconciliations",
            Self::Reconciliation(_) => "/reconciliations/{id}",
            Self::Offboard(_) => "/reconciliations/{id}/offboard",
        }
    }
}
