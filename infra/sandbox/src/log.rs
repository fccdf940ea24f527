//! The call log: every request in order, with what it did. Oracles of tests read this and nothing else.
//!
//! Paths are kept whole, so a look-up by mail shows the address: the people in a sandbox are made up.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{AppId, HookId, ItemId, OrgId, SpaceId, UserId};
use crate::limiter::Bucket;

/// A lasting change that a call made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are the ids of what the variant names")]
pub enum Effect {
    /// Somebody left a space.
    SpaceMembershipEnded { space_id: SpaceId, user_id: UserId },
    /// Somebody left the organization.
    OrgMembershipEnded { org_id: OrgId, user_id: UserId },
    /// A space is gone, with everything in it.
    SpaceDeleted { space_id: SpaceId },
    /// Somebody became a space's admin because its last one left.
    SpaceAdminPromoted { space_id: SpaceId, user_id: UserId },
    /// Somebody joined, or was invited to, a space.
    SpaceMembershipStarted { space_id: SpaceId, user_id: UserId },
    /// A role in a space was changed.
    SpaceRoleChanged { space_id: SpaceId, user_id: UserId },
    /// A space was created.
    SpaceCreated { space_id: SpaceId },
    /// A space was changed.
    SpaceUpdated { space_id: SpaceId },
    /// An app was created.
    AppCreated { app_id: AppId },
    /// An item was created.
    ItemCreated { item_id: ItemId },
    /// An item was changed.
    ItemUpdated { item_id: ItemId },
    /// An item was deleted.
    ItemDeleted { item_id: ItemId },
    /// Somebody became org admin.
    OrgAdminAdded { org_id: OrgId, user_id: UserId },
    /// Somebody is org admin no more.
    OrgAdminRemoved { org_id: OrgId, user_id: UserId },
    /// A profile was changed.
    ProfileUpdated { user_id: UserId },
    /// A hook was created.
    HookCreated { hook_id: HookId },
    /// A verification was queued.
    HookVerificationRequested { hook_id: HookId },
    /// A hook became active.
    HookActivated { hook_id: HookId },
    /// A hook was deleted.
    HookDeleted { hook_id: HookId },
    /// A token was issued.
    TokenIssued { user_id: UserId },
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Its number, from 1.
    pub n: u64,
    /// When it arrived.
    pub time: Timestamp,
    /// Its method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// What it was answered; none when the connection was cut.
    pub status: Option<u16>,
    /// The API key, when the token was good.
    pub client: Option<String>,
    /// The acting user, when the token was good.
    pub user: Option<UserId>,
    /// The ceiling that counted it; none when it was not counted.
    pub bucket: Option<Bucket>,
    /// That ceiling.
    pub limit: Option<u32>,
    /// What was left of it.
    pub remaining: Option<u32>,
    /// The quota turned it down. (A 420 made by a fault does not count here.)
    pub rejected_420: bool,
    /// What it changed.
    pub effects: Vec<Effect>,
    /// The fault it met.
    pub fault: Option<String>,
}

/// Every call since the start or the last clearing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CallLog {
    /// Kept in a journal of its own, since it grows with every call.
    #[serde(skip)]
    calls: Vec<Call>,
    last: u64,
}

impl CallLog {
    /// The calls in order.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Forgets the calls; numbering goes on.
    pub fn clear(&mut self) {
        self.calls.clear();
    }

    /// How many calls the quota turned down.
    pub fn rejections(&self) -> usize {
        self.calls.iter().filter(|call| call.rejected_420).count()
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    pub(crate) fn push(&mut self, mut call: Call) {
        self.last += 1;
        call.n = self.last;
        self.calls.push(call);
    }

    /// Puts a call back that a journal kept.
    pub(crate) fn restore(&mut self, call: Call) {
        self.last = self.last.max(call.n);
        self.calls.push(call);
    }
}
