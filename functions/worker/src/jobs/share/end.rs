//! The end of an offboarding some of whose spaces are left by the calls of others.
//!
//! Who leaves all spaces alone has the end reserved with the slot of the last one. Who rides has no such slot, or not the
//! last; so a job of its own looks when the last of all these calls goes out, as soon as that is known, and has the end
//! reserved behind it. Nothing depends on it but what others are told: without it the end asks for slots when it comes.

use jiff::SignedDuration;
use podio_lifecycle::{
    capability::Capability,
    ids::{OffboardingId, SpaceId},
    job::{BatchKey, Job},
    offboarding::Offboarding,
    ports::StoreError,
    quota::Slot,
    removal::{RemovalBatch, RemovalState, SpaceRemoval},
    sharing::awaited,
};

use crate::{Worker, roster::CROWD, verdict::Halt};

/// How long the jobs of spaces take to find their slots, most likely.
const SOON: SignedDuration = SignedDuration::from_secs(10);
/// After this fraction of a window the end is left to itself.
const PATIENCE: i32 = 6;
/// The preview, the removal and the read-back that end an offboarding.
pub(crate) const END: usize = 3;

/// The end of an offboarding, as far as it can be foreseen.
pub(crate) struct EndTask {
    pub offboarding: Offboarding,
    /// The slots of the calls that take the leaver out of the spaces; none while some have none.
    pub exits: Option<Vec<Slot>>,
    /// Whether many are served by the last of these calls, as far as that is known.
    pub crowd: bool,
}

/// A call that takes a leaver out of a space, and whose it is, if not their own.
type Exit = (Slot, SpaceId, Option<(OffboardingId, BatchKey)>);

impl EndTask {
    /// The calls of the end, and the slots that it comes after, once they are known.
    pub(crate) fn end(&self) -> Option<(usize, Vec<Slot>)> {
        let calls = if self.in_a_crowd() { END - 1 } else { END };
        self.exits.as_ref().map(|exits| (calls, exits.clone()))
    }

    /// Whether the leaver is read back together with others.
    pub(crate) fn in_a_crowd(&self) -> bool {
        self.crowd && self.offboarding.is_read_back_with_others()
    }
}

impl Worker {
    /// Sends the job that reserves the end of a leaver who rides.
    pub(in crate::jobs) async fn have_the_end_reserved(&self, leaver: &Offboarding) {
        let job = Job::ReserveEnd { offboarding: leaver.id.clone() };
        self.send_or_leave_to_sweep(&[(job, SOON)]).await;
    }

    /// Looks by which calls the leaver gets out of the spaces, and who else does.
    pub(crate) async fn foresee(&self, task: &mut EndTask) {
        if let Err(error) = self.look_ahead(task).await {
            tracing::warn!(%error, "the end cannot be foreseen yet");
        }
    }

    async fn look_ahead(&self, task: &mut EndTask) -> Result<(), StoreError> {
        let leaver = &task.offboarding;
        let Some(plan) = leaver.plan else { return Ok(()) };
        let (mut own, _) = leaver.split(self.ports.offboardings.batches(&leaver.id, plan).await?);
        own.retain(|batch| !batch.counted);
        // Until Podio is known to remove several at once, each rider may have to leave alone, long after the driver.
        let known = self.ports.capabilities.capabilities().await?;
        let mut exits: Option<Vec<Exit>> = known.is_proven(Capability::PluralSpaceMembers).then(Vec::new);
        for batch in &own {
            exits = exits.zip(self.exits_of(batch).await?).map(|(known, more)| [known, more].concat());
        }
        let configured = self.policy.ceiling;
        let moment = |(slot, ..): &&Exit| self.with_known_quota(|known| known.removal_at(*slot, configured));
        let last = exits.as_ref().and_then(|exits| exits.iter().max_by_key(moment));
        let driver = last.and_then(|(_, space, driver)| Some((*space, driver.as_ref()?)));
        task.crowd = self.is_crowded(driver).await?;
        task.exits = exits.map(|exits| exits.into_iter().map(|(slot, ..)| slot).collect());
        Ok(())
    }

    /// Whether somebody who is through may be one of many who are: whether many had a space left by the same call.
    pub(crate) async fn was_in_a_crowd(&self, leaver: &Offboarding) -> Result<bool, StoreError> {
        let Some(plan) = leaver.plan else { return Ok(false) };
        let batches = self.ports.offboardings.batches(&leaver.id, plan).await?;
        self.is_crowded(batches.iter().flat_map(rides)).await
    }

    /// Whether many leave one of these spaces by the call of its driver.
    async fn is_crowded<'a>(
        &self,
        drivers: impl IntoIterator<Item = (SpaceId, &'a (OffboardingId, BatchKey))>,
    ) -> Result<bool, StoreError> {
        for (space, (id, key)) in drivers {
            let riders = self.ports.sharing.riders(id, *key).await?;
            if riders.iter().filter(|rider| rider.spaces.contains(&space)).count() >= CROWD {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The calls by which the spaces of a batch are left that still are to be; none unless it is known of all when.
    async fn exits_of(&self, batch: &RemovalBatch) -> Result<Option<Vec<Exit>>, StoreError> {
        let awaited = awaited(&*self.ports.offboardings, &*self.ports.removals, batch, self.now()).await?;
        let pending = batch.spaces.iter().filter(|space| space.state == RemovalState::Pending);
        let exits = pending.map(|space| {
            let id = space.space_id;
            let ride = || awaited.get(&id).map(|at| (Slot(*at), id, batch.driver(id).cloned()));
            space.slot.map(|slot| (slot, id, None)).or_else(ride)
        });
        Ok(exits.collect())
    }

    /// Comes back, less and less often, while it is not known yet when the end comes. What was known is reserved already.
    pub(crate) fn await_the_end(&self, task: &EndTask) -> Result<(), Halt> {
        let now = self.now();
        let waited = task.offboarding.history.last().map(|passage| now.duration_since(passage.at));
        match waited.filter(|waited| task.exits.is_none() && *waited < self.policy.ceiling.window() / PATIENCE) {
            Some(waited) => Err(Halt::Pause(now + waited.max(SOON))),
            None => Ok(()),
        }
    }
}

/// A space for each driver of a batch, and who that is.
fn rides(batch: &RemovalBatch) -> impl Iterator<Item = (SpaceId, &(OffboardingId, BatchKey))> {
    batch.drivers.iter().enumerate().filter_map(|(place, driver)| {
        let rides = |space: &&SpaceRemoval| space.ride.is_some_and(|ride| ride.driver == place);
        batch.spaces.iter().find(rides).map(|space| (space.space_id, driver))
    })
}
