//! The dead-letter queue in SQS: messages that crashed the worker too often.

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use podio_lifecycle::ports::{DeadLetter, DeadLetters, QueueError};

use super::jobs::AT_ONCE;
use crate::aws_error::code;

/// The dead-letter queue.
#[derive(Debug, Clone)]
pub struct SqsDeadLetters {
    client: Client,
    queue_url: String,
}

impl SqsDeadLetters {
    /// The queue at that URL.
    pub fn new(client: Client, queue_url: impl Into<String>) -> Self {
        Self { client, queue_url: queue_url.into() }
    }
}

#[async_trait]
impl DeadLetters for SqsDeadLetters {
    async fn receive(&self) -> Result<Vec<DeadLetter>, QueueError> {
        let request = self.client.receive_message().queue_url(&self.queue_url);
        let answer = request.max_number_of_messages(i32::try_from(AT_ONCE).unwrap_or(1)).send().await;
        let answer = answer.map_err(|error| QueueError(code(&error).to_owned()))?;
        let letters = answer.messages.unwrap_or_default().into_iter().map(|message| DeadLetter {
            body: message.body.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
        });
        Ok(letters.collect())
    }

    async fn delete(&self, receipt: &str) -> Result<(), QueueError> {
        let request = self.client.delete_message().queue_url(&self.queue_url).receipt_handle(receipt);
        request.send().await.map(|_| ()).map_err(|error| QueueError(code(&error).to_owned()))
    }
}
