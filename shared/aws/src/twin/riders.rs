//! Who rides with whom.

use async_trait::async_trait;
use jiff::Timestamp;
use podio_lifecycle::{
    ids::{OffboardingId, SpaceId},
    job::BatchKey,
    ports::{ShareRemovals, StoreError},
    removal::{RemovalBatch, RemovalState},
    sharing::Rider,
};

use super::{MemoryStore, removals::entry};
use crate::rules;

#[async_trait]
impl ShareRemovals for MemoryStore {
    async fn ride(
        &self,
        driver: &OffboardingId,
        key: BatchKey,
        rider: &Rider,
        _expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.run("ride", |tables| {
            let riders = tables.riders.entry((driver.clone(), key)).or_default();
            riders.insert((rider.offboarding.clone(), rider.key.number), rider.clone());
            Ok(())
        })
        .await
    }

    async fn riders(&self, driver: &OffboardingId, key: BatchKey) -> Result<Vec<Rider>, StoreError> {
        self.run("riders", |tables| {
            let riders = tables.riders.get(&(driver.clone(), key));
            Ok(riders.into_iter().flat_map(|riders| riders.values().cloned()).collect())
        })
        .await
    }

    async fn mark_shared(&self, id: &OffboardingId, key: BatchKey, space: SpaceId) -> Result<bool, StoreError> {
        self.run("mark_shared", |tables| {
            let Some(batch) = tables.batch(id, key) else { return Ok(false) };
            let entry = batch.spaces.iter_mut().find(|entry| entry.space_id == space);
            let Some(ride) =
                entry.filter(|entry| entry.state == RemovalState::Pending).and_then(|entry| entry.ride.as_mut())
            else {
                return Ok(false);
            };
            ride.shared = true;
            batch.revision += 1;
            Ok(true)
        })
        .await
    }

    async fn dismount(
        &self,
        id: &OffboardingId,
        key: BatchKey,
        spaces: &[SpaceId],
        quiet_until: Timestamp,
    ) -> Result<Option<RemovalBatch>, StoreError> {
        self.run("dismount", |tables| {
            let Some(batch) = tables.batch(id, key).filter(|batch| !batch.counted) else { return Ok(None) };
            let mut alone = batch.clone();
            for space in spaces {
                entry(&mut alone, *space)?.ride = None;
            }
            alone.due_at = Some(rules::stored(quiet_until));
            alone.revision += 1;
            *batch = alone.clone();
            Ok(Some(alone))
        })
        .await
    }
}
