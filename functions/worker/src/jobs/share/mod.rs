//! Several leavers out of one space by one call.
//!
//! A plan that is about to go on looks whether somebody else waits for the same spaces, and rides with them ([`join`]).
//! The driver's job names its riders in its call ([`drive`]); a rider's own job comes only when something went wrong, or
//! to prove that Podio means what it says ([`ride`]). The end is foreseen by a job of its own ([`end`]). Whatever fails on
//! the way ends in a call for each leaver alone.

mod drive;
mod end;
mod join;
mod ride;

use futures::future::join_all;
use jiff::SignedDuration;
use podio_lifecycle::{
    ids::{OffboardingId, SpaceId, UserId},
    job::{BatchKey, Job},
    ledger::NotCommitted,
    ports::StoreError,
    removal::{RemovalBatch, RemovalState, SpaceRemoval},
    sharing::Rider,
};
use tokio::sync::Mutex;

pub(crate) use self::end::{END, EndTask};
pub(super) use self::ride::Seat;
use crate::{Worker, verdict::Halt};

/// What is done by one job at a time within this process. Another process may do the same at the same moment; that costs
/// a call more, and nothing else.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// Joining others, so that plans that run side by side see each other.
    joining: Mutex<()>,
    /// Proving that Podio takes several at once, so that it is proven once.
    proving: Mutex<()>,
}

/// A leaver who rides, as they stand now.
struct Passenger {
    id: OffboardingId,
    key: BatchKey,
    user: UserId,
    /// The entry of the space in question.
    entry: SpaceRemoval,
    /// Whether the space may be left now.
    in_force: bool,
}

impl Worker {
    /// Who rides with a batch out of a space, and is still in it.
    async fn passengers(
        &self,
        driver: &(OffboardingId, BatchKey),
        space: SpaceId,
    ) -> Result<Vec<Passenger>, StoreError> {
        let riders = self.ports.sharing.riders(&driver.0, driver.1).await?;
        let riders = riders.into_iter().filter(|rider| rider.spaces.contains(&space));
        let passengers = join_all(riders.map(|rider| self.passenger(rider, driver, space))).await;
        passengers.into_iter().filter_map(Result::transpose).collect()
    }

    async fn passenger(
        &self,
        rider: Rider,
        driver: &(OffboardingId, BatchKey),
        space: SpaceId,
    ) -> Result<Option<Passenger>, StoreError> {
        let Rider { offboarding: id, key, .. } = rider;
        let Some(batch) = self.ports.removals.batch(&id, key).await? else { return Ok(None) };
        if batch.driver(space) != Some(driver) {
            return Ok(None);
        }
        let Some(offboarding) = self.ports.offboardings.load(&id).await? else { return Ok(None) };
        let entry = batch.space(space).filter(|entry| entry.state == RemovalState::Pending).cloned();
        let in_force = offboarding.owns(key) && offboarding.may_leave_spaces();
        let user = offboarding.leaver.map(|leaver| leaver.user_id);
        Ok(entry.zip(user).map(|(entry, user)| Passenger { id, key, user, entry, in_force }))
    }

    /// Settles a space for everybody whom Podio removed from it by one call.
    async fn settle_all(&self, passengers: &[Passenger], space: SpaceId) -> Result<(), Halt> {
        let settled = join_all(passengers.iter().map(async |passenger| {
            let removals = &self.ports.removals;
            let settled =
                removals.settle(&passenger.id, passenger.key, space, RemovalState::Removed, self.now()).await?;
            tracing::info!(offboarding = %passenger.id, %space, "space settled by a shared call");
            self.count_settled(&settled.batch).await
        }));
        settled.await.into_iter().collect()
    }

    /// Counts a batch into its offboarding if its last space is settled.
    pub(super) async fn count_settled(&self, batch: &RemovalBatch) -> Result<(), Halt> {
        if !batch.is_settled() || batch.counted {
            return Ok(());
        }
        match self.ledger().count(batch, self.now()).await {
            Ok(()) | Err(NotCommitted::Unknown) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// From here on each of them leaves the space by a call of their own.
    async fn let_off<'a>(
        &self,
        passengers: impl IntoIterator<Item = &'a Passenger>,
        space: SpaceId,
        delay: SignedDuration,
    ) -> Result<(), StoreError> {
        let mut jobs: Vec<(Job, SignedDuration)> = Vec::new();
        for Passenger { id, key, .. } in passengers {
            let batch = self.ports.sharing.dismount(id, *key, &[space], self.now()).await?;
            let pending =
                |batch: &RemovalBatch| batch.space(space).is_some_and(|entry| entry.state == RemovalState::Pending);
            jobs.extend(batch.filter(pending).map(|batch| (batch.job(space), delay)));
        }
        self.send_or_leave_to_sweep(&jobs).await;
        Ok(())
    }

    async fn send_or_leave_to_sweep(&self, jobs: &[(Job, SignedDuration)]) {
        if !jobs.is_empty()
            && let Err(error) = self.ports.jobs.send(jobs).await
        {
            tracing::warn!(%error, "jobs are left to the sweep");
        }
    }
}
