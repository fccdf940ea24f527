//! What differs from the audit before.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::AuditId;
use crate::ids::{OffboardingId, OrgId, UserId};

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Somebody new.
    Joined,
    /// Somebody who is no member any more. Podio was asked for them by themselves.
    Left,
    /// Somebody who had left.
    Returned,
    /// Another role in the organization.
    RoleChanged,
    /// Other addresses.
    EmailChanged,
    /// Another name.
    NameChanged,
    /// Employee, external, guest or service.
    TypeChanged,
    /// Not seen for too long.
    WentStale,
    /// Seen again after that.
    SeenAgain,
}

impl ChangeKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Joined,
        Self::Left,
        Self::Returned,
        Self::RoleChanged,
        Self::EmailChanged,
        Self::NameChanged,
        Self::TypeChanged,
        Self::WentStale,
        Self::SeenAgain,
    ];

    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Returned => "returned",
            Self::RoleChanged => "role_changed",
            Self::EmailChanged => "email_changed",
            Self::NameChanged => "name_changed",
            Self::TypeChanged => "type_changed",
            Self::WentStale => "went_stale",
            Self::SeenAgain => "seen_again",
        }
    }
}

/// What brought a change about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// An offboarding of ours had removed the person.
    Offboarding {
        /// Which.
        id: OffboardingId,
    },
}

/// One change of one member. `Debug` shows neither names nor addresses.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When it was found.
    pub at: Timestamp,
    /// What has changed.
    pub kind: ChangeKind,
    /// Whose.
    pub user_id: UserId,
    /// What was so before: the status, role, address, name, type, or when they were last seen.
    pub before: Option<String>,
    /// What is so now.
    pub after: Option<String>,
    /// The audit that saw it.
    pub audit_id: AuditId,
    /// What brought it about, where that is known.
    pub cause: Option<Cause>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("at", &self.at)
            .field("kind", &self.kind)
            .field("user_id", &self.user_id)
            .field("audit_id", &self.audit_id)
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}

/// A change as others are told of it: ids only. Names and addresses are at `GET /changes`, behind a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberEvent {
    /// The organization.
    pub org_id: OrgId,
    /// Whose.
    pub user_id: UserId,
    /// The audit that saw it.
    pub audit_id: AuditId,
    /// What brought it about, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}
