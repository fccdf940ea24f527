//! One message as the queue hands it over, and what becomes of it.

use aws_lambda_events::sqs::SqsMessage;
use podio_lifecycle::job::{BadJob, Job};

/// A received message.
#[derive(Debug, Clone)]
pub struct Message {
    /// The queue's id, by which a failure is reported.
    pub id: String,
    /// The handle to put it back with.
    pub receipt: String,
    /// How often it was received, this time included.
    pub receives: u32,
    /// What it asks for.
    pub job: Result<Job, BadJob>,
}

impl Message {
    /// Reads a record of the event. A record without an id cannot be reported, and then the whole batch has to fail;
    /// real queues always give one.
    pub fn read(record: &SqsMessage) -> Option<Self> {
        let receives =
            record.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1);
        Some(Self {
            id: record.message_id.clone()?,
            receipt: record.receipt_handle.clone().unwrap_or_default(),
            receives,
            job: Job::decode(record.body.as_deref().unwrap_or_default()),
        })
    }
}

/// What the queue is told of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Finished: the queue forgets it.
    Done,
    /// Not finished: it will show again.
    Again,
}
