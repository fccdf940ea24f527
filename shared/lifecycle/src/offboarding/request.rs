//! What a caller asks for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::is_default;
use crate::{email::EmailAddress, ids::UserId, source::Source};

/// How the leaver is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Person {
    /// By the account's address.
    Email(EmailAddress),
    /// By Podio's id.
    User(UserId),
}

/// How much of a hurry there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// In the order of acceptance.
    #[default]
    Normal,
    /// Before all that is normal.
    Urgent,
}

/// A request to off-board one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Who leaves.
    pub person: Person,
    /// From when on; at once where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Timestamp>,
    /// Plan and preview only.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dry_run: bool,
    /// Hold for a person's approval in any case.
    #[serde(default, skip_serializing_if = "is_default")]
    pub require_approval: bool,
    /// Why, in the caller's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// By whom, in the caller's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// What it comes from, as the door has found out.
    pub source: Source,
    /// How much of a hurry there is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub priority: Priority,
}

impl Request {
    /// A plain request: at once, in earnest, without a word about the reason.
    pub fn new(person: Person, source: Source) -> Self {
        Self {
            person,
            effective_at: None,
            dry_run: false,
            require_approval: false,
            reason: None,
            requested_by: None,
            source,
            priority: Priority::Normal,
        }
    }
}
