//! In-memory twins of the tables, for simulations and for tests of the functions.
//!
//! They answer as the DynamoDB adapters do, which one suite of tests checks, and add what a simulation needs: they are
//! deterministic, and they fail on demand, before or after the work ([`Faults`]). Each operation yields once before and
//! once after its work, so that dropping its future there is a crash at that point.

mod credentials;
mod deliveries;
mod events;
mod evidence;
mod faults;
mod hanging;
mod leaver_items;
mod notes;
mod offboardings;
mod people;
mod scim_users;
mod turns;
mod work;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

pub use credentials::MemoryCredentials;
pub use events::MemoryEvents;
pub use evidence::Evidence;
pub(crate) use faults::Fault;
pub use faults::{Faults, Moment, Strike};
pub use hanging::{Hanging, sdk};
use jiff::Timestamp;
use podio_engine::quota::Quota;
use podio_lifecycle::{
    capability::Capabilities,
    hooks::{Delivery, DeliveryId},
    ids::{ItemId, OffboardingId, OrgId, UserId},
    leavers_app::LeaverItem,
    offboarding::Offboarding,
    pause::Pause,
    removal::{SpaceKey, SpaceRemoval},
    scim::{ScimUser, ScimUserId},
};

/// The state table, in memory.
#[derive(Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
    faults: Faults,
}

/// What an idempotency key stands for.
struct UsedKey {
    fingerprint: String,
    offboarding: OffboardingId,
    expires_at: Timestamp,
}

#[derive(Default)]
struct Tables {
    offboardings: BTreeMap<OffboardingId, Offboarding>,
    keys: BTreeMap<String, UsedKey>,
    persons: BTreeMap<String, OffboardingId>,
    removed: BTreeMap<(OrgId, UserId), OffboardingId>,
    items: BTreeMap<ItemId, LeaverItem>,
    turns: BTreeMap<OrgId, (OffboardingId, Timestamp)>,
    spaces: BTreeMap<SpaceKey, SpaceRemoval>,
    work: work::Work,
    evidence: Evidence,
    deliveries: BTreeMap<DeliveryId, Delivery>,
    scim_users: BTreeMap<ScimUserId, ScimUser>,
    quota: (Quota, u64),
    pause: Pause,
    capabilities: Capabilities,
    people: people::People,
}

impl MemoryStore {
    /// Empty tables.
    pub fn new() -> Self {
        Self::default()
    }

    /// The faults, to be set.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Who claims which person key: for a test's oracle, no port offers it.
    pub fn claims(&self) -> BTreeMap<String, OffboardingId> {
        self.lock().persons.clone()
    }

    /// All deliveries, by id: for a test's oracle, no port offers it.
    pub fn deliveries(&self) -> BTreeMap<DeliveryId, Delivery> {
        self.lock().deliveries.clone()
    }

    async fn run<T, E: From<Fault>>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Tables) -> Result<T, E>,
    ) -> Result<T, E> {
        self.faults.around(operation, || work(&mut self.lock())).await
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
