//! An offboarding with all that is told about it.

use podio_lifecycle::{
    offboarding::{Offboarding, State},
    ports::StoreError,
    quota::Quota,
    removal::RemovalBatch,
    sharing::awaited,
};

use crate::{Ports, eta::Rides};

/// Read at about the same time; the offboarding first, so that what is read after it is no older.
pub(crate) struct Snapshot {
    pub(crate) offboarding: Offboarding,
    pub(crate) batches: Vec<RemovalBatch>,
    pub(crate) rides: Rides,
    pub(crate) podio_calls: u32,
}

impl Snapshot {
    /// With every space.
    pub(crate) async fn whole(ports: &Ports, offboarding: Offboarding) -> Result<Self, StoreError> {
        let batches = batches(ports, &offboarding).await?;
        Self::with(ports, offboarding, batches).await
    }

    /// With no more than its numbers need: once every batch is counted, the offboarding itself holds them.
    pub(crate) async fn summary(ports: &Ports, offboarding: Offboarding) -> Result<Self, StoreError> {
        let under_way = offboarding.open_batches > 0 || offboarding.state.stage().is_some();
        let batches = if under_way { batches(ports, &offboarding).await? } else { Vec::new() };
        Self::with(ports, offboarding, batches).await
    }

    async fn with(ports: &Ports, offboarding: Offboarding, batches: Vec<RemovalBatch>) -> Result<Self, StoreError> {
        let podio_calls = match offboarding.calls {
            Some(calls) => calls,
            None => ports.calls.count_calls(&offboarding.id).await?,
        };
        let mut rides = Rides::new();
        let now = ports.clock.now();
        for batch in &batches {
            if !batch.counted && !batch.drivers.is_empty() {
                rides.extend(awaited(&*ports.read, &*ports.removals, batch, now).await?);
            }
        }
        Ok(Self { offboarding, batches, rides, podio_calls })
    }
}

/// The batches of the plan in force.
pub(crate) async fn batches(ports: &Ports, offboarding: &Offboarding) -> Result<Vec<RemovalBatch>, StoreError> {
    let Some(plan) = offboarding.plan else { return Ok(Vec::new()) };
    let batches = ports.read.batches(&offboarding.id, plan).await?;
    // While planning goes on, what is written down is the plan, as far as it has got.
    let planning = offboarding.state == State::Planning;
    Ok(if planning { batches } else { offboarding.split(batches).0 })
}

/// The quota, or an untouched one: an ETA is a courtesy, and its absence must not hide an offboarding.
pub(crate) async fn quota(ports: &Ports) -> Quota {
    ports.quota.quota().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "no quota for the ETA");
        Quota::default()
    })
}
