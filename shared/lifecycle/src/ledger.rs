//! Writing down what happened: load, apply, save on condition, then perform the effects.
//!
//! Every function changes an offboarding through here, so that none of them can skip a transition or forget an effect.

use jiff::Timestamp;

use crate::{
    actor::Actor,
    effects::Outlets,
    evidence,
    ids::OffboardingId,
    job::Job,
    offboarding::{Change, Effect, Event, Failure, Offboarding, Refusal, State},
    ports::{ReadCalls, SaveError, StoreError, WriteOffboardings},
    removal::{RemovalBatch, RemovalState},
};

/// Attempts at a change that others keep overtaking.
const CONTENDED: usize = 12;

/// A change that was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCommitted {
    /// There is no such offboarding.
    #[error("there is no such offboarding")]
    Unknown,
    /// The event has no place in the present state.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody else wrote first.
    #[error("somebody else has written since")]
    Conflict,
    /// The person is being off-boarded by another one.
    #[error("another offboarding of this person is under way")]
    PersonTaken(OffboardingId),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This function holds no key to seal evidence with.
    #[error("this function cannot complete an offboarding")]
    CannotSeal,
}

impl From<SaveError> for NotCommitted {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Conflict => Self::Conflict,
            SaveError::PersonTaken(other) => Self::PersonTaken(other),
            SaveError::Store(error) => Self::Store(error),
        }
    }
}

/// What it takes to complete an offboarding.
pub struct Sealer<'a> {
    /// The calls that the record lists.
    pub calls: &'a dyn ReadCalls,
    /// The key that signs it.
    pub key: &'a [u8],
}

/// What it takes to change an offboarding.
pub struct Ledger<'a> {
    /// To store the change.
    pub offboardings: &'a dyn WriteOffboardings,
    /// To read, and to perform the effects.
    pub outlets: Outlets<'a>,
    /// To seal evidence; only the worker can.
    pub sealer: Option<Sealer<'a>>,
}

/// A change that was made.
#[derive(Debug)]
pub struct Committed {
    /// The offboarding as it is stored now.
    pub offboarding: Offboarding,
    /// Why an effect could not be performed, if so. The sweep will do it.
    pub left_to_sweep: Option<String>,
}

impl Ledger<'_> {
    /// Applies `event` to `offboarding` as it was read, and stores the result if nobody wrote in between.
    pub async fn commit(
        &self,
        offboarding: &Offboarding,
        event: Event,
        now: Timestamp,
    ) -> Result<Committed, NotCommitted> {
        let change = offboarding.apply(event, now)?;
        self.store(offboarding, change, None, now).await
    }

    /// Applies `event` to the offboarding of that id, as often as others overtake.
    pub async fn commit_anyhow(
        &self,
        id: &OffboardingId,
        event: &Event,
        now: Timestamp,
    ) -> Result<Committed, NotCommitted> {
        self.commit_checked(id, now, |offboarding| Ok(offboarding.apply(event.clone(), now)?)).await
    }

    /// Applies `event`, which `actor` has caused, to the offboarding of that id, as often as others overtake.
    pub async fn commit_by(
        &self,
        actor: &Actor,
        id: &OffboardingId,
        event: &Event,
        now: Timestamp,
    ) -> Result<Committed, NotCommitted> {
        self.commit_checked(id, now, |offboarding| Ok(offboarding.apply_by(actor, event.clone(), now)?)).await
    }

    /// Stores what `decide` makes of the offboarding of that id, as often as others overtake. A check that is part of
    /// `decide` holds for exactly what is changed.
    pub async fn commit_checked<E: From<NotCommitted>>(
        &self,
        id: &OffboardingId,
        now: Timestamp,
        decide: impl Fn(&Offboarding) -> Result<Change, E> + Send + Sync,
    ) -> Result<Committed, E> {
        for _ in 0..CONTENDED {
            let found = self.outlets.offboardings.load(id).await.map_err(NotCommitted::Store)?;
            let offboarding = found.ok_or(NotCommitted::Unknown)?;
            let change = decide(&offboarding)?;
            match self.store(&offboarding, change, None, now).await {
                Err(NotCommitted::Conflict) => {}
                result => return result.map_err(E::from),
            }
        }
        Err(NotCommitted::Conflict.into())
    }

    /// Counts a batch whose spaces are all settled into its offboarding, once.
    pub async fn count(&self, batch: &RemovalBatch, now: Timestamp) -> Result<(), NotCommitted> {
        let id = &batch.offboarding;
        for _ in 0..CONTENDED {
            let current = self.outlets.removals.batch(id, batch.key).await?;
            if current.is_none_or(|current| current.counted || !current.is_settled()) {
                return Ok(());
            }
            let offboarding = self.outlets.offboardings.load(id).await?.ok_or(NotCommitted::Unknown)?;
            if !offboarding.owns(batch.key) {
                return Ok(());
            }
            let change = match offboarding.apply(Event::BatchCounted(batch.tally()), now) {
                Ok(change) => change,
                // Not removing (any more): the spaces do not matter.
                Err(_) => return Ok(()),
            };
            match self.store(&offboarding, change, Some(batch), now).await {
                Err(NotCommitted::Conflict) => {}
                other => return other.map(|_| ()),
            }
        }
        Err(NotCommitted::Conflict)
    }

    /// Fails the offboarding that a job belongs to, if the job still has anything to do: what a stray or late message
    /// ran into is no failure, and a job that is part of no offboarding fails none. True if it failed now.
    pub async fn fail(&self, job: &Job, failure: &Failure, now: Timestamp) -> Result<bool, NotCommitted> {
        let Some(id) = job.offboarding() else { return Ok(false) };
        for _ in 0..CONTENDED {
            let Some(offboarding) = self.outlets.offboardings.load(id).await? else { return Ok(false) };
            if !self.is_needed(job, &offboarding).await? {
                return Ok(false);
            }
            match self.commit(&offboarding, Event::Failed(failure.clone()), now).await {
                Err(NotCommitted::Conflict) => {}
                Err(NotCommitted::Refused(_)) => return Ok(false),
                other => return other.map(|_| true),
            }
        }
        Err(NotCommitted::Conflict)
    }

    async fn is_needed(&self, job: &Job, offboarding: &Offboarding) -> Result<bool, StoreError> {
        let Job::RemoveFromSpace { batch: key, space, .. } = job else {
            return Ok(offboarding.stage_job().as_ref() == Some(job));
        };
        if !offboarding.owns(*key) {
            return Ok(false);
        }
        let batch = self.outlets.removals.batch(&offboarding.id, *key).await?;
        let entry = batch.as_ref().and_then(|batch| batch.space(*space));
        Ok(entry.is_some_and(|entry| entry.state == RemovalState::Pending))
    }

    async fn store(
        &self,
        before: &Offboarding,
        change: Change,
        counted: Option<&RemovalBatch>,
        now: Timestamp,
    ) -> Result<Committed, NotCommitted> {
        let Change { mut offboarding, person, effects } = change;
        let completes = matches!(offboarding.state, State::Completed { .. });
        if completes && offboarding.state != before.state {
            self.conclude(&mut offboarding, effects.contains(&Effect::Seal), now).await?;
        }
        offboarding.revision = before.revision + 1;
        let batches = self.outlets.prepare(&effects, &offboarding, now).await?;
        self.offboardings.save(before.revision, &offboarding, person, counted.map(|batch| batch.key)).await?;
        let performed = self.outlets.perform(&effects, &batches, now).await;
        Ok(Committed { offboarding, left_to_sweep: performed.err().map(|error| error.to_string()) })
    }

    /// Counts the calls and seals the evidence, as the last things before an offboarding is over.
    async fn conclude(&self, offboarding: &mut Offboarding, seal: bool, now: Timestamp) -> Result<(), NotCommitted> {
        let sealer = self.sealer.as_ref().ok_or(NotCommitted::CannotSeal)?;
        let mut calls = sealer.calls.calls(&offboarding.id).await?;
        calls.retain(|call| call.answered_at <= now);
        offboarding.calls = Some(u32::try_from(calls.len()).unwrap_or(u32::MAX));
        if seal {
            let batches = match offboarding.plan {
                Some(plan) => self.outlets.offboardings.batches(&offboarding.id, plan).await?,
                None => Vec::new(),
            };
            let (batches, _) = offboarding.split(batches);
            let chain = evidence::chain(offboarding, &batches, &calls);
            offboarding.seal = Some(evidence::seal(&chain, sealer.key, now));
        }
        Ok(())
    }
}
