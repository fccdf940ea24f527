//! The driver: one call for the leaver and for everybody who rides.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use podio_client::{Error, NotFoundKind, space_member};
use podio_lifecycle::{
    capability::Capability,
    ids::UserId,
    ports::StoreError,
    removal::{GATHER, RemovalState},
    sharing::LARGEST_PARTY,
};

use super::Passenger;
use crate::{Worker, caller::Caller, jobs::SpaceTask, verdict::Halt};

/// Failures of the shared call, in a minute or two, after which each leaves alone: it may be that Podio fails at the list of
/// ids and at nothing else.
const PARTY_PATIENCE: u32 = 6;

/// How the driver's space was left.
#[derive(Default)]
pub(in crate::jobs) struct Party {
    /// Whether it was, together with the passengers.
    pub together: bool,
    passengers: Vec<Passenger>,
    /// Whether it is still to be proven that the call removed the passengers too.
    unproven: bool,
    /// Whether Podio has just failed at the call once too often, and never yet done what it asks for.
    doubtful: bool,
}

impl Worker {
    /// Leaves the space by one call together with everybody who rides. Where nobody does, or Podio does not like it,
    /// nothing is said about anybody, and each leaves alone.
    pub(in crate::jobs) async fn leave_together(
        &self,
        task: &SpaceTask,
        user: UserId,
        caller: &mut Caller<'_>,
    ) -> Result<Party, Halt> {
        let space = task.entry.space_id;
        let mut seen = BTreeSet::from([user]);
        let mut passengers = self.passengers(&task.name(), space).await?;
        // Who was cancelled, or is not that far yet, is not touched.
        passengers.retain(|passenger| passenger.in_force && seen.insert(passenger.user));
        passengers.truncate(LARGEST_PARTY - 1);
        if passengers.is_empty() {
            return Ok(Party::default());
        }
        let known = caller.capabilities().await?;
        if !known.may_offer(Capability::PluralSpaceMembers, self.now()) {
            self.let_off(&passengers, space, SignedDuration::ZERO).await?;
            return Ok(Party::default());
        }
        let users: Vec<UserId> = passengers.iter().map(|passenger| passenger.user).collect();
        caller.also_for(passengers.iter().map(|passenger| passenger.id.clone()).collect());
        let answer = caller.call(&task.in_time(space_member::remove_many(space, user, &users))).await;
        caller.also_for(Vec::new());
        let unproven = !known.is_proven(Capability::PluralSpaceMembers);
        let doubtful = match answer? {
            Ok(()) => {
                if unproven {
                    for passenger in &passengers {
                        self.ports.sharing.mark_shared(&passenger.id, passenger.key, space).await?;
                    }
                } else {
                    self.settle_all(&passengers, space).await?;
                }
                return Ok(Party { together: true, passengers, unproven, doubtful: false });
            }
            Err(Error::NotFound(NotFoundKind::Route) | Error::Invalid { status: 400, .. }) => {
                caller.learn_missing(Capability::PluralSpaceMembers).await?;
                false
            }
            // One of them is not a member, or may not be removed, and Podio does not say who.
            Err(
                Error::NotFound(NotFoundKind::Object) | Error::Gone | Error::Forbidden { .. } | Error::Invalid { .. },
            ) => false,
            Err(error) => match Halt::of(&error, "the removal of several from a space") {
                Halt::Fault if task.entry.attempts + 1 >= PARTY_PATIENCE => unproven,
                halt => return Err(halt),
            },
        };
        self.still_to_leave(task).await?;
        self.let_off(&passengers, space, SignedDuration::ZERO).await?;
        Ok(Party { doubtful, ..Party::default() })
    }

    /// A refusal may only mean that a duplicate of this job was faster.
    async fn still_to_leave(&self, task: &SpaceTask) -> Result<(), Halt> {
        let batch = self.ports.removals.batch(&task.offboarding.id, task.key).await?;
        let entry = batch.as_ref().and_then(|batch| batch.space(task.entry.space_id));
        let pending = entry.is_some_and(|entry| entry.state == RemovalState::Pending);
        if pending { Ok(()) } else { Err(Halt::Overtaken) }
    }

    /// Once the driver's space is settled by their own call: a Podio that failed at the list of ids a moment ago is up, and
    /// so does not take any.
    pub(in crate::jobs) async fn learn_from(&self, party: &Party, caller: &Caller<'_>) {
        if party.doubtful && caller.learn_missing(Capability::PluralSpaceMembers).await.is_err() {
            tracing::warn!("it is not remembered that Podio fails at lists of ids");
        }
    }

    /// Once the driver's space is settled: has it proven that the passengers are out too, and sends those on their way
    /// who came too late for the call. What cannot be done now is found by the sweep.
    pub(in crate::jobs) async fn see_to_riders(&self, task: &SpaceTask, party: &Party) {
        let space = task.entry.space_id;
        if party.unproven
            && let Some(Passenger { id, key, .. }) = party.passengers.first()
        {
            let job = podio_lifecycle::job::Job::RemoveFromSpace { offboarding: id.clone(), batch: *key, space };
            self.send_or_leave_to_sweep(&[(job, SignedDuration::ZERO)]).await;
        }
        if let Err(error) = self.send_latecomers(task, party).await {
            tracing::warn!(%error, "riders are left to the sweep");
        }
    }

    async fn send_latecomers(&self, task: &SpaceTask, party: &Party) -> Result<(), StoreError> {
        let space = task.entry.space_id;
        let mut late = self.passengers(&task.name(), space).await?;
        late.retain(|late| !party.passengers.iter().any(|named| named.id == late.id && named.key == late.key));
        // A plan that is not stored yet is so by then.
        self.let_off(&late, space, GATHER).await
    }
}
