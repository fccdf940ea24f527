//! An in-memory twin of Amazon SQS standard queues: what the simulation runs on, and what the local stack serves over the
//! wire.
//!
//! It keeps the rules that a consumer can get wrong: a message comes back when its visibility runs out, only the newest
//! receipt handle deletes, twelve hours in flight are the most, a message received too often goes to the dead-letter
//! queue, and what is older than the retention is gone. Where AWS promises less than the twin does (order, exactly one
//! delivery), [`Order::Shuffled`] and [`Sqs::deliver_again`] give a test the worst that AWS allows.
//!
//! Nothing here reads a clock or a random number: each operation is told the time, and identifiers are derived from a
//! seed, so two runs with the same calls see the same messages. FIFO queues and message attributes are left out: no
//! part of the project uses them.

mod batch;
mod error;
mod identifiers;
mod message;
mod queue;
mod settings;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    batch::{BatchResult, Entry, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES},
    error::SqsError,
    identifiers::MessageId,
    message::{Counts, Glimpse, NewMessage, Order, Receive, Received, Sent, md5_hex},
    settings::{MAX_DELAY, MAX_MESSAGE_BYTES, MAX_VISIBILITY_TIMEOUT, MAX_WAIT, RedrivePolicy, Settings},
};
use self::{identifiers::Mint, queue::Queue};

/// The queues of one account in one region.
///
/// Serializable as a whole, which is how the local stack keeps its messages across a restart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sqs {
    queues: BTreeMap<String, Queue>,
    mint: Mint,
}

impl Sqs {
    /// No queues yet; every message id and receipt handle derives from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { queues: BTreeMap::new(), mint: Mint::new(seed) }
    }

    /// Creates a queue. The same name with the same settings again changes nothing.
    ///
    /// # Errors
    /// [`SqsError::QueueNameExists`] when the settings differ, and whatever is wrong with name or settings.
    pub fn create_queue(&mut self, name: &str, settings: Settings) -> Result<(), SqsError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if name.is_empty() || name.len() > 80 || !name.bytes().all(plain) {
            return Err(SqsError::InvalidQueueName);
        }
        if let Some(queue) = self.queues.get(name) {
            return if queue.settings == settings { Ok(()) } else { Err(SqsError::QueueNameExists) };
        }
        self.check_redrive(&settings)?;
        let ordinal = self.mint.next_queue();
        self.queues.insert(name.to_owned(), Queue::new(ordinal, settings));
        Ok(())
    }

    /// Replaces a queue's settings. Messages that are already delayed or in flight keep the time they were given.
    ///
    /// # Errors
    /// [`SqsError::QueueDoesNotExist`], or what is wrong with the settings.
    pub fn set_settings(&mut self, queue: &str, settings: Settings) -> Result<(), SqsError> {
        self.check_redrive(&settings)?;
        self.queue_mut(queue)?.settings = settings;
        Ok(())
    }

    /// The settings of a queue.
    ///
    /// # Errors
    /// [`SqsError::QueueDoesNotExist`].
    pub fn settings(&self, queue: &str) -> Result<&Settings, SqsError> {
        Ok(&self.queue(queue)?.settings)
    }

    /// The names of all queues, in order.
    pub fn queue_names(&self) -> impl Iterator<Item = &str> {
        self.queues.keys().map(String::as_str)
    }

    /// Sends one message.
    ///
    /// # Errors
    /// A missing queue, an empty, too long or unprintable body, a delay over [`MAX_DELAY`].
    pub fn send(&mut self, queue: &str, message: NewMessage, now: Timestamp) -> Result<Sent, SqsError> {
        let mint = &mut self.mint;
        let queue = self.queues.get_mut(queue).ok_or(SqsError::QueueDoesNotExist)?;
        queue.send(message, mint, now)
    }

    /// Takes up to `request.max` visible messages and hides them for the visibility timeout. A message that was received
    /// as often as the redrive policy allows moves to the dead-letter queue instead.
    ///
    /// # Errors
    /// A missing queue, a number outside 1 to 10, a visibility timeout over [`MAX_VISIBILITY_TIMEOUT`].
    pub fn receive(&mut self, queue: &str, request: &Receive, now: Timestamp) -> Result<Vec<Received>, SqsError> {
        let taken = self.queue_mut(queue)?.receive(request, now)?;
        if let Some(target) = taken.dead_letter_queue {
            // The target was there when the policy was set and queues are never removed.
            if let Some(target) = self.queues.get_mut(&target) {
                for (key, message) in taken.dead {
                    target.accept_dead_letter(key, message, queue, now);
                }
            }
        }
        Ok(taken.received)
    }

    /// Deletes the message that `receipt_handle` stands for. A handle from an earlier receive is accepted and deletes
    /// nothing; a message that is already gone is a success.
    ///
    /// # Errors
    /// [`SqsError::ReceiptHandleIsInvalid`] for a handle that this queue never gave.
    pub fn delete(&mut self, queue: &str, receipt_handle: &str, now: Timestamp) -> Result<(), SqsError> {
        self.queue_mut(queue)?.delete(receipt_handle, now)
    }

    /// Makes a message that is in flight visible `timeout` from now; zero gives it back at once.
    ///
    /// # Errors
    /// [`SqsError::MessageNotInflight`] when its time ran out or another consumer holds it, and
    /// [`SqsError::VisibilityBeyondLimit`] when it would be in flight for more than twelve hours since its receive.
    pub fn change_visibility(
        &mut self,
        queue: &str,
        receipt_handle: &str,
        timeout: Duration,
        now: Timestamp,
    ) -> Result<(), SqsError> {
        self.queue_mut(queue)?.change_visibility(receipt_handle, timeout, now)
    }

    /// Removes every message.
    ///
    /// # Errors
    /// [`SqsError::PurgeQueueInProgress`] within 60 seconds of the last purge.
    pub fn purge(&mut self, queue: &str, now: Timestamp) -> Result<(), SqsError> {
        self.queue_mut(queue)?.purge(now)
    }

    /// How many messages are visible, in flight and delayed. AWS's numbers are approximate, these are exact.
    ///
    /// # Errors
    /// [`SqsError::QueueDoesNotExist`].
    pub fn counts(&self, queue: &str, now: Timestamp) -> Result<Counts, SqsError> {
        Ok(self.queue(queue)?.counts(now))
    }

    /// Every message of a queue, undisturbed: for a test's oracle, nothing that AWS offers.
    ///
    /// # Errors
    /// [`SqsError::QueueDoesNotExist`].
    pub fn glimpse(&self, queue: &str, now: Timestamp) -> Result<Vec<Glimpse>, SqsError> {
        Ok(self.queue(queue)?.glimpse(now))
    }

    /// Makes a message visible although somebody holds it, as a standard queue may do at any time: its delivery is at
    /// least once. The holder's handle stays good until the next receive. False when there is no such message.
    ///
    /// # Errors
    /// [`SqsError::QueueDoesNotExist`].
    pub fn deliver_again(&mut self, queue: &str, id: &MessageId, now: Timestamp) -> Result<bool, SqsError> {
        Ok(self.queue_mut(queue)?.deliver_again(id, now))
    }

    /// The moment at which `queue` next has something to receive: `now` when it has, `None` when it is empty.
    ///
    /// # Errors
    /// [`SqsError::QueueDoesNotExist`].
    pub fn next_visible(&self, queue: &str, now: Timestamp) -> Result<Option<Timestamp>, SqsError> {
        Ok(self.queue(queue)?.next_visible(now))
    }

    /// The first moment after `now` at which a message of any queue becomes visible: where virtual time may jump to.
    pub fn next_event(&self, now: Timestamp) -> Option<Timestamp> {
        self.queues.values().filter_map(|queue| queue.next_appearance(now)).min()
    }

    fn queue(&self, name: &str) -> Result<&Queue, SqsError> {
        self.queues.get(name).ok_or(SqsError::QueueDoesNotExist)
    }

    fn queue_mut(&mut self, name: &str) -> Result<&mut Queue, SqsError> {
        self.queues.get_mut(name).ok_or(SqsError::QueueDoesNotExist)
    }

    fn check_redrive(&self, settings: &Settings) -> Result<(), SqsError> {
        match &settings.redrive {
            Some(policy) if !self.queues.contains_key(&policy.dead_letter_queue) => {
                Err(SqsError::InvalidAttributeValue {
                    name: "RedrivePolicy".to_owned(),
                    reason: "the dead-letter queue does not exist",
                })
            }
            _ => Ok(()),
        }
    }
}
