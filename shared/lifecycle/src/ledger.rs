//! Writing down what happened: load, apply, save on condition.
//!
//! Every function changes an offboarding through here, so that none of them can skip a transition. What is to be called
//! next is part of the record, so nothing need be sent for it to happen; a word to the worker only makes it happen sooner.

use jiff::{SignedDuration, Timestamp};

use crate::{
    actor::Actor,
    evidence::{SigningKey, record::Facts},
    ids::OffboardingId,
    offboarding::{Change, Event, Offboarding, PersonClaim, Refusal, State},
    ports::{KeepEvidence, ReadOffboardings, SaveError, StoreError, WriteOffboardings},
    removal::SpaceRemoval,
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
    /// To read.
    pub read: &'a dyn ReadOffboardings,
    /// To store the change.
    pub write: &'a dyn WriteOffboardings,
    /// To seal evidence; only the worker can.
    pub sealer: Option<Sealer<'a>>,
}

impl Ledger<'_> {
    /// Applies `event` to `offboarding` as it was read, and stores the result if nobody wrote in between. The offboarding as
    /// it is stored now.
    pub async fn commit(
        &self,
        offboarding: &Offboarding,
        event: Event,
        now: Timestamp,
    ) -> Result<Offboarding, NotCommitted> {
        let change = offboarding.apply(event, now)?;
        self.store(offboarding, change, None, now).await
    }

    /// Applies `event` to the offboarding of that id, as often as others overtake.
    pub async fn commit_anyhow(
        &self,
        id: &OffboardingId,
        event: &Event,
        now: Timestamp,
    ) -> Result<Offboarding, NotCommitted> {
        self.commit_checked(id, now, |offboarding| Ok(offboarding.apply(event.clone(), now)?)).await
    }

    /// Applies `event`, which `actor` has caused, to the offboarding of that id, as often as others overtake.
    pub async fn commit_by(
        &self,
        actor: &Actor,
        id: &OffboardingId,
        event: &Event,
        now: Timestamp,
    ) -> Result<Offboarding, NotCommitted> {
        self.commit_checked(id, now, |offboarding| Ok(offboarding.apply_by(actor, event.clone(), now)?)).await
    }

    /// Stores what `decide` makes of the offboarding of that id, as often as others overtake. A check that is part of
    /// `decide` holds for exactly what is changed.
    pub async fn commit_checked<E: From<NotCommitted>>(
        &self,
        id: &OffboardingId,
        now: Timestamp,
        decide: impl Fn(&Offboarding) -> Result<Change, E> + Send + Sync,
    ) -> Result<Offboarding, E> {
        for _ in 0..CONTENDED {
            let found = self.read.load(id).await.map_err(NotCommitted::Store)?;
            let offboarding = found.ok_or(NotCommitted::Unknown)?;
            let change = decide(&offboarding)?;
            match self.store(&offboarding, change, None, now).await {
                Err(NotCommitted::Conflict) => {}
                result => return result.map_err(E::from),
            }
        }
        Err(NotCommitted::Conflict.into())
    }

    /// Settles a space and counts it into its offboarding, in one transaction; `None` where it is settled already, or no
    /// part of what is carried out.
    pub async fn settle(
        &self,
        settled: &SpaceRemoval,
        current: impl AsyncFn() -> Result<Option<SpaceRemoval>, StoreError>,
        now: Timestamp,
    ) -> Result<Option<Offboarding>, NotCommitted> {
        for _ in 0..CONTENDED {
            let Some(stored) = current().await?.filter(|stored| !stored.state.is_settled()) else { return Ok(None) };
            let Some(offboarding) = self.read.load(&settled.key.offboarding).await? else { return Ok(None) };
            if !offboarding.state.plan().is_some_and(|plan| plan.owns(&stored)) {
                return Ok(None);
            }
            // Not leaving spaces (any more): this one does not matter.
            let Ok(change) = offboarding.apply(Event::SpaceSettled(settled.state), now) else { return Ok(None) };
            let settled = stored.settled(settled.state, settled.settled_at.unwrap_or(now));
            match self.store(&offboarding, change, Some(&settled), now).await {
                Err(NotCommitted::Conflict) => {}
                other => return other.map(Some),
            }
        }
        Err(NotCommitted::Conflict)
    }

    async fn store(
        &self,
        before: &Offboarding,
        change: Change,
        settled: Option<&SpaceRemoval>,
        now: Timestamp,
    ) -> Result<Offboarding, NotCommitted> {
        let Change { mut offboarding, person } = change;
        offboarding.revision = before.revision + 1;
        let is_completed = |offboarding: &Offboarding| matches!(offboarding.state, State::Completed { .. });
        if is_completed(&offboarding) && !is_completed(before) {
            return self.save_sealed(before.revision, offboarding, person, settled, now).await;
        }
        self.write.save(before.revision, &offboarding, person, settled).await?;
        Ok(offboarding)
    }

    /// Seals the evidence of an offboarding that has failed or was cancelled: whoever decided that, a door perhaps, had no
    /// key. The offboarding as it is stored now.
    pub async fn seal(&self, offboarding: &Offboarding, now: Timestamp) -> Result<Offboarding, NotCommitted> {
        if !offboarding.awaits_seal() {
            return Ok(offboarding.clone());
        }
        let revision = offboarding.revision;
        let next = Offboarding { revision: revision + 1, ..offboarding.clone() };
        self.save_sealed(revision, next, PersonClaim::Keep, None, now).await
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
        settled: Option<&SpaceRemoval>,
        now: Timestamp,
    ) -> Result<Offboarding, NotCommitted> {
        let Sealer { evidence, key, retention } = self.sealer.as_ref().ok_or(NotCommitted::CannotSeal)?;
        let (calls, statement) = evidence.recorded(&offboarding.id).await?;
        let count = u32::try_from(calls.len()).unwrap_or(u32::MAX);
        let spaces = match offboarding.state.plan_number() {
            Some(number) => self.read.spaces(&offboarding.id, number).await?,
            None => Vec::new(),
        };
        let spaces = offboarding.state.own(spaces);
        let mut keys = evidence.keys().await?;
        if !keys.knows(&key.public().kid) {
            evidence.keep_key(key.public()).await?;
            keys.keys.push(key.public().clone());
        }
        for _ in 0..CONTENDED {
            let facts = Facts {
                offboarding: &offboarding,
                spaces: &spaces,
                calls: &calls,
                statement: statement.as_deref(),
                keys: &keys,
            };
            let last = evidence.last_seal().await?;
            let (text, seal) = facts.seal(key, last.as_ref(), *retention, now)?;
            evidence.keep_record(&offboarding.id, &seal, &text).await?;
            offboarding = offboarding.with_seal(count, seal.reference());
            match evidence.save_sealed(expected, &offboarding, person, settled, &seal).await {
                Ok(()) => return Ok(offboarding),
                // Another offboarding has ended meanwhile, and this seal comes behind that one's.
                Err(SaveError::Conflict) if evidence.seal(seal.number).await?.is_some() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(NotCommitted::Conflict)
    }
}
