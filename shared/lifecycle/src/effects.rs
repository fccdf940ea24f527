//! Doing what a stored change asks for.
//!
//! Effects are performed after the change is stored, so each of them may be lost to a crash or a queue that is down. That
//! is made good by the sweep, which finds what is due and performs it again; so a failure here is told to the caller and
//! to nobody else.

use jiff::{SignedDuration, Timestamp};

use crate::{
    job::Job,
    offboarding::{Effect, Offboarding},
    ports::{QueueError, ReadOffboardings, SendJobs, StoreError, TrackRemovals},
};

/// An effect could not be performed now; the sweep will.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPerformed {
    /// The queue did not take a job.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The batches could not be read or marked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What performing effects takes.
pub struct Outlets<'a> {
    /// To read the batches.
    pub offboardings: &'a dyn ReadOffboardings,
    /// To mark them as watched.
    pub removals: &'a dyn TrackRemovals,
    /// To send jobs.
    pub jobs: &'a dyn SendJobs,
}

impl Outlets<'_> {
    /// Performs the effects of a change that has been stored as `offboarding`. Sealing is part of the write and not
    /// done here.
    pub async fn perform(
        &self,
        effects: &[Effect],
        offboarding: &Offboarding,
        now: Timestamp,
    ) -> Result<(), NotPerformed> {
        for effect in effects {
            match effect {
                Effect::Enqueue(job) => self.jobs.send(&[(job.clone(), SignedDuration::ZERO)]).await?,
                Effect::EnqueueSpaces => self.enqueue_spaces(offboarding, now).await?,
                Effect::Seal => {}
            }
        }
        Ok(())
    }

    /// Sends a job for each pending space of the plan, and sees to it that each batch is watched from now on.
    async fn enqueue_spaces(&self, offboarding: &Offboarding, now: Timestamp) -> Result<(), NotPerformed> {
        let Some(plan) = offboarding.plan else { return Ok(()) };
        let batches = self.offboardings.batches(&offboarding.id, plan).await?;
        let mut jobs: Vec<(Job, SignedDuration)> = Vec::new();
        for batch in batches.iter().filter(|batch| !batch.counted) {
            if batch.due_at.is_none() {
                self.removals.stamp(&batch.offboarding, batch.key, &[], Some(now)).await?;
            }
            jobs.extend(batch.jobs().into_iter().map(|job| (job, SignedDuration::ZERO)));
        }
        Ok(self.jobs.send(&jobs).await?)
    }
}
