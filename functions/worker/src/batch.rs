//! One batch of messages, from the queue's event to its answer.

use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use futures::{FutureExt, future::join_all};
use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    ids::{OffboardingId, SpaceId},
    job::{BatchKey, Job},
    offboarding::{Event, Offboarding, Stage, podio_unavailable},
    ports::StoreError,
    quota::Slot,
    removal::{RemovalBatch, RemovalState},
    retry::backoff,
};

use crate::{
    Worker,
    caller::Caller,
    jobs::{SpaceTask, StageTask, Task},
    message::{Message, Outcome},
    reserve::{Need, SHORT},
    verdict::Halt,
};

/// Receipts after which a message that is being put back is sent anew instead: the queue counts every receipt, but only
/// a message that crashes the worker may run up to the dead-letter queue.
const RENEW_AFTER: u32 = 3;
/// The pause after a fault of our own storage.
const STORAGE_PAUSE: SignedDuration = SignedDuration::from_secs(8);
/// The pause before looking again at an offboarding that somebody else has changed.
const OVERTAKEN_PAUSE: SignedDuration = SignedDuration::from_secs(1);

impl Worker {
    /// Handles an event of the queue. Only the messages that are not finished are reported as failures.
    pub async fn handle_event(&self, event: SqsEvent) -> Result<SqsBatchResponse, NamelessMessage> {
        let messages: Option<Vec<Message>> = event.records.iter().map(Message::read).collect();
        let outcomes = self.handle(messages.ok_or(NamelessMessage)?).await;
        let again = outcomes.into_iter().filter(|(_, outcome)| *outcome == Outcome::Again);
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = again
            .map(|(id, _)| {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = id;
                failure
            })
            .collect();
        Ok(response)
    }

    /// Handles messages side by side; what became of each, by its id.
    pub async fn handle(&self, messages: Vec<Message>) -> Vec<(String, Outcome)> {
        let mut outcomes = Vec::with_capacity(messages.len());
        let mut jobs = Vec::with_capacity(messages.len());
        for message in messages {
            match message.job.clone() {
                Ok(job) => jobs.push((message, job)),
                Err(error) => {
                    // Left to the dead-letter queue, where a person finds it: it may be worth something to another version.
                    tracing::error!(message = %message.id, %error, "unreadable message");
                    outcomes.push((message.id, Outcome::Again));
                }
            }
        }
        let tasks = match self.prepare(&jobs).await {
            Ok(tasks) => tasks,
            Err(error) => {
                tracing::warn!(%error, "storage failed before anything was done");
                let back = jobs.iter().map(|(message, job)| self.put_back(message, job, STORAGE_PAUSE));
                let back = join_all(back).await;
                outcomes.extend(jobs.iter().map(|(message, _)| message.id.clone()).zip(back));
                return outcomes;
            }
        };
        let runs = jobs.iter().zip(tasks).map(|((message, job), task)| self.run_safely(message, job, task));
        let ran = join_all(runs).await;
        let mut waits = Waits::default();
        for ((message, job), (outcome, wait)) in jobs.iter().zip(ran) {
            outcomes.push((message.id.clone(), outcome));
            if let Some(slots) = wait {
                waits.add(message, job, slots);
            }
        }
        for (id, outcome) in self.park_spaces(waits).await {
            outcomes.retain(|(known, _)| *known != id);
            outcomes.push((id, outcome));
        }
        outcomes
    }

    /// Loads what the jobs are about, once each, and reserves all their slots in one write.
    async fn prepare(&self, jobs: &[(Message, Job)]) -> Result<Vec<Option<(Task, Vec<Slot>)>>, StoreError> {
        let mut offboardings: HashMap<OffboardingId, Option<Offboarding>> = HashMap::new();
        let mut batches: HashMap<(OffboardingId, BatchKey), Option<RemovalBatch>> = HashMap::new();
        for (_, job) in jobs {
            let id = job.offboarding();
            if !offboardings.contains_key(id) {
                offboardings.insert(id.clone(), self.ports.offboardings.load(id).await?);
            }
            if let Job::RemoveFromSpace { batch, .. } = job {
                let key = (id.clone(), *batch);
                if !batches.contains_key(&key) {
                    let loaded = self.ports.removals.batch(id, *batch).await?;
                    batches.insert(key, loaded);
                }
            }
        }
        let mut tasks: Vec<Option<Task>> = jobs
            .iter()
            .map(|(_, job)| {
                let offboarding = offboardings.get(job.offboarding())?.as_ref()?;
                let batch = match job {
                    Job::RemoveFromSpace { batch, .. } => batches.get(&(job.offboarding().clone(), *batch))?.as_ref(),
                    _ => None,
                };
                Task::of(job, offboarding, batch)
            })
            .collect();
        // The same job twice in one batch is one job.
        for index in 1..jobs.len() {
            if jobs[..index].iter().any(|(_, earlier)| *earlier == jobs[index].1) {
                tasks[index] = None;
            }
        }
        let now = self.now();
        let needs: Vec<Need> =
            tasks.iter().map(|task| task.as_ref().map_or(Need::NONE, |task| task.need(now))).collect();
        let slots = self.reserve(&needs).await?;
        Ok(tasks.into_iter().zip(slots).map(|(task, slots)| task.map(|task| (task, slots))).collect())
    }

    /// Runs one job so that not even a panic reaches its neighbours. The second value are the slots that a space's job
    /// waits for; they are written down batch by batch afterwards.
    async fn run_safely(
        &self,
        message: &Message,
        job: &Job,
        task: Option<(Task, Vec<Slot>)>,
    ) -> (Outcome, Option<Vec<Slot>>) {
        let Some((task, slots)) = task else {
            tracing::info!(offboarding = %job.offboarding(), job = job.kind(), "nothing left to do");
            return (Outcome::Done, None);
        };
        let run = AssertUnwindSafe(self.run(message, job, task, slots)).catch_unwind();
        run.await.unwrap_or_else(|_| {
            // Not put back: the queue's own count of receipts decides when it is a dead letter.
            tracing::error!(offboarding = %job.offboarding(), job = job.kind(), "the job panicked");
            (Outcome::Again, None)
        })
    }

    async fn run(&self, message: &Message, job: &Job, task: Task, slots: Vec<Slot>) -> (Outcome, Option<Vec<Slot>>) {
        let (result, task) = if is_far(&slots, self.now()) {
            (Err(Halt::Wait(slots)), task)
        } else {
            let mut task = task;
            let mut caller = Caller::new(self, job.offboarding(), slots);
            let result = match &mut task {
                Task::Space(space) => self.remove_from_space(space, &mut caller).await,
                Task::Stage(stage) => self.run_stage(stage, &mut caller).await,
            };
            (result, task)
        };
        let Err(halt) = result else { return (Outcome::Done, None) };
        match (task, halt) {
            (Task::Space(_), Halt::Wait(slots)) => (Outcome::Again, Some(slots)),
            (task, halt) => (self.halt(message, job, task, halt).await, None),
        }
    }

    async fn run_stage(&self, stage: &mut StageTask, caller: &mut Caller<'_>) -> Result<(), Halt> {
        match stage.offboarding.state.stage() {
            Some(Stage::Planning) => self.plan(stage, caller).await,
            Some(Stage::Finalizing) => self.remove_from_org(stage, caller).await,
            Some(Stage::Verifying) => self.verify_removal(stage, caller).await,
            Some(Stage::Removing) | None => Ok(()),
        }
    }

    /// Writes down why a job stopped and puts its message back, or ends it.
    async fn halt(&self, message: &Message, job: &Job, task: Task, halt: Halt) -> Outcome {
        let now = self.now();
        let id = job.offboarding();
        let pause = match (task, halt) {
            (Task::Stage(stage), Halt::Wait(slots)) => {
                let until = slots.iter().max().map_or(now, |slot| slot.0);
                let event = Event::Parked { slots, search: stage.search };
                match self.ledger().commit(&stage.offboarding, event, now).await.map_err(Halt::from) {
                    Ok(_) => until.duration_since(now),
                    Err(Halt::Storage(error)) => storage_pause(&error),
                    Err(_) => OVERTAKEN_PAUSE,
                }
            }
            (Task::Stage(stage), Halt::Fault) => {
                let pause = self.backoff(stage.offboarding.work.attempts + 1);
                let event = Event::Faulted { again_at: now + pause, search: stage.search };
                match self.ledger().commit(&stage.offboarding, event, now).await.map_err(Halt::from) {
                    Ok(committed) if committed.offboarding.state.stage().is_none() => return Outcome::Done,
                    Ok(_) => pause,
                    Err(Halt::Storage(error)) => storage_pause(&error),
                    Err(_) => OVERTAKEN_PAUSE,
                }
            }
            (Task::Space(space), Halt::Fault) => {
                let pause = self.backoff(space.entry.attempts + 1);
                let counted =
                    self.ports.removals.failed_attempt(id, space.key, space.entry.space_id, now + pause).await;
                match counted {
                    Ok(attempts) if attempts >= space.offboarding.allowance() => {
                        return self.fail(message, job, podio_unavailable()).await;
                    }
                    Ok(_) => pause,
                    Err(error) => storage_pause(&error),
                }
            }
            (_, Halt::Fail(failure)) => return self.fail(message, job, failure).await,
            (_, Halt::Pause(until)) => until.duration_since(now),
            (_, Halt::Storage(error)) => storage_pause(&error),
            (_, Halt::Overtaken) => OVERTAKEN_PAUSE,
            (Task::Space(_), Halt::Wait(_)) => OVERTAKEN_PAUSE,
        };
        self.put_back(message, job, pause).await
    }

    async fn fail(&self, message: &Message, job: &Job, failure: podio_lifecycle::offboarding::Failure) -> Outcome {
        tracing::error!(offboarding = %job.offboarding(), job = job.kind(), code = ?failure.code, "offboarding failed");
        let event = Event::Failed(failure);
        match self.ledger().commit_anyhow(job.offboarding(), &event, self.now()).await.map_err(Halt::from) {
            Err(Halt::Storage(error)) => self.put_back(message, job, storage_pause(&error)).await,
            _ => Outcome::Done,
        }
    }

    fn backoff(&self, attempt: u32) -> SignedDuration {
        SignedDuration::try_from(backoff(attempt, self.jitter())).unwrap_or(STORAGE_PAUSE)
    }

    /// Lets the message show again after `pause`. What has been received often already is sent anew instead.
    async fn put_back(&self, message: &Message, job: &Job, pause: SignedDuration) -> Outcome {
        let pause = pause.max(SignedDuration::ZERO);
        if message.receives >= RENEW_AFTER && self.ports.jobs.send(&[(job.clone(), pause)]).await.is_ok() {
            return Outcome::Done;
        }
        if let Err(error) = self.ports.parking.park(&message.receipt, pause).await {
            tracing::warn!(%error, "could not park the message; it shows again after the queue's own pause");
        }
        Outcome::Again
    }

    /// Writes the slots down, one write for each batch, then lets the messages sleep until then.
    async fn park_spaces(&self, waits: Waits<'_>) -> Vec<(String, Outcome)> {
        let mut outcomes = Vec::new();
        for ((id, key), group) in waits.groups {
            let latest = group.iter().filter_map(|wait| wait.slot).max().map_or(self.now(), |slot| slot.0);
            let stamps: Vec<(SpaceId, Option<Slot>)> = group.iter().map(|wait| (wait.space, wait.slot)).collect();
            let stamped = self.ports.removals.stamp(id, key, &stamps, Some(latest)).await;
            for wait in group {
                let now = self.now();
                let pause = match &stamped {
                    Ok(()) => wait.slot.map_or(OVERTAKEN_PAUSE, |slot| slot.0.duration_since(now)),
                    Err(error) => storage_pause(error),
                };
                outcomes.push((wait.message.id.clone(), self.put_back(wait.message, wait.job, pause).await));
            }
        }
        outcomes
    }
}

/// The jobs of spaces that wait for their slots, by batch.
#[derive(Default)]
struct Waits<'a> {
    groups: BTreeMap<(&'a OffboardingId, BatchKey), Vec<Waiting<'a>>>,
}

struct Waiting<'a> {
    message: &'a Message,
    job: &'a Job,
    space: SpaceId,
    slot: Option<Slot>,
}

impl<'a> Waits<'a> {
    fn add(&mut self, message: &'a Message, job: &'a Job, slots: Vec<Slot>) {
        if let Job::RemoveFromSpace { offboarding, batch, space } = job {
            let slot = slots.into_iter().max();
            self.groups.entry((offboarding, *batch)).or_default().push(Waiting { message, job, space: *space, slot });
        }
    }
}

impl Need {
    const NONE: Self = Self { held: Vec::new(), calls: 0 };
}

impl Task {
    /// What a job still has to do; nothing where the offboarding has moved on.
    fn of(job: &Job, offboarding: &Offboarding, batch: Option<&RemovalBatch>) -> Option<Self> {
        if let Job::RemoveFromSpace { batch: key, space, .. } = job {
            let batch = batch?;
            let entry = batch.space(*space)?.clone();
            let in_force = offboarding.plan == Some(key.plan) && offboarding.may_leave_spaces();
            let open = entry.state == RemovalState::Pending || (batch.is_settled() && !batch.counted);
            return (in_force && open).then(|| {
                Self::Space(SpaceTask { offboarding: offboarding.clone(), key: *key, batch: batch.clone(), entry })
            });
        }
        let fits = offboarding.stage_job().as_ref() == Some(job);
        fits.then(|| {
            Self::Stage(StageTask { search: offboarding.work.search.clone(), offboarding: offboarding.clone() })
        })
    }

    fn need(&self, now: Timestamp) -> Need {
        match self {
            Self::Space(space) if space.entry.state == RemovalState::Pending => {
                Need { held: space.entry.slot.into_iter().collect(), calls: 1 }
            }
            Self::Space(_) => Need::NONE,
            Self::Stage(stage) => Need { held: stage.offboarding.work.slots.clone(), calls: stage.calls_at_once(now) },
        }
    }
}

fn is_far(slots: &[Slot], now: Timestamp) -> bool {
    slots.iter().any(|slot| slot.0.duration_since(now) > SHORT)
}

fn storage_pause(error: &StoreError) -> SignedDuration {
    tracing::warn!(%error, "storage failed; the job will be tried again");
    STORAGE_PAUSE
}

/// A record of the event had no message id, so a failure of it could not be reported: the whole batch shows again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event holds a message without an id")]
pub struct NamelessMessage;
