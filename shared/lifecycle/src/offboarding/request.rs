//! What a caller asks for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{email::EmailAddress, ids::UserId};

/// How the leaver is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Person {
    /// By the account's address.
    Email(EmailAddress),
    /// By Podio's id.
    User(UserId),
}

/// A request to off-board one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Who leaves.
    pub person: Person,
    /// From when on; at once where absent.
    pub effective_at: Option<Timestamp>,
    /// Plan and preview only.
    pub dry_run: bool,
    /// Hold for a person's approval in any case.
    pub require_approval: bool,
    /// Why, in the caller's words.
    pub reason: Option<String>,
    /// By whom, in the caller's words.
    pub requested_by: Option<String>,
}
