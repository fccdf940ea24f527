//! An offboarding with all that is told about it.

use podio_engine::quota::Quota;
use podio_lifecycle::{offboarding::Offboarding, ports::StoreError, removal::SpaceRemoval};

use crate::Ports;

/// Read at about the same time; the offboarding first, so that what is read after it is no older.
pub(crate) struct Snapshot {
    pub(crate) offboarding: Offboarding,
    pub(crate) spaces: Vec<SpaceRemoval>,
    pub(crate) podio_calls: u32,
}

impl Snapshot {
    /// With every space.
    pub(crate) async fn whole(ports: &Ports, offboarding: Offboarding) -> Result<Self, StoreError> {
        let spaces = spaces(ports, &offboarding).await?;
        Self::with(ports, offboarding, spaces).await
    }

    /// With no more than its numbers need, which the offboarding itself holds.
    pub(crate) async fn summary(ports: &Ports, offboarding: Offboarding) -> Result<Self, StoreError> {
        Self::with(ports, offboarding, Vec::new()).await
    }

    async fn with(ports: &Ports, offboarding: Offboarding, spaces: Vec<SpaceRemoval>) -> Result<Self, StoreError> {
        let podio_calls = match offboarding.state.closing() {
            Some(closing) => closing.calls,
            None => ports.calls.count_calls(&offboarding.id).await?,
        };
        Ok(Self { offboarding, spaces, podio_calls })
    }
}

/// The spaces of the plan in force.
pub(crate) async fn spaces(ports: &Ports, offboarding: &Offboarding) -> Result<Vec<SpaceRemoval>, StoreError> {
    let Some(number) = offboarding.state.plan_number() else { return Ok(Vec::new()) };
    Ok(offboarding.state.own(ports.read.spaces(&offboarding.id, number).await?))
}

/// The quota, or an untouched one: an estimate is a courtesy, and its absence must not hide an offboarding.
pub(crate) async fn quota(ports: &Ports) -> Quota {
    ports.quota.quota().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "no quota for the estimate");
        Quota::default()
    })
}
