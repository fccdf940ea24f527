//! Writing down what happened: load, apply, save on condition, then perform the effects.
//!
//! Every function changes an offboarding through here, so that none of them can skip a transition or forget an effect.

use jiff::{SignedDuration, Timestamp};

use crate::{
    actor::Actor,
    effects::Outlets,
    evidence::{SigningKey, record::Facts},
    ids::OffboardingId,
    job::{BatchKey, Job},
    offboarding::{Change, Event, Failure, Offboarding, PersonClaim, Refusal, State},
    ports::{KeepEvidence, SaveError, StoreError, WriteOffboardings},
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

/// What it takes to seal the evidence of an offboarding.
pub struct Sealer<'a> {
    /// Where it is kept.
    pub evidence: &'a dyn KeepEvidence,
    /// The key that signs it.
    pub key: &'a SigningKey,
    /// How long it is kept; for good, if nothing is said.
    pub retention: Option<SignedDuration>,
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
        offboarding.revision = before.revision + 1;
        let batches = self.outlets.prepare(&effects, &offboarding, now).await?;
        let counted = counted.map(|batch| batch.key);
        if matches!(offboarding.state, State::Completed { .. }) && offboarding.state != before.state {
            offboarding = self.save_sealed(before.revision, offboarding, person, counted, now).await?;
        } else {
            self.offboardings.save(before.revision, &offboarding, person, counted).await?;
        }
        let performed = self.outlets.perform(&effects, &batches, now).await;
        Ok(Committed { offboarding, left_to_sweep: performed.err().map(|error| error.to_string()) })
    }

    /// Seals the evidence of an offboarding that has failed or was cancelled: whoever decided that, a door perhaps, had no
    /// key. True if it was sealed now.
    pub async fn seal(&self, id: &OffboardingId, now: Timestamp) -> Result<bool, NotCommitted> {
        let Some(offboarding) = self.outlets.offboardings.load(id).await? else { return Ok(false) };
        if !offboarding.awaits_seal() {
            return Ok(false);
        }
        let revision = offboarding.revision;
        let next = Offboarding { revision: revision + 1, ..offboarding };
        self.save_sealed(revision, next, PersonClaim::Keep, None, now).await.map(|_| true)
    }

    /// Makes the record of an offboarding that is over, signs it, and stores the seal and the offboarding in one
    /// transaction: what is called completed has its evidence, and evidence of an end that did not come about is never
    /// signed into the sequence. The text of the record goes first, since it may be too large for a transaction; it is
    /// stored under its hash, so that a worker that dies in between leaves nothing but a text that nobody refers to.
    async fn save_sealed(
        &self,
        expected: u64,
        mut offboarding: Offboarding,
        person: PersonClaim,
        counted: Option<BatchKey>,
        now: Timestamp,
    ) -> Result<Offboarding, NotCommitted> {
        let Sealer { evidence, key, retention } = self.sealer.as_ref().ok_or(NotCommitted::CannotSeal)?;
        let (calls, statement) = evidence.recorded(&offboarding.id).await?;
        offboarding.calls = Some(u32::try_from(calls.len()).unwrap_or(u32::MAX));
        let batches = match offboarding.plan {
            Some(plan) => self.outlets.offboardings.batches(&offboarding.id, plan).await?,
            None => Vec::new(),
        };
        let (batches, _) = offboarding.split(batches);
        let mut keys = evidence.keys().await?;
        if !keys.knows(&key.public().kid) {
            evidence.keep_key(key.public()).await?;
            keys.keys.push(key.public().clone());
        }
        for _ in 0..CONTENDED {
            let facts = Facts {
                offboarding: &offboarding,
                batches: &batches,
                calls: &calls,
                statement: statement.as_deref(),
                keys: &keys,
            };
            let last = evidence.last_seal().await?;
            let (text, seal) = facts.seal(key, last.as_ref(), *retention, now)?;
            evidence.keep_record(&offboarding.id, &seal, &text).await?;
            offboarding = offboarding.with_seal(seal.reference());
            match evidence.save_sealed(expected, &offboarding, person, counted, &seal).await {
                Ok(()) => return Ok(offboarding),
                // Another offboarding has ended meanwhile, and this seal comes behind that one's.
                Err(SaveError::Conflict) if evidence.seal(seal.number).await?.is_some() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(NotCommitted::Conflict)
    }
}
