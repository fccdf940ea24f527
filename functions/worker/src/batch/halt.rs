//! What becomes of a job that could not go on.

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    job::Job,
    offboarding::{Event, Failure, podio_unavailable},
    ports::StoreError,
    retry::backoff,
};

use super::{OVERTAKEN_PAUSE, STORAGE_PAUSE};
use crate::{
    Worker,
    jobs::{SpaceTask, StageTask, Task},
    message::{Message, Outcome},
    verdict::Halt,
};

impl Worker {
    /// Writes down why a job stopped and puts its message back, or ends it.
    pub(super) async fn halt(&self, message: &Message, job: &Job, task: Task, halt: Halt) -> Outcome {
        let pause = match (task, halt) {
            (Task::Hook(hook), halt) => return self.halt_hook(message, job, hook, halt).await,
            (Task::Stage(stage), Halt::Wait(slots)) => {
                let moments = || slots.iter().map(|booking| booking.at);
                let (first, last) = (moments().min().unwrap_or(self.now()), moments().max());
                let slots = slots.iter().map(|booking| booking.slot).collect();
                let event = Event::Parked { slots, until: last, search: stage.search.clone() };
                self.note(&stage, event, first).await
            }
            (Task::End(_), Halt::Pause(until)) => Ok(until.duration_since(self.now())),
            (Task::Space(_) | Task::End(_), Halt::Wait(_)) => Ok(OVERTAKEN_PAUSE),
            (Task::Stage(stage), Halt::Pause(until)) => {
                let event = Event::Paused { until, search: stage.search.clone() };
                self.note(&stage, event, until).await
            }
            (Task::Space(space), Halt::Pause(until)) => self.note_pause(&space, until).await,
            (Task::Stage(stage), Halt::Fault) => {
                let until = self.now() + self.backoff(stage.offboarding.work.attempts + 1);
                let event = Event::Faulted { again_at: until, search: stage.search.clone() };
                self.note(&stage, event, until).await
            }
            (Task::Space(space), Halt::Fault) => match self.note_fault(&space).await {
                Ok((attempts, _)) if attempts >= space.offboarding.allowance() => Err(Halt::Fail(podio_unavailable())),
                Ok((_, pause)) => Ok(pause),
                Err(error) => Err(error.into()),
            },
            (Task::End(_), Halt::Fault) => Ok(STORAGE_PAUSE),
            (_, halt @ (Halt::Fail(_) | Halt::Storage(_) | Halt::Overtaken)) => Err(halt),
        };
        match pause {
            Ok(pause) => self.put_back(message, job, pause).await,
            Err(Halt::Fail(failure)) => self.fail(message, job, &failure).await,
            Err(Halt::Storage(error)) => self.storage_failed(message, job, &error).await,
            Err(Halt::Overtaken | Halt::Wait(_) | Halt::Pause(_) | Halt::Fault) => {
                self.put_back(message, job, OVERTAKEN_PAUSE).await
            }
        }
    }

    /// Notes an event that leaves the job to be done, and how long its message may sleep.
    async fn note(&self, stage: &StageTask, event: Event, until: Timestamp) -> Result<SignedDuration, Halt> {
        let now = self.now();
        // Should the event have ended the stage (a fault too many), the message finds nothing left to do.
        self.ledger().commit(&stage.offboarding, event, now).await?;
        Ok(until.duration_since(now))
    }

    /// Counts a failed attempt; how many there were, and how long to wait.
    async fn note_fault(&self, space: &SpaceTask) -> Result<(u32, SignedDuration), StoreError> {
        let (id, now) = (&space.offboarding.id, self.now());
        let pause = self.backoff(space.entry.attempts + 1);
        // Its siblings may wait for longer.
        let quiet_until = space.batch.quiet_until(now + pause);
        let attempts = self.ports.removals.failed_attempt(id, space.key, space.entry.space_id, quiet_until).await?;
        Ok((attempts, pause))
    }

    /// Notes that nothing is to be expected of a space before `until`.
    async fn note_pause(&self, space: &SpaceTask, until: Timestamp) -> Result<SignedDuration, Halt> {
        let quiet_until = space.batch.quiet_until(until);
        self.ports.removals.stamp(&space.offboarding.id, space.key, &[], Some(quiet_until)).await?;
        Ok(until.duration_since(self.now()))
    }

    async fn fail(&self, message: &Message, job: &Job, failure: &Failure) -> Outcome {
        match self.ledger().fail(job, failure, self.now()).await.map_err(Halt::from) {
            Ok(failed) => {
                if failed {
                    tracing::error!(subject = job.subject(), job = job.kind(), code = ?failure.code, "failed");
                }
                Outcome::Done
            }
            Err(Halt::Storage(error)) => self.storage_failed(message, job, &error).await,
            Err(_) => self.put_back(message, job, OVERTAKEN_PAUSE).await,
        }
    }

    /// Storage that is down is waited for. A record that cannot be read or written will not get better by waiting: the
    /// queue's own count of receipts makes its message a dead letter, and that a failure which a person sees.
    pub(super) async fn storage_failed(&self, message: &Message, job: &Job, error: &StoreError) -> Outcome {
        match error {
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "storage failed; the job will be tried again");
                self.put_back(message, job, STORAGE_PAUSE).await
            }
            StoreError::Corrupt(_) => {
                tracing::error!(%error, subject = job.subject(), job = job.kind(), "unreadable record");
                Outcome::Again
            }
        }
    }

    pub(super) fn backoff(&self, attempt: u32) -> SignedDuration {
        SignedDuration::try_from(backoff(attempt, self.jitter())).unwrap_or(STORAGE_PAUSE)
    }
}
