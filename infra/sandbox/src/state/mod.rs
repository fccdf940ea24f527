//! Podio's state and its rules, without HTTP, clock or chance of its own: every method that needs the time is given it.

mod apps;
mod events;
mod hooks;
mod items;
mod list_changes;
mod membership;
mod people;
mod removal;
mod tokens;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use apps::{App, Field, FieldKind, NewField};
pub use hooks::{Delivery, Hook, HookRef, Hooks};
pub use items::{Item, ItemRefused, Value as FieldValue};
pub use list_changes::ListChange;
pub use membership::{OrgMembership, Organization, Space, SpaceKind, SpaceMembership, SpaceRole};
pub use people::{AccountKind, Person};
pub use removal::{Preview, RemovalRefused};
pub use tokens::{Access, Refresh, Tokens};

use crate::faults::{FaultRule, Faults};
use crate::ids::{AppId, ItemId, OrgId, SpaceId, UserId};
use crate::limiter::{Limiter, Quota};
use crate::log::CallLog;
use crate::rng::SplitMix;
use crate::switches::Switches;

/// Everything there is: people, organizations, spaces, apps and their items, tokens, hooks, quota used, faults armed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    /// How Podio behaves.
    pub switches: Switches,
    /// Everybody with an account.
    pub people: BTreeMap<UserId, Person>,
    /// Organizations.
    pub orgs: BTreeMap<OrgId, Organization>,
    /// Spaces, deleted ones too.
    pub spaces: BTreeMap<SpaceId, Space>,
    /// Apps.
    pub apps: BTreeMap<AppId, App>,
    /// Items, deleted ones too.
    pub items: BTreeMap<ItemId, Item>,
    /// API keys, logins and tokens.
    pub tokens: Tokens,
    /// Hooks and their deliveries.
    pub hooks: Hooks,
    /// Calls counted.
    pub limiter: Limiter,
    /// Faults armed.
    pub faults: Faults,
    /// Every request.
    pub log: CallLog,
    /// What happens between the pages of the members' list that are answered next.
    #[serde(default)]
    pub(crate) list_changes: Vec<(u32, ListChange)>,
    pub(crate) rng: SplitMix,
    next_id: u64,
}

impl State {
    /// An empty Podio.
    pub fn empty(switches: Switches, quota: Quota, seed: u64) -> Self {
        Self {
            switches,
            people: BTreeMap::new(),
            orgs: BTreeMap::new(),
            spaces: BTreeMap::new(),
            apps: BTreeMap::new(),
            items: BTreeMap::new(),
            tokens: Tokens::default(),
            hooks: Hooks::default(),
            limiter: Limiter::new(quota),
            faults: Faults::default(),
            log: CallLog::default(),
            list_changes: Vec::new(),
            rng: SplitMix::new(seed),
            next_id: 1_000_000,
        }
    }

    /// The next id; Podio's ids are unique over all kinds here, so a mixed-up id is always a visible mistake.
    pub(crate) fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Arms a fault.
    pub fn add_fault(&mut self, rule: FaultRule) {
        self.faults.add(rule);
    }

    /// Creates an organization without members.
    pub fn create_org(&mut self, now: Timestamp, org_id: OrgId, name: &str) {
        let organization = Organization { name: name.to_owned(), created_on: now, members: BTreeMap::new() };
        self.orgs.insert(org_id, organization);
    }
}
