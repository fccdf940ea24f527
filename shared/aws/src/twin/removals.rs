//! Batches of space removals.

use async_trait::async_trait;
use jiff::Timestamp;
use podio_lifecycle::{
    ids::{OffboardingId, SpaceId},
    job::BatchKey,
    ports::{SaveError, Settled, StoreError, TrackRemovals},
    quota::Slot,
    removal::{RemovalBatch, RemovalState, SpaceRemoval},
};

use super::{MemoryStore, Tables};
use crate::rules;

impl Tables {
    pub(super) fn batch(&mut self, id: &OffboardingId, key: BatchKey) -> Option<&mut RemovalBatch> {
        self.batches.get_mut(&(id.clone(), key))
    }
}

pub(super) fn entry(batch: &mut RemovalBatch, space: SpaceId) -> Result<&mut SpaceRemoval, StoreError> {
    batch.spaces.iter_mut().find(|entry| entry.space_id == space).ok_or_else(rules::no_such_space)
}

/// The batch as DynamoDB would give it back.
fn as_stored(batch: &RemovalBatch) -> RemovalBatch {
    let mut batch = batch.clone();
    batch.due_at = batch.due_at.filter(|_| !batch.counted).map(rules::stored);
    for space in &mut batch.spaces {
        space.settled_at = space.settled_at.map(rules::stored);
        let open = !space.state.is_settled();
        space.slot = space.slot.filter(|_| open).map(|slot| Slot(rules::stored(slot.0)));
    }
    batch
}

#[async_trait]
impl TrackRemovals for MemoryStore {
    async fn batch(&self, id: &OffboardingId, key: BatchKey) -> Result<Option<RemovalBatch>, StoreError> {
        self.run("batch", |tables| Ok(tables.batch(id, key).cloned())).await
    }

    async fn create_batches(&self, batches: &[RemovalBatch]) -> Result<(), StoreError> {
        self.run("create_batches", |tables| {
            for batch in batches {
                let key = (batch.offboarding.clone(), batch.key);
                tables.batches.entry(key).or_insert_with(|| as_stored(batch));
            }
            Ok(())
        })
        .await
    }

    async fn replace_batch(&self, batch: &RemovalBatch) -> Result<(), SaveError> {
        self.run("replace_batch", |tables| match tables.batch(&batch.offboarding, batch.key) {
            Some(stored) if stored.revision == batch.revision => {
                *stored = RemovalBatch { revision: batch.revision + 1, ..as_stored(batch) };
                Ok(())
            }
            _ => Err(SaveError::Conflict),
        })
        .await
    }

    async fn settle(
        &self,
        id: &OffboardingId,
        key: BatchKey,
        space: SpaceId,
        state: RemovalState,
        at: Timestamp,
    ) -> Result<Settled, StoreError> {
        self.run("settle", |tables| {
            let batch = tables.batch(id, key).ok_or_else(rules::no_such_batch)?;
            let entry = entry(batch, space)?;
            let first = entry.state == RemovalState::Pending;
            if first {
                entry.state = state;
                entry.settled_at = Some(rules::stored(at));
                entry.slot = None;
                batch.revision += 1;
            }
            Ok(Settled { first, batch: batch.clone() })
        })
        .await
    }

    async fn stamp(
        &self,
        id: &OffboardingId,
        key: BatchKey,
        slots: &[(SpaceId, Option<Slot>)],
        quiet_until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.run("stamp", |tables| {
            let Some(batch) = tables.batch(id, key).filter(|batch| !batch.counted) else { return Ok(()) };
            let mut stamped = RemovalBatch { due_at: quiet_until, revision: batch.revision + 1, ..batch.clone() };
            for (space, slot) in slots {
                entry(&mut stamped, *space)?.slot = *slot;
            }
            *batch = as_stored(&stamped);
            Ok(())
        })
        .await
    }

    async fn take_slots(
        &self,
        id: &OffboardingId,
        key: BatchKey,
        slots: &[(SpaceId, Slot)],
    ) -> Result<bool, StoreError> {
        self.run("take_slots", |tables| {
            let Some(batch) = tables.batch(id, key) else { return Ok(false) };
            let held = |(space, slot): &(SpaceId, Slot)| {
                batch.space(*space).is_some_and(|entry| {
                    entry.state == RemovalState::Pending && entry.slot == Some(Slot(rules::stored(slot.0)))
                })
            };
            if !slots.iter().all(held) {
                return Ok(false);
            }
            for (space, _) in slots {
                entry(batch, *space)?.slot = None;
            }
            batch.revision += 1;
            Ok(true)
        })
        .await
    }

    async fn failed_attempt(
        &self,
        id: &OffboardingId,
        key: BatchKey,
        space: SpaceId,
        quiet_until: Timestamp,
    ) -> Result<u32, StoreError> {
        self.run("failed_attempt", |tables| {
            let batch = tables.batch(id, key).ok_or_else(rules::no_such_batch)?;
            let entry = entry(batch, space)?;
            if entry.state != RemovalState::Pending {
                return Ok(entry.attempts);
            }
            entry.attempts += 1;
            entry.slot = None;
            let attempts = entry.attempts;
            batch.due_at = Some(rules::stored(quiet_until));
            batch.revision += 1;
            Ok(attempts)
        })
        .await
    }

    async fn discard_batch(&self, id: &OffboardingId, key: BatchKey) -> Result<(), StoreError> {
        self.run("discard_batch", |tables| {
            tables.batches.remove(&(id.clone(), key));
            Ok(())
        })
        .await
    }
}
