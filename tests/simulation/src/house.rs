//! Lambda and SQS: who is handed what, and what becomes of it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use jiff::Timestamp;
use podio_aws::queue::twin::{NewMessage, Order, Receive, Received, RedrivePolicy, Settings, Sqs};
use podio_lifecycle::ports::Clock;
use stories::{SkewedClock, VirtualClock};
use worker::Worker;

use crate::{dice::Dice, fate::Fate, journal::Journal, wiring::Wiring};

/// The queue of jobs.
pub const JOBS: &str = "jobs";
/// Where messages go that nobody can deal with.
pub const DEAD: &str = "dead";
const HIDDEN: Duration = Duration::from_secs(360);
const RECEIVES: u32 = 5;
/// The most messages in a batch.
const BATCH: usize = 10;

/// The queues, and the machines that workers run on.
pub struct House {
    sqs: Arc<Mutex<Sqs>>,
    clock: Arc<VirtualClock>,
    dice: Dice,
    fate: Arc<Fate>,
    journal: Arc<Journal>,
    /// Workers that wait for their next batch.
    idle: Vec<Arc<Worker>>,
    busy: usize,
    /// Every text that was ever handed over.
    pub bodies: BTreeSet<String>,
}

/// A batch in the hands of a worker.
pub struct Batch {
    /// The worker.
    pub worker: Arc<Worker>,
    /// The messages.
    pub messages: Vec<Received>,
}

/// Queues without messages.
pub fn queues() -> Arc<Mutex<Sqs>> {
    let mut sqs = Sqs::new(1);
    let retention = Duration::from_hours(14 * 24);
    sqs.create_queue(DEAD, Settings { retention, ..Settings::default() }).expect("a queue");
    let redrive = Some(RedrivePolicy { dead_letter_queue: DEAD.to_owned(), max_receive_count: RECEIVES });
    let settings = Settings { redrive, visibility_timeout: HIDDEN, retention, ..Settings::default() };
    sqs.create_queue(JOBS, settings).expect("a queue");
    Arc::new(Mutex::new(sqs))
}

impl House {
    /// A house in which nobody works yet.
    pub fn new(
        sqs: Arc<Mutex<Sqs>>,
        clock: Arc<VirtualClock>,
        dice: Dice,
        fate: Arc<Fate>,
        journal: Arc<Journal>,
    ) -> Self {
        let bodies = BTreeSet::new();
        Self { sqs, clock, dice, fate, journal, idle: Vec::new(), busy: 0, bodies }
    }

    /// A batch for a worker, if there is one and somebody is free for it.
    pub fn hand_out(&mut self, wiring: &Wiring) -> Option<Batch> {
        let now = self.clock.read();
        if self.busy >= wiring.scene.workers {
            return None;
        }
        let visible = self.sqs().counts(JOBS, now).expect("the queue").visible;
        if visible == 0 {
            return None;
        }
        let messages = self.receive(now);
        if messages.is_empty() {
            return None;
        }
        self.busy += 1;
        // Now and then Lambda starts a new instance although an old one is there.
        let warm = if self.dice.chance(0.8) { self.idle.pop() } else { None };
        let worker = warm.unwrap_or_else(|| {
            let clock: Arc<dyn Clock> =
                Arc::new(SkewedClock { clock: self.clock.clone(), ahead: *self.dice.pick(&wiring.scene.skews) });
            Arc::new(wiring.worker(clock))
        });
        Some(Batch { worker, messages })
    }

    fn receive(&mut self, now: Timestamp) -> Vec<Received> {
        let order = if self.dice.chance(0.3) { Order::Shuffled(self.dice.any()) } else { Order::LongestVisible };
        let receive = Receive { order, ..Receive::up_to(BATCH) };
        let mut received = self.sqs().receive(JOBS, &receive, now).expect("the queue");
        received.retain(|message| {
            self.bodies.insert(message.body.clone());
            let lost = message.receive_count == 1 && self.fate.chance(|rates| rates.loss);
            if lost {
                self.journal.fault("message lost", format_args!("{}", message.body));
                self.sqs().delete(JOBS, &message.receipt_handle, now).expect("the message");
            } else if self.fate.chance(|rates| rates.redelivery) {
                self.journal.fault("message delivered twice", format_args!("{}", message.body));
                self.sqs().deliver_again(JOBS, &message.message_id, now).expect("the queue");
            }
            !lost
        });
        received
    }

    /// The event that Lambda makes of a batch.
    pub fn event(batch: &Batch) -> SqsEvent {
        let record = |message: &Received| {
            let mut record = SqsMessage::default();
            record.message_id = Some(message.message_id.as_str().to_owned());
            record.receipt_handle = Some(message.receipt_handle.clone());
            record.body = Some(message.body.clone());
            record.attributes.insert("ApproximateReceiveCount".to_owned(), message.receive_count.to_string());
            record
        };
        let mut event = SqsEvent::default();
        event.records = batch.messages.iter().map(record).collect();
        event
    }

    /// A worker has ended, or was killed: without a response nothing is deleted.
    pub fn settle(&mut self, batch: Batch, response: Option<SqsBatchResponse>) {
        self.busy -= 1;
        let Some(response) = response else { return };
        let again: BTreeSet<&str> =
            response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
        for message in &batch.messages {
            if again.contains(message.message_id.as_str()) {
                continue;
            }
            if self.fate.chance(|rates| rates.undeleted) {
                self.journal.fault("message not deleted", format_args!("{}", message.body));
                continue;
            }
            self.sqs().delete(JOBS, &message.receipt_handle, self.clock.read()).expect("the message");
        }
        self.idle.push(batch.worker);
    }

    /// Sends every text that was ever handed over once more.
    pub fn say_everything_again(&self) {
        let now = self.clock.read();
        for body in &self.bodies {
            self.sqs().send(JOBS, NewMessage::new(body.clone()), now).expect("the queue");
        }
    }

    /// When there is something to hand over, if somebody is free for it.
    pub fn next(&self, workers: usize) -> Option<Timestamp> {
        if self.busy >= workers {
            return None;
        }
        let now = self.clock.read();
        let visible = self.sqs().next_visible(JOBS, now).expect("the queue");
        let later = self.sqs().next_event(now);
        visible.filter(|at| *at > now).or(later)
    }

    fn sqs(&self) -> MutexGuard<'_, Sqs> {
        self.sqs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
