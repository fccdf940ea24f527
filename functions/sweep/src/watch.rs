//! Sending again what was lost.
//!
//! Whatever is at work says until when nothing is to be expected of it. What has shown no sign of life for some time after
//! that has lost its message, or its worker; its jobs are sent again. Should the message turn up after all, the second
//! run finds nothing left to do.

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    ids::OffboardingId,
    job::{BatchKey, Job},
    ledger::NotCommitted,
    offboarding::{DueKind, Event, Offboarding, Stage, State},
    ports::{DueItem, QueueError, StoreError},
    removal::RemovalBatch,
};

use crate::{ROUND, ROUNDS, Sweep, Swept};

/// When to look again at a batch that waits for a person's decision to retry.
const FAILED_LOOK: SignedDuration = SignedDuration::from_hours(1);

/// Why an item is left for the next sweep.
#[derive(Debug, thiserror::Error)]
enum Postponed {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Commit(#[from] NotCommitted),
}

impl Sweep {
    pub(crate) async fn watch(&self, swept: &mut Swept) -> Result<(), StoreError> {
        for _ in 0..ROUNDS {
            let now = self.now();
            let due = self.ports.due.due(DueKind::Watch, now - self.patience, ROUND).await?;
            let postponed = swept.postponed;
            for item in &due {
                let result = match item {
                    DueItem::Offboarding(id) => self.resend(id, now, swept).await,
                    DueItem::Batch(id, key) => self.look_at(id, *key, now, swept).await,
                };
                if let Err(error) = result {
                    tracing::warn!(?item, %error, "left for the next sweep");
                    swept.postponed += 1;
                }
            }
            if due.len() < ROUND || swept.postponed > postponed {
                break;
            }
        }
        Ok(())
    }

    /// The single job of a stage.
    async fn resend(&self, id: &OffboardingId, now: Timestamp, swept: &mut Swept) -> Result<(), Postponed> {
        match self.ledger().commit_anyhow(id, &Event::Resent, now).await {
            Ok(committed) => {
                tracing::warn!(offboarding = %id, state = committed.offboarding.state.name(), "job sent again");
                swept.resent += 1;
                Ok(())
            }
            // It has moved on since the index was read.
            Err(NotCommitted::Refused(_) | NotCommitted::Unknown) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn look_at(
        &self,
        id: &OffboardingId,
        key: BatchKey,
        now: Timestamp,
        swept: &mut Swept,
    ) -> Result<(), Postponed> {
        let Some(batch) = self.ports.removals.batch(id, key).await? else { return Ok(()) };
        let offboarding = self.ports.offboardings.load(id).await?;
        let Some(offboarding) = offboarding.filter(|offboarding| offboarding.plan == Some(key.plan)) else {
            // Left behind by a planning attempt that another one has replaced.
            self.ports.removals.discard_batch(id, key).await?;
            swept.retired += 1;
            return Ok(());
        };
        match next_step(&offboarding, &batch) {
            Step::Count => {
                self.ledger().count(&batch, now).await?;
                swept.counted += 1;
            }
            Step::Resend => {
                self.ports.removals.stamp(id, key, &[], Some(now)).await?;
                let jobs: Vec<(Job, SignedDuration)> =
                    batch.jobs().into_iter().map(|job| (job, SignedDuration::ZERO)).collect();
                self.ports.jobs.send(&jobs).await?;
                tracing::warn!(offboarding = %id, jobs = jobs.len(), "jobs of a batch sent again");
                swept.resent += 1;
            }
            Step::LookLater(pause) => self.ports.removals.stamp(id, key, &[], Some(now + pause)).await?,
            Step::Retire => {
                self.ports.removals.stamp(id, key, &[], None).await?;
                swept.retired += 1;
            }
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// All settled, but its worker died before it was counted.
    Count,
    /// Messages were lost.
    Resend,
    /// Not now.
    LookLater(SignedDuration),
    /// Never again, unless somebody sends its jobs anew.
    Retire,
}

fn next_step(offboarding: &Offboarding, batch: &RemovalBatch) -> Step {
    let at_work = offboarding.may_leave_spaces();
    match &offboarding.state {
        _ if batch.counted => Step::Retire,
        _ if at_work && batch.is_settled() => Step::Count,
        State::Removing => Step::Resend,
        State::Failed { resume: Stage::Removing, .. } => Step::LookLater(FAILED_LOOK),
        // The plan is not complete; its worker, or the sweep on its behalf, is at it.
        State::Planning => Step::LookLater(SignedDuration::ZERO),
        _ => Step::Retire,
    }
}
