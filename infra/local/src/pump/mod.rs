//! The event source of the worker's queue: what feeds the worker, by Lambda's rules.
//!
//! Batches of up to ten, two at a time. A batch that the worker answers is deleted but for the messages it names as
//! failed; a batch that fails is left alone. The pump never changes a visibility: what it leaves comes back when its time
//! is up.

pub mod event;
mod verdict;

use std::{sync::Arc, time::Duration};

use podio_aws::queue::twin::{Entry, MAX_BATCH_ENTRIES, MAX_WAIT, Receive, Received};
use tokio::time::sleep;

use self::verdict::Verdict;
use crate::{
    functions::Function,
    host::{Host, InvokeError},
    sqs::Store,
    task::Task,
};

/// So many batches are with the worker at once (`MaximumConcurrency`).
pub const CONCURRENCY: usize = 2;
/// After a batch that failed as a whole, a poller rests.
const REST: Duration = Duration::from_millis(500);

/// What the pump needs to know of the queue.
#[derive(Debug, Clone)]
pub struct Source {
    /// The queue's name.
    pub queue: String,
    /// Its ARN, which each record names.
    pub arn: String,
    /// Its region.
    pub region: String,
}

/// The running pollers; they end when this is dropped.
pub struct Pump {
    pollers: Vec<Task>,
}

impl Pump {
    /// Feeds the worker from `source`.
    pub fn start(store: &Arc<Store>, host: &Host, source: &Source) -> Self {
        let poller = |_| {
            let poller = Poller { store: Arc::clone(store), host: host.clone(), source: source.clone() };
            Task::spawn("event source", poller.run())
        };
        Self { pollers: (0..CONCURRENCY).map(poller).collect() }
    }

    /// Ends them.
    pub async fn stop(self) {
        for poller in self.pollers {
            poller.stop().await;
        }
    }
}

struct Poller {
    store: Arc<Store>,
    host: Host,
    source: Source,
}

impl Poller {
    async fn run(self) {
        loop {
            // A receive counts against the message; none is spent while nobody is there to take it.
            self.host.ready().await;
            match self.store.receive(&self.source.queue, &Receive::up_to(MAX_BATCH_ENTRIES), MAX_WAIT).await {
                Ok(batch) if batch.is_empty() => {}
                Ok(batch) => self.feed(&batch).await,
                Err(error) => {
                    tracing::error!(%error, queue = self.source.queue, "the worker's queue cannot be read");
                    sleep(REST).await;
                }
            }
        }
    }

    async fn feed(&self, batch: &[Received]) {
        let event = event::sqs_event(batch, &self.source.arn, &self.source.region);
        let verdict = match self.host.invoke(Function::Worker, &event).await {
            Ok(answer) => verdict::judge(&answer, batch),
            Err(InvokeError::Function(error)) => Verdict::Fail(verdict::error_type(&error)),
            Err(InvokeError::Unreachable) => Verdict::Fail("the function host is not there".to_owned()),
        };
        match verdict {
            Verdict::Delete(done) => self.delete(&done),
            Verdict::Fail(reason) => {
                tracing::warn!(messages = batch.len(), reason, "a batch failed as a whole and will come back");
                sleep(REST).await;
            }
        }
    }

    fn delete(&self, done: &[&Received]) {
        if done.is_empty() {
            return;
        }
        let entries =
            done.iter().map(|message| Entry::new(message.message_id.as_str(), message.receipt_handle.clone()));
        let deleted = self.store.write(|sqs, now| sqs.delete_batch(&self.source.queue, entries.collect(), now));
        let refusal = match deleted {
            Ok(results) => results.into_iter().find_map(|(_, result)| result.err()),
            Err(error) => Some(error),
        };
        if let Some(error) = refusal {
            tracing::warn!(%error, "done messages were not deleted and will come back");
        }
    }
}
