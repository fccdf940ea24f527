//! The queue in SQS: orders for the worker, and the word that something waits.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};
use jiff::SignedDuration;
use podio_engine::{Message, ports::SendMessages};
use podio_lifecycle::ports::{QueueError, WakeWorker};

use crate::{aws_error::code, deadline, rules};

/// What one request carries.
pub(super) const AT_ONCE: usize = 10;

/// The job queue.
#[derive(Debug, Clone)]
pub struct SqsJobs {
    client: Client,
    queue_url: String,
    patience: Duration,
}

impl SqsJobs {
    /// The queue at that URL.
    pub fn new(client: Client, queue_url: impl Into<String>) -> Self {
        Self { client, queue_url: queue_url.into(), patience: Duration::MAX }
    }

    /// The same for a caller that waits no longer than `patience` until its messages are sent, however many requests they take.
    pub fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    async fn send_all(&self, messages: &[(Message, SignedDuration)]) -> Result<(), QueueError> {
        for messages in messages.chunks(AT_ONCE) {
            let entries = messages.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
            if let Some((left, _)) = self.send_batch(entries).await?
                && let Some((_, code)) = self.send_batch(left).await?
            {
                return Err(QueueError(code));
            }
        }
        Ok(())
    }

    /// Sends one request. What SQS did not take of it comes back, with the code of the last refusal.
    async fn send_batch(
        &self,
        entries: Vec<SendMessageBatchRequestEntry>,
    ) -> Result<Option<(Vec<SendMessageBatchRequestEntry>, String)>, QueueError> {
        let request = self.client.send_message_batch().queue_url(&self.queue_url);
        let answer = request.set_entries(Some(entries.clone())).send().await;
        let answer = answer.map_err(|error| QueueError(code(&error).to_owned()))?;
        let refused = |entry: &SendMessageBatchRequestEntry| answer.failed().iter().any(|it| it.id() == entry.id());
        let left: Vec<_> = entries.into_iter().filter(refused).collect();
        Ok(answer.failed().last().map(|last| (left, last.code().to_owned())))
    }
}

#[async_trait]
impl SendMessages for SqsJobs {
    async fn send(&self, messages: &[(Message, SignedDuration)]) -> Result<(), QueueError> {
        deadline::within(self.patience, self.send_all(messages)).await
    }
}

fn entry(
    (n, (message, delay)): (usize, &(Message, SignedDuration)),
) -> Result<SendMessageBatchRequestEntry, QueueError> {
    let delay = i32::try_from(rules::delay_seconds(*delay)).unwrap_or_default();
    let entry = SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(message.encode());
    entry.delay_seconds(delay).build().map_err(|_| QueueError("malformed request".to_owned()))
}

#[async_trait]
impl WakeWorker for SqsJobs {
    async fn wake(&self) -> Result<(), QueueError> {
        self.send(&[(Message::Wake, SignedDuration::ZERO)]).await
    }
}
