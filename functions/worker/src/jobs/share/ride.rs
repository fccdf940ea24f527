//! The job of a leaver who rides. It comes where the sweep has seen no sign of life, or to prove that a shared call meant
//! what it said.

use jiff::SignedDuration;
use podio_client::{Error, NotFoundKind, space_member};
use podio_lifecycle::{capability::Capability, ids::OffboardingId, job::BatchKey, quota::Lane, sharing::awaited};

use super::Passenger;
use crate::{Worker, caller::Caller, jobs::SpaceTask, verdict::Halt};

/// What becomes of a rider whose job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jobs) enum Seat {
    /// Nothing to do, now or ever: the driver comes, or Podio has removed the rider already.
    Kept,
    /// The rider leaves the space alone.
    Given,
}

impl Worker {
    /// Looks whether the rider's driver is still to come, has been and taken the rider along, or never comes.
    pub(in crate::jobs) async fn keep_seat(&self, task: &SpaceTask, caller: &mut Caller<'_>) -> Result<Seat, Halt> {
        let (id, space, now) = (&task.offboarding.id, task.entry.space_id, self.now());
        let awaited = awaited(&*self.ports.offboardings, &*self.ports.removals, &task.batch, now).await?;
        if awaited.contains_key(&space) {
            let last = awaited.into_values().fold(task.batch.quiet_until(now), jiff::Timestamp::max);
            self.ports.removals.stamp(id, task.key, &[], Some(last)).await?;
            return Ok(Seat::Kept);
        }
        let shared = task.entry.ride.is_some_and(|ride| ride.shared);
        if let Some(driver) = task.batch.driver(space).filter(|_| shared)
            && self.prove(task, driver, caller).await? == Seat::Kept
        {
            return Ok(Seat::Kept);
        }
        self.ports.sharing.dismount(id, task.key, &[space], now).await?;
        Ok(Seat::Given)
    }

    /// Podio has taken a call that named the rider among others. Whether it removed more than the first is seen once, and
    /// believed from then on.
    async fn prove(
        &self,
        task: &SpaceTask,
        driver: &(OffboardingId, BatchKey),
        caller: &mut Caller<'_>,
    ) -> Result<Seat, Halt> {
        let space = task.entry.space_id;
        let _turn = self.turns.proving.lock().await;
        let mut party = self.passengers(driver, space).await?;
        party.retain(|passenger| passenger.in_force && passenger.entry.ride.is_some_and(|ride| ride.shared));
        let mut known = caller.capabilities().await?;
        if known.may_offer(Capability::PluralSpaceMembers, self.now())
            && !known.is_proven(Capability::PluralSpaceMembers)
        {
            if let Some(until) = self.witness_waits(task, &party) {
                self.ports.removals.stamp(&task.offboarding.id, task.key, &[], Some(until)).await?;
                return Ok(Seat::Kept);
            }
            if self.is_out(task, caller).await? {
                tracing::info!("Podio removes several from a space at once");
                known = caller.capabilities().await?;
                known.proven(Capability::PluralSpaceMembers, self.now());
                self.ports.capabilities.learned(&known).await?;
            } else {
                caller.learn_missing(Capability::PluralSpaceMembers).await?;
                known = caller.capabilities().await?;
            }
        }
        if known.is_proven(Capability::PluralSpaceMembers) {
            self.settle_all(&party, space).await?;
            return Ok(Seat::Kept);
        }
        let others = party.iter().filter(|other| other.id != task.offboarding.id);
        self.let_off(others, space, SignedDuration::ZERO).await?;
        Ok(Seat::Given)
    }

    /// Until when another one of the party, who was asked first to prove it, waits for a slot.
    fn witness_waits(&self, task: &SpaceTask, party: &[Passenger]) -> Option<jiff::Timestamp> {
        let witness = party.first().filter(|witness| witness.id != task.offboarding.id)?;
        witness.entry.slot.map(|slot| slot.0).filter(|slot| *slot > self.now())
    }

    /// Whether the rider is seen to be out of the space. Where Podio does not let anybody see, sharing calls is not worth
    /// another try with each space.
    async fn is_out(&self, task: &SpaceTask, caller: &mut Caller<'_>) -> Result<bool, Halt> {
        let Some(leaver) = &task.offboarding.leaver else { return Ok(false) };
        // The whole party waits for it.
        caller.in_lane(Lane::Interactive);
        match caller.call(&space_member::get(task.entry.space_id, leaver.user_id)).await? {
            Ok(member) => Ok(!member.is_current()),
            Err(Error::NotFound(NotFoundKind::Object) | Error::Gone) => Ok(true),
            Err(Error::NotFound(NotFoundKind::Route) | Error::Forbidden { .. } | Error::Invalid { .. }) => Ok(false),
            Err(error) => Err(Halt::of(&error, "the look-up of a membership")),
        }
    }
}
