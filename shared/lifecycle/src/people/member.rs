//! One member of an organization, as last audited.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::UserId;

/// How somebody belongs to the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberType {
    /// On the payroll, as Podio has it.
    Employee,
    /// Works for somebody else.
    External,
    /// Sees single items only.
    Guest,
    /// No person: an integration.
    Service,
}

impl MemberType {
    /// All types.
    pub const ALL: [Self; 4] = [Self::Employee, Self::External, Self::Guest, Self::Service];

    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Employee => "employee",
            Self::External => "external",
            Self::Guest => "guest",
            Self::Service => "service",
        }
    }
}

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberStatus {
    /// A member with an account in use.
    Active,
    /// A member whose account is not in use: an invitation that was not taken up, mostly.
    Inactive,
    /// A member no more.
    Left,
}

impl MemberStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Inactive, Self::Left];

    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Left => "left",
        }
    }
}

/// A member as Podio lists one now. What is `None` was not told, which says nothing about what was told before.
#[derive(Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The account.
    pub user_id: UserId,
    /// The name.
    pub name: Option<String>,
    /// The addresses, the account's own first.
    pub emails: Vec<String>,
    /// The role in the organization.
    pub role: Option<String>,
    /// How they belong to the organization.
    pub kind: Option<MemberType>,
    /// Whether the account is in use.
    pub active: bool,
    /// In how many spaces.
    pub spaces: Option<u32>,
    /// When they were invited.
    pub invited_at: Option<Timestamp>,
    /// When they last used Podio.
    pub last_seen_at: Option<Timestamp>,
}

/// A member as last audited. `Debug` shows neither name nor addresses.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The account.
    pub user_id: UserId,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The addresses, the account's own first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// The role in the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// How they belong to the organization, where Podio tells.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<MemberType>,
    /// Where they stand.
    pub status: MemberStatus,
    /// In how many spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spaces: Option<u32>,
    /// When they were invited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_at: Option<Timestamp>,
    /// When they last used Podio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
    /// When an audit saw them first.
    pub first_listed_at: Timestamp,
    /// When an audit saw them last, of those who left. Of all others it is the last audit's time, so that an audit which
    /// finds everybody as before writes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_listed_at: Option<Timestamp>,
    /// When they were found to have left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Timestamp>,
    /// Whether they have not used Podio for longer than an operator allows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
    /// Bumped by each write; 0 for what is not stored.
    #[serde(skip)]
    pub revision: u64,
}

impl Member {
    /// Whether they are a member now.
    pub fn is_current(&self) -> bool {
        self.status != MemberStatus::Left
    }

    /// The account's own address.
    pub fn email(&self) -> Option<&str> {
        self.emails.first().map(String::as_str)
    }

    /// Whether they were not seen for longer than `after`, or never and were invited longer ago than that. An account that
    /// is younger is not stale: whoever was seen long ago has an old account, and one of unknown age counts from the day on
    /// which an audit saw it first.
    pub fn is_unseen_for(&self, after: SignedDuration, now: Timestamp) -> bool {
        let unused_since = self.last_seen_at.or(self.invited_at).unwrap_or(self.first_listed_at);
        self.is_current() && now.duration_since(unused_since) > after
    }

    /// For how many whole days they were not seen; none where that was never.
    pub fn days_unseen(&self, now: Timestamp) -> Option<i64> {
        self.last_seen_at.map(|seen| (now.duration_since(seen).as_hours() / 24).max(0))
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("user_id", &self.user_id)
            .field("role", &self.role)
            .field("kind", &self.kind)
            .field("status", &self.status)
            .field("stale", &self.stale)
            .field("last_seen_at", &self.last_seen_at)
            .field("left_at", &self.left_at)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Sighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sighting").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}
