//! Writing down what happened: load, apply, save on condition.
//!
//! Every function changes an offboarding through here, so that none of them can skip a transition. What is to be called
//! next is part of the record, so nothing need be sent for it to happen; a word to the worker only makes it happen sooner.

use jiff::Timestamp;

use crate::{
    evidence,
    ids::OffboardingId,
    offboarding::{Change, Event, Offboarding, Refusal, State},
    ports::{ReadCalls, ReadOffboardings, SaveError, StoreError, WriteOffboardings},
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

/// What it takes to complete an offboarding.
pub struct Sealer<'a> {
    /// The calls that the record lists.
    pub calls: &'a dyn ReadCalls,
    /// The key that signs it.
    pub key: &'a [u8],
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
        let mut result = Err(NotCommitted::Conflict);
        for _ in 0..CONTENDED {
            let offboarding = self.read.load(id).await?.ok_or(NotCommitted::Unknown)?;
            result = self.commit(&offboarding, event.clone(), now).await;
            if !matches!(result, Err(NotCommitted::Conflict)) {
                break;
            }
        }
        result
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
            if !offboarding.owns(&stored) {
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
        let Change { mut offboarding, person, seal } = change;
        let completes = matches!(offboarding.state, State::Completed { .. });
        if completes && offboarding.state != before.state {
            self.conclude(&mut offboarding, seal, now).await?;
        }
        offboarding.revision = before.revision + 1;
        self.write.save(before.revision, &offboarding, person, settled).await?;
        Ok(offboarding)
    }

    /// Counts the calls and seals the evidence, as the last things before an offboarding is over.
    async fn conclude(&self, offboarding: &mut Offboarding, seal: bool, now: Timestamp) -> Result<(), NotCommitted> {
        let sealer = self.sealer.as_ref().ok_or(NotCommitted::CannotSeal)?;
        let mut calls = sealer.calls.calls(&offboarding.id).await?;
        calls.retain(|call| call.answered_at <= now);
        offboarding.calls = Some(u32::try_from(calls.len()).unwrap_or(u32::MAX));
        if seal {
            let spaces = match offboarding.plan {
                Some(plan) => self.read.spaces(&offboarding.id, plan).await?,
                None => Vec::new(),
            };
            let (spaces, _) = offboarding.split(spaces);
            let chain = evidence::chain(offboarding, &spaces, &calls);
            offboarding.seal = Some(evidence::seal(&chain, sealer.key, now));
        }
        Ok(())
    }
}
