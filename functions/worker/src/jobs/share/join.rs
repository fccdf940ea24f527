//! Joining others who wait for the same spaces.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use podio_lifecycle::{
    capability::Capability,
    ids::{OffboardingId, SpaceId},
    job::BatchKey,
    ledger::{Committed, NotCommitted},
    offboarding::{Event, Offboarding, Plan, State},
    ports::StoreError,
    removal::{RemovalBatch, RemovalState, Ride},
    sharing::{REMEMBERED, Rider},
};

use crate::Worker;

/// Offboardings at work that are looked at for company, the oldest first: what storage reads at once.
const AT_WORK: usize = 100;
/// Of those, how many have their spaces compared.
const COMPARED: usize = 50;

/// Whose call leaves a space, and when it is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Driver {
    batch: (OffboardingId, BatchKey),
    expected_at: Timestamp,
}

impl Worker {
    /// Stores a finished plan. Where it goes on to remove the leaver at once, and others wait for the same spaces, the
    /// leaver rides with them.
    pub(in crate::jobs) async fn commit_plan(
        &self,
        offboarding: &Offboarding,
        plan: Plan,
        batches: &[RemovalBatch],
    ) -> Result<Committed, NotCommitted> {
        let after = offboarding.apply(Event::Planned(plan.clone()), self.now())?.offboarding;
        if after.state != State::Removing || !self.may_share().await? {
            return self.ledger().commit(offboarding, Event::Planned(plan), self.now()).await;
        }
        // Kept until the plan is stored, so that the next one finds this leaver at work.
        let turn = self.turns.joining.lock().await;
        let rides = self.join_others(&after, batches).await?;
        let planned = self.ledger().commit(offboarding, Event::Planned(Plan { rides, ..plan }), self.now()).await?;
        drop(turn);
        if rides {
            self.have_the_end_reserved(&planned.offboarding).await;
        }
        Ok(planned)
    }

    async fn may_share(&self) -> Result<bool, StoreError> {
        Ok(self.ports.capabilities.capabilities().await?.may_offer(Capability::PluralSpaceMembers, self.now()))
    }

    /// Whether the leaver rides with anybody.
    async fn join_others(&self, leaver: &Offboarding, batches: &[RemovalBatch]) -> Result<bool, NotCommitted> {
        let others = self.others_at_work(leaver).await?;
        let open: Vec<&RemovalBatch> = batches.iter().filter(|batch| !batch.counted).collect();
        let wanted = open.iter().flat_map(|batch| &batch.spaces);
        let wanted = wanted.filter(|entry| entry.state == RemovalState::Pending).map(|entry| entry.space_id).collect();
        let drivers = self.find_drivers(&others, wanted).await?;
        let mut rides = false;
        for batch in open {
            let riding = riding(batch, &drivers, self.now());
            if riding == *batch {
                continue;
            }
            for ((id, key), rider) in riders(&riding) {
                self.ports.sharing.ride(id, *key, &rider, self.now() + REMEMBERED).await?;
            }
            rides |= !riding.drivers.is_empty();
            self.ports.removals.replace_batch(&riding).await?;
            self.part_from_who_was_faster(&riding).await?;
        }
        Ok(rides)
    }

    /// Others of the same organization who are leaving their spaces, the oldest first.
    async fn others_at_work(&self, leaver: &Offboarding) -> Result<Vec<Offboarding>, StoreError> {
        let user = |offboarding: &Offboarding| offboarding.leaver.as_ref().map(|leaver| leaver.user_id);
        let mut others = self.ports.offboardings.active(AT_WORK).await?;
        others.retain(|other| {
            let elsewhere = other.org_id != leaver.org_id || other.state != State::Removing;
            !elsewhere && other.id != leaver.id && user(other) != user(leaver)
        });
        others.truncate(COMPARED);
        Ok(others)
    }

    async fn find_drivers(
        &self,
        others: &[Offboarding],
        mut wanted: BTreeSet<SpaceId>,
    ) -> Result<BTreeMap<SpaceId, Driver>, StoreError> {
        let mut drivers = BTreeMap::new();
        for other in others {
            let Some(plan) = other.plan.filter(|_| !wanted.is_empty()) else { continue };
            for batch in other.split(self.ports.offboardings.batches(&other.id, plan).await?).0 {
                for entry in &batch.spaces {
                    let expected = batch.expected_at(entry.space_id).filter(|_| wanted.remove(&entry.space_id));
                    drivers.extend(expected.map(|expected_at| {
                        (entry.space_id, Driver { batch: (other.id.clone(), batch.key), expected_at })
                    }));
                }
            }
        }
        Ok(drivers)
    }

    /// A driver who has left a space before this rider was put down did not take the rider along. One who leaves it from
    /// now on sees the rider, on the way or right after it.
    async fn part_from_who_was_faster(&self, batch: &RemovalBatch) -> Result<(), StoreError> {
        let mut alone = Vec::new();
        for ((id, key), rider) in riders(batch) {
            let driver = self.ports.removals.batch(id, *key).await?;
            let drives = |space: &SpaceId| driver.as_ref().is_some_and(|driver| driver.expected_at(*space).is_some());
            alone.extend(rider.spaces.into_iter().filter(|space| !drives(space)));
        }
        if !alone.is_empty() {
            self.ports.sharing.dismount(&batch.offboarding, batch.key, &alone, self.now()).await?;
        }
        Ok(())
    }
}

/// The batch with its spaces given to their drivers. What an earlier run of the plan had given away is decided anew.
fn riding(batch: &RemovalBatch, drivers: &BTreeMap<SpaceId, Driver>, now: Timestamp) -> RemovalBatch {
    let mut riding = RemovalBatch { drivers: Vec::new(), ..batch.clone() };
    let mut until = now;
    let mut all = true;
    for entry in riding.spaces.iter_mut().filter(|entry| entry.state == RemovalState::Pending) {
        entry.ride = None;
        let Some(driver) = drivers.get(&entry.space_id) else {
            all = false;
            continue;
        };
        let known = riding.drivers.iter().position(|known| *known == driver.batch);
        let place = known.unwrap_or(riding.drivers.len());
        if known.is_none() {
            riding.drivers.push(driver.batch.clone());
        }
        entry.ride = Some(Ride { driver: place, shared: false });
        until = until.max(driver.expected_at);
    }
    if !riding.drivers.is_empty() {
        // A job of its own may be lost at once, and somebody else's may be a long way off.
        riding.due_at = Some(if all { until } else { now });
    }
    riding
}

/// The rider that each driver of the batch gets.
fn riders(batch: &RemovalBatch) -> impl Iterator<Item = (&(OffboardingId, BatchKey), Rider)> {
    batch.drivers.iter().enumerate().map(|(place, driver)| {
        let spaces = batch.spaces.iter().filter(|entry| entry.ride.is_some_and(|ride| ride.driver == place));
        let spaces = spaces.map(|entry| entry.space_id).collect();
        (driver, Rider { offboarding: batch.offboarding.clone(), key: batch.key, spaces })
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use podio_lifecycle::removal::SpaceRemoval;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn driver(number: u32, expected: i64) -> Driver {
        let id = OffboardingId::new(at(0), [9; 10]);
        Driver { batch: (id, BatchKey { plan: 1, number }), expected_at: at(expected) }
    }

    #[test]
    fn a_batch_rides_with_as_few_drivers_as_there_are_and_is_watched_from_the_last_of_their_calls() {
        let id = OffboardingId::new(at(0), [1; 10]);
        let spaces = (1..=3).map(|n| SpaceRemoval::new(SpaceId(n), None, RemovalState::Pending)).collect();
        let batch = RemovalBatch::cut(&id, 4, spaces, Some(at(10))).remove(0);
        let all: BTreeMap<_, _> =
            [(SpaceId(1), driver(0, 300)), (SpaceId(2), driver(1, 200)), (SpaceId(3), driver(0, 250))].into();

        let rides = riding(&batch, &all, at(20));
        assert_eq!(rides.drivers.len(), 2);
        assert_eq!((rides.due_at, rides.jobs(at(20)).len()), (Some(at(300)), 0));
        let spaces: Vec<_> = riders(&rides).map(|(_, rider)| rider.spaces).collect();
        assert_eq!(spaces, [vec![SpaceId(1), SpaceId(3)], vec![SpaceId(2)]]);

        let one = [(SpaceId(2), driver(1, 200))].into();
        let again = riding(&rides, &one, at(20) + SignedDuration::from_secs(1));
        assert_eq!((again.drivers.len(), again.jobs(at(20)).len()), (1, 2), "decided anew");
        assert_eq!(again.due_at, Some(at(21)), "its own jobs may be lost at once");
        let nobody = riding(&again, &BTreeMap::new(), at(22));
        assert_eq!((nobody.drivers.len(), nobody.jobs(at(22)).len()), (0, 3));
        assert_eq!(riding(&batch, &BTreeMap::new(), at(22)), batch, "and nothing to write where nobody is");
    }
}
