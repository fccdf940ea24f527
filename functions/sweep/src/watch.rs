//! Sending again what was lost.
//!
//! Whatever is at work says until when nothing is to be expected of it. What has shown no sign of life for some time after
//! that has lost its message, or its worker; its jobs are sent again. Should the message turn up after all, the second
//! run finds nothing left to do.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    ids::{OffboardingId, SpaceId},
    job::{BatchKey, Job},
    ledger::NotCommitted,
    offboarding::{DueKind, Event, Offboarding, State},
    ports::{DueItem, QueueError, StoreError},
    removal::RemovalBatch,
    sharing::awaited,
};

use crate::{ROUND, ROUNDS, Sweep, Swept};

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
        // The index lags behind: what this sweep has dealt with may still be listed in its next round.
        let mut seen: HashSet<DueItem> = HashSet::new();
        for _ in 0..ROUNDS {
            let now = self.now();
            let due = self.ports.due.due(DueKind::Watch, now - self.patience, ROUND).await?;
            let postponed = swept.postponed;
            let fresh: Vec<&DueItem> = due.iter().filter(|item| seen.insert((*item).clone())).collect();
            for item in &fresh {
                let result = match item {
                    DueItem::Offboarding(id) => self.resend(id, now, swept).await,
                    DueItem::Batch(id, key) => self.look_at(id, *key, now, swept).await,
                };
                if let Err(error) = result {
                    let (DueItem::Offboarding(id) | DueItem::Batch(id, _)) = item;
                    tracing::warn!(offboarding = %id, %error, "left for the next sweep");
                    swept.postponed += 1;
                }
            }
            if due.len() < ROUND || fresh.is_empty() || swept.postponed > postponed {
                break;
            }
        }
        Ok(())
    }

    /// The single job of a stage.
    async fn resend(&self, id: &OffboardingId, now: Timestamp, swept: &mut Swept) -> Result<(), Postponed> {
        let Some(offboarding) = self.ports.offboardings.load(id).await? else { return Ok(()) };
        if offboarding.due.is_none_or(|due| due.at > now - self.patience) {
            // A sign of life since the index was read.
            return Ok(());
        }
        match self.ledger().commit(&offboarding, Event::Resent, now).await {
            Ok(committed) => {
                tracing::warn!(offboarding = %id, state = committed.offboarding.state.name(), "job sent again");
                swept.resent += 1;
                Ok(())
            }
            // It has moved on since the index was read.
            Err(NotCommitted::Refused(_) | NotCommitted::Conflict) => Ok(()),
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
        if batch.due_at.is_none_or(|due_at| due_at > now - self.patience) {
            return Ok(());
        }
        let offboarding = self.ports.offboardings.load(id).await?;
        let Some(offboarding) = offboarding.filter(|offboarding| offboarding.plan == Some(key.plan)) else {
            // Left behind by a planning attempt that another one has replaced.
            self.ports.removals.discard_batch(id, key).await?;
            swept.retired += 1;
            return Ok(());
        };
        match next_step(&offboarding, &batch) {
            Step::Discard => {
                self.ports.removals.discard_batch(id, key).await?;
                swept.retired += 1;
            }
            Step::Count => {
                self.ledger().count(&batch, now).await?;
                swept.counted += 1;
            }
            Step::Resend => {
                // Who rides is called for by another leaver's job, as long as that is to come.
                let awaited = awaited(&*self.ports.offboardings, &*self.ports.removals, &batch, now).await?;
                let jobs: Vec<(Job, SignedDuration)> =
                    batch.every_job(now).into_iter().filter(|job| !is_awaited(job, &awaited)).map(at_once).collect();
                let quiet_until = awaited.into_values().fold(batch.quiet_until(now), Timestamp::max);
                self.ports.removals.stamp(id, key, &[], Some(quiet_until)).await?;
                if !jobs.is_empty() {
                    self.ports.jobs.send(&jobs).await?;
                    tracing::warn!(offboarding = %id, jobs = jobs.len(), "jobs of a batch sent again");
                    swept.resent += 1;
                }
            }
            Step::LookLater => self.ports.removals.stamp(id, key, &[], Some(now)).await?,
            Step::Retire => {
                self.ports.removals.stamp(id, key, &[], None).await?;
                swept.retired += 1;
            }
        }
        Ok(())
    }
}

fn is_awaited(job: &Job, awaited: &BTreeMap<SpaceId, Timestamp>) -> bool {
    matches!(job, Job::RemoveFromSpace { space, .. } if awaited.contains_key(space))
}

fn at_once(job: Job) -> (Job, SignedDuration) {
    (job, SignedDuration::ZERO)
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// All settled, but its worker died before it was counted.
    Count,
    /// Messages were lost.
    Resend,
    /// Not now.
    LookLater,
    /// Never again, unless somebody sends its jobs anew.
    Retire,
    /// It is part of no plan, and never will be.
    Discard,
}

fn next_step(offboarding: &Offboarding, batch: &RemovalBatch) -> Step {
    let at_work = offboarding.may_leave_spaces();
    match &offboarding.state {
        _ if batch.counted => Step::Retire,
        // Written down as an extension of the plan, by a worker that died or was overtaken before it could say so. Whoever
        // is about to leave the organization next takes it over.
        state if !offboarding.owns(batch.key) => {
            if state.is_final() {
                Step::Discard
            } else {
                Step::LookLater
            }
        }
        _ if at_work && batch.is_settled() => Step::Count,
        State::Removing => Step::Resend,
        // The plan is not complete; its worker, or the sweep on its behalf, is at it.
        State::Planning => Step::LookLater,
        // A retry, or an approval, sees to it that what is left is watched again.
        _ => Step::Retire,
    }
}
