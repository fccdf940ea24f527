//! Several leavers out of one space by one call.
//!
//! Where two leavers wait for the same space, the one who was there first drives and the other rides: it has no job of
//! its own for that space, and no slot, but is named in the driver's call. The riders of a batch are put down beside the
//! driver's batch, and each rider's batch says with whom it rides. A ride can end at any time without harm: the space is
//! then left by a call of its own.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{
    ids::{OffboardingId, SpaceId},
    job::BatchKey,
    offboarding::State,
    ports::{ReadOffboardings, StoreError, TrackRemovals},
    removal::{RemovalBatch, RemovalState},
};

/// How long riders stay put down: longer than any offboarding takes.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Leavers whom one call names at most: enough for a whole department, and a path of about a thousand characters.
pub const LARGEST_PARTY: usize = 100;

/// A batch of one leaver's, some spaces of which are left by another leaver's calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rider {
    /// Whose.
    pub offboarding: OffboardingId,
    /// Which one.
    pub key: BatchKey,
    /// The spaces.
    pub spaces: Vec<SpaceId>,
}

/// Which spaces of a batch are still to be left by another leaver's call that lies ahead, and when that is.
///
/// # Errors
/// A driver could not be read.
pub async fn awaited(
    offboardings: &dyn ReadOffboardings,
    removals: &dyn TrackRemovals,
    batch: &RemovalBatch,
    now: Timestamp,
) -> Result<BTreeMap<SpaceId, Timestamp>, StoreError> {
    let mut awaited = BTreeMap::new();
    for (place, (id, key)) in batch.drivers.iter().enumerate() {
        let pending = batch.spaces.iter().filter(|entry| entry.state == RemovalState::Pending);
        let riding: Vec<_> = pending.filter(|entry| entry.ride.is_some_and(|ride| ride.driver == place)).collect();
        if riding.is_empty() {
            continue;
        }
        // One that has failed may come no more.
        let drives = |state: &State, plan| *state == State::Removing && plan == Some(key.plan);
        let in_force = offboardings.load(id).await?.is_some_and(|driver| drives(&driver.state, driver.plan));
        let Some(driver) = removals.batch(id, *key).await?.filter(|_| in_force) else { continue };
        for entry in riding {
            if let Some(until) = driver.expected_at(entry.space_id).filter(|until| *until > now) {
                awaited.insert(entry.space_id, until);
            }
        }
    }
    Ok(awaited)
}
