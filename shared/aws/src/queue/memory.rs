//! The queue's ports over its in-memory twin.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::SignedDuration;
use podio_engine::{Message, ports::SendMessages};
use podio_lifecycle::ports::{Clock, DeadLetter, DeadLetters, QueueError, WakeWorker};

use super::{
    jobs::AT_ONCE,
    twin::{Entry, NewMessage, Receive, Sqs, SqsError},
};
use crate::{rules, twin::Faults};

/// One queue of a twin, as a function sees it.
pub struct MemoryJobs {
    queue: MemoryQueue,
}

/// One dead-letter queue of a twin, as a function sees it.
pub struct MemoryDeadLetters {
    queue: MemoryQueue,
}

struct MemoryQueue {
    sqs: Arc<Mutex<Sqs>>,
    name: String,
    clock: Arc<dyn Clock>,
    faults: Faults,
}

impl MemoryJobs {
    /// The queue of that name, which must exist.
    pub fn new(sqs: Arc<Mutex<Sqs>>, name: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self { queue: MemoryQueue { sqs, name: name.into(), clock, faults: Faults::default() } }
    }

    /// The faults, to be set; the operation is `send`, once for each request of ten.
    pub fn faults(&self) -> &Faults {
        &self.queue.faults
    }
}

impl MemoryDeadLetters {
    /// The queue of that name, which must exist.
    pub fn new(sqs: Arc<Mutex<Sqs>>, name: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self { queue: MemoryQueue { sqs, name: name.into(), clock, faults: Faults::default() } }
    }

    /// The faults, to be set; the operations are `receive` and `delete`.
    pub fn faults(&self) -> &Faults {
        &self.queue.faults
    }
}

impl MemoryQueue {
    async fn run<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Sqs) -> Result<T, SqsError>,
    ) -> Result<T, QueueError> {
        let work = || work(&mut self.lock()).map_err(|error| QueueError(error.code().to_owned()));
        self.faults.around(operation, work).await
    }

    fn lock(&self) -> MutexGuard<'_, Sqs> {
        self.sqs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SendMessages for MemoryJobs {
    async fn send(&self, messages: &[(Message, SignedDuration)]) -> Result<(), QueueError> {
        for messages in messages.chunks(AT_ONCE) {
            let message = |(message, delay): &(Message, SignedDuration)| {
                let delay = Duration::from_secs(rules::delay_seconds(*delay).into());
                NewMessage::new(message.encode()).delayed(delay)
            };
            let entries = messages.iter().enumerate().map(|(n, it)| Entry::new(n.to_string(), message(it))).collect();
            let sent =
                self.queue.run("send", |sqs| sqs.send_batch(&self.queue.name, entries, self.queue.clock.now())).await?;
            if let Some(refused) = sent.into_iter().find_map(|(_, sent)| sent.err()) {
                return Err(QueueError(refused.code().to_owned()));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl WakeWorker for MemoryJobs {
    async fn wake(&self) -> Result<(), QueueError> {
        self.send(&[(Message::Wake, SignedDuration::ZERO)]).await
    }
}

#[async_trait]
impl DeadLetters for MemoryDeadLetters {
    async fn receive(&self) -> Result<Vec<DeadLetter>, QueueError> {
        let queue = &self.queue;
        let receive = Receive::up_to(AT_ONCE);
        let received = queue.run("receive", |sqs| sqs.receive(&queue.name, &receive, queue.clock.now())).await?;
        let letter =
            |message: super::twin::Received| DeadLetter { body: message.body, receipt: message.receipt_handle };
        Ok(received.into_iter().map(letter).collect())
    }

    async fn delete(&self, receipt: &str) -> Result<(), QueueError> {
        let queue = &self.queue;
        queue.run("delete", |sqs| sqs.delete(&queue.name, receipt, queue.clock.now())).await
    }
}
