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
    removal::{GATHER, RemovalBatch},
};

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
    /// What must be there before the change is stored: should a crash come between the change and its effects, the sweep
    /// must find the batches whose jobs were not sent. Returns the batches that the effects concern.
    pub(crate) async fn prepare(
        &self,
        effects: &[Effect],
        offboarding: &Offboarding,
        now: Timestamp,
    ) -> Result<Vec<RemovalBatch>, StoreError> {
        let Some(plan) = offboarding.plan.filter(|_| effects.contains(&Effect::EnqueueSpaces)) else {
            return Ok(Vec::new());
        };
        let mut batches = self.offboardings.batches(&offboarding.id, plan).await?;
        batches.retain(|batch| !batch.counted && offboarding.owns(batch.key));
        for batch in batches.iter().filter(|batch| batch.due_at.is_none()) {
            self.removals.stamp(&batch.offboarding, batch.key, &[], Some(now)).await?;
        }
        Ok(batches)
    }

    /// Performs the effects of a change that has been stored. Sealing is part of the write and not done here.
    pub(crate) async fn perform(
        &self,
        effects: &[Effect],
        batches: &[RemovalBatch],
        now: Timestamp,
    ) -> Result<(), QueueError> {
        let mut jobs: Vec<(Job, SignedDuration)> = Vec::new();
        for effect in effects {
            match effect {
                Effect::Enqueue(job) => jobs.push((job.clone(), SignedDuration::ZERO)),
                Effect::EnqueueSpaces => {
                    let spaces = batches.iter().flat_map(|batch| batch.jobs(now));
                    jobs.extend(spaces.map(|job| (job, GATHER)));
                }
                Effect::Seal => {}
            }
        }
        if jobs.is_empty() { Ok(()) } else { self.jobs.send(&jobs).await }
    }
}
