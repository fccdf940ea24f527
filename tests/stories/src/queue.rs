//! The event source: hands messages to the worker as Lambda does.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use podio_aws::queue::twin::{Receive, RedrivePolicy, Settings, Sqs};
use podio_engine::Message;
use worker::Worker;

use crate::VirtualClock;

pub(crate) const JOBS: &str = "jobs";
pub(crate) const DEAD: &str = "dead";

/// The queues, and what the event source has seen of them.
pub(crate) struct Queues {
    pub sqs: Arc<Mutex<Sqs>>,
    /// How often each message was received.
    pub receives: BTreeMap<String, u32>,
    /// Whether each message is delivered to two workers at once, as a standard queue may do.
    pub twice: bool,
    /// The longest that a worker was busy with one batch.
    pub longest: SignedDuration,
}

/// A message in a worker's hands.
#[derive(Clone)]
pub(crate) struct Received {
    receipt: String,
    /// None where it cannot be read.
    pub message: Option<Message>,
}

/// The queue as it is seen from outside.
#[derive(Clone, Copy)]
pub(crate) struct Glance {
    /// Messages that could be received.
    pub visible: usize,
    /// When another will show that does not show yet.
    pub next: Option<Timestamp>,
}

impl Queues {
    pub(crate) fn new() -> Self {
        let mut sqs = Sqs::new(1);
        sqs.create_queue(DEAD, Settings::default()).unwrap();
        let redrive = RedrivePolicy { dead_letter_queue: DEAD.to_owned(), max_receive_count: 5 };
        sqs.create_queue(JOBS, Settings { redrive: Some(redrive), ..Settings::default() }).unwrap();
        Self { sqs: Arc::new(Mutex::new(sqs)), receives: BTreeMap::new(), twice: false, longest: SignedDuration::ZERO }
    }

    /// Gives up to ten messages to the worker; false if none is visible.
    pub(crate) async fn pump(&mut self, worker: &Worker, clock: &VirtualClock) -> bool {
        let now = clock.read();
        let messages = self.receive(now);
        if messages.is_empty() {
            return false;
        }
        let batch = || messages.iter().filter_map(|received| received.message.clone()).collect();
        if self.twice {
            tokio::join!(worker.handle(batch()), worker.handle(batch()));
        } else {
            worker.handle(batch()).await;
        }
        self.longest = self.longest.max(clock.read().duration_since(now));
        self.settle(&messages, clock.read());
        true
    }

    /// Takes up to ten messages.
    pub(crate) fn receive(&mut self, now: Timestamp) -> Vec<Received> {
        let received = self.sqs.lock().unwrap().receive(JOBS, &Receive::up_to(10), now).unwrap();
        let mut messages = Vec::new();
        for message in received {
            self.receives.insert(message.message_id.as_str().to_owned(), message.receive_count);
            let receipt = message.receipt_handle;
            messages.push(Received { receipt, message: Message::decode(&message.body).ok() });
        }
        messages
    }

    /// Forgets the messages that are done with: all that could be read.
    pub(crate) fn settle(&mut self, messages: &[Received], now: Timestamp) {
        for received in messages.iter().filter(|received| received.message.is_some()) {
            self.sqs.lock().unwrap().delete(JOBS, &received.receipt, now).unwrap();
        }
    }

    /// Looks without taking anything.
    pub(crate) fn glance(&self, now: Timestamp) -> Glance {
        let sqs = self.sqs.lock().unwrap();
        Glance { visible: sqs.counts(JOBS, now).unwrap().visible, next: sqs.next_event(now) }
    }

    /// From now on a received message stays hidden for that long.
    pub(crate) fn hide_for(&mut self, timeout: Duration) {
        let mut sqs = self.sqs.lock().unwrap();
        let settings = Settings { visibility_timeout: timeout, ..sqs.settings(JOBS).unwrap().clone() };
        sqs.set_settings(JOBS, settings).unwrap();
    }

    pub(crate) fn next_event(&self, now: Timestamp) -> Option<Timestamp> {
        self.sqs.lock().unwrap().next_visible(JOBS, now).unwrap()
    }
}
