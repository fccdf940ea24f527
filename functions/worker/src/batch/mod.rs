//! One batch of messages, from the queue's event to its answer.
//!
//! In this order: load what the jobs are about, reserve all their slots in one write, put to sleep those whose slot lies
//! ahead, take the slots of the others off their records, run those side by side, and put to sleep whoever found that it
//! has to wait after all.

mod halt;
mod hooks;
mod park;
mod prepare;

use std::panic::AssertUnwindSafe;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use futures::{FutureExt, future::join_all};
use jiff::SignedDuration;
use podio_lifecycle::{
    job::Job,
    offboarding::{Event, Stage, State},
    quota::Booking,
};

use self::{park::Waits, prepare::Prepared};
use crate::{
    Worker,
    caller::Caller,
    jobs::{SpaceTask, StageTask, Task},
    message::{Message, Outcome},
    reserve::is_far,
    verdict::Halt,
};

/// The pause after a fault of our own storage.
const STORAGE_PAUSE: SignedDuration = SignedDuration::from_secs(8);
/// The pause before looking again at an offboarding that somebody else has changed.
const OVERTAKEN_PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// A message, its job, and what that turned out to be.
type Ready<'a> = (&'a Message, &'a Job, Prepared);

/// How one message ended.
enum Ran<'a> {
    /// For this time, or for good.
    Ended(&'a Message, Outcome),
    /// A space whose slot lies ahead; written down together with its siblings'.
    Waits(&'a Message, &'a Job, Box<SpaceTask>, Vec<Booking>),
}

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
                    // Left to the dead-letter queue, where a person finds it: another version may know what it means.
                    tracing::error!(message = %message.id, %error, "unreadable message");
                    outcomes.push((message.id, Outcome::Again));
                }
            }
        }
        let mut waits = Waits::default();
        let mut near: Vec<Ready<'_>> = Vec::new();
        for ((message, job), prepared) in jobs.iter().zip(self.prepare(&jobs).await) {
            match prepared {
                Prepared::Task(task, slots) if is_far(&slots, self.now()) => match *task {
                    Task::Space(space) => waits.add(message, job, &space, slots),
                    other @ (Task::Stage(_) | Task::End(_) | Task::Hook(_)) => {
                        near.push((message, job, Prepared::Wait(Box::new(other), slots)));
                    }
                },
                other => near.push((message, job, other)),
            }
        }
        // Put to sleep before the others run, so that no slow neighbour makes them miss their slot.
        outcomes.extend(self.park_spaces(waits).await);
        let near = self.take_slots(near).await;
        let ran = join_all(near.into_iter().map(|(message, job, task)| self.run_safely(message, job, task))).await;
        let mut waits = Waits::default();
        for ran in ran {
            match ran {
                Ran::Ended(message, outcome) => outcomes.push((message.id.clone(), outcome)),
                Ran::Waits(message, job, space, slots) => waits.add(message, job, &space, slots),
            }
        }
        outcomes.extend(self.park_spaces(waits).await);
        self.seal_ended().await;
        outcomes
    }

    /// Runs one job so that not even a panic reaches its neighbours.
    async fn run_safely<'a>(&self, message: &'a Message, job: &'a Job, prepared: Prepared) -> Ran<'a> {
        let run = AssertUnwindSafe(self.run(message, job, prepared)).catch_unwind();
        run.await.unwrap_or_else(|_| {
            // Not put back: the queue's own count of receipts decides when it is a dead letter.
            tracing::error!(subject = job.subject(), job = job.kind(), "the job panicked");
            Ran::Ended(message, Outcome::Again)
        })
    }

    async fn run<'a>(&self, message: &'a Message, job: &'a Job, prepared: Prepared) -> Ran<'a> {
        let (task, result) = match prepared {
            Prepared::Nothing => {
                tracing::info!(subject = job.subject(), job = job.kind(), "nothing left to do");
                return Ran::Ended(message, Outcome::Done);
            }
            Prepared::Unreadable(error) => return Ran::Ended(message, self.storage_failed(message, job, &error).await),
            Prepared::Wait(task, slots) => (*task, Err(Halt::Wait(slots))),
            Prepared::Task(mut task, slots) => {
                let (lane, route) = (task.lane(), task.route());
                let mut caller = Caller::new(self, job.offboarding(), lane, route, slots);
                let result = match &mut *task {
                    Task::Space(space) => self.remove_from_space(space, &mut caller).await,
                    Task::Stage(stage) => self.run_stage(stage, &mut caller).await,
                    Task::End(end) => self.await_the_end(end),
                    Task::Hook(hook) => self.run_hook(hook, &mut caller).await,
                };
                caller.finish().await;
                (*task, result)
            }
        };
        let Err(halt) = result else { return Ran::Ended(message, Outcome::Done) };
        match (task, halt) {
            (Task::Space(space), Halt::Wait(slots)) => Ran::Waits(message, job, Box::new(space), slots),
            (task, halt) => Ran::Ended(message, self.halt(message, job, task, halt).await),
        }
    }

    async fn run_stage(&self, stage: &mut StageTask, caller: &mut Caller<'_>) -> Result<(), Halt> {
        // Planning takes its slots off the record as it begins; here that is done for the other stages.
        if !stage.offboarding.work.slots.is_empty() && stage.offboarding.state != State::Planning {
            let left = caller.keep_for_later(stage.calls_at_once(self.now()));
            self.advance(stage, Event::SlotsTaken { left }).await?;
        }
        match stage.offboarding.state.stage() {
            Some(Stage::Planning) => self.plan(stage, caller).await,
            Some(Stage::Finalizing) => self.remove_from_org(stage, caller).await,
            Some(Stage::Verifying) => self.verify_removal(stage, caller).await,
            Some(Stage::Removing) | None => Ok(()),
        }
    }
}

/// A record of the event had no message id, so a failure of it could not be reported: the whole batch shows again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event holds a message without an id")]
pub struct NamelessMessage;
