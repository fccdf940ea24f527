//! What goes in and comes out: messages as a sender, a consumer and a test's oracle see them.

use std::{fmt::Write as _, time::Duration};

use jiff::Timestamp;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use super::{MAX_MESSAGE_BYTES, MessageId, SqsError};

/// A message to send.
#[derive(Debug, Clone, Default)]
pub struct NewMessage {
    /// The text, 1 byte to 1 MiB.
    pub body: String,
    /// How long nobody may see it, at most 15 minutes; the queue's own delay when `None`. Whole seconds count.
    pub delay: Option<Duration>,
}

impl NewMessage {
    /// A message that goes out with the queue's own delay.
    pub fn new(body: impl Into<String>) -> Self {
        Self { body: body.into(), delay: None }
    }

    /// The same message, hidden for `delay`.
    pub fn delayed(self, delay: Duration) -> Self {
        Self { delay: Some(delay), ..self }
    }
}

/// What SQS answers to a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The message's id.
    pub message_id: MessageId,
    /// Lower-case hexadecimal MD5 of the body.
    pub md5_of_body: String,
}

/// How to receive.
#[derive(Debug, Clone)]
pub struct Receive {
    /// At most so many messages, 1 to 10.
    pub max: usize,
    /// How long they stay hidden; the queue's own timeout when `None`. Whole seconds count.
    pub visibility_timeout: Option<Duration>,
    /// Which come first.
    pub order: Order,
}

impl Receive {
    /// Up to `max` messages with the queue's own visibility timeout, longest visible first.
    pub fn up_to(max: usize) -> Self {
        Self { max, visibility_timeout: None, order: Order::LongestVisible }
    }
}

/// Which visible message a receive takes first. A standard queue promises no order at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The one that has been visible the longest.
    LongestVisible,
    /// Any, as this seed has it.
    Shuffled(u64),
}

/// A message in the hands of a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The message's id.
    pub message_id: MessageId,
    /// What deletes it or changes its visibility, until it is received again.
    pub receipt_handle: String,
    /// The text as it was sent.
    pub body: String,
    /// Lower-case hexadecimal MD5 of the body.
    pub md5_of_body: String,
    /// How often it was received, this time included (`ApproximateReceiveCount`).
    pub receive_count: u32,
    /// When it was sent (`SentTimestamp`); a move to the dead-letter queue does not change it.
    pub sent_at: Timestamp,
    /// When it was first received (`ApproximateFirstReceiveTimestamp`).
    pub first_received_at: Timestamp,
    /// The queue it died in, when this is a dead-letter queue.
    pub dead_letter_source: Option<String>,
}

/// How many messages a queue holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// To be received (`ApproximateNumberOfMessages`).
    pub visible: usize,
    /// In the hands of a consumer (`ApproximateNumberOfMessagesNotVisible`).
    pub in_flight: usize,
    /// Not yet to be received (`ApproximateNumberOfMessagesDelayed`).
    pub delayed: usize,
}

/// A message as a test's oracle sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glimpse {
    /// The message's id.
    pub message_id: MessageId,
    /// The text as it was sent.
    pub body: String,
    /// How often it was received.
    pub receive_count: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it can be received, in the past when it can be now.
    pub visible_at: Timestamp,
}

/// A message at rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) id: MessageId,
    pub(super) body: String,
    pub(super) sent_at: Timestamp,
    pub(super) visible_at: Timestamp,
    pub(super) receive_count: u32,
    pub(super) first_received_at: Option<Timestamp>,
    /// The latest receive in this queue: from here on the twelve hours in flight count.
    pub(super) received_at: Option<Timestamp>,
    pub(super) dead_letter_source: Option<String>,
}

impl Message {
    pub(super) fn is_visible(&self, now: Timestamp) -> bool {
        self.visible_at <= now
    }
}

/// Refuses a body that SQS would refuse.
pub(super) fn check_body(body: &str) -> Result<(), SqsError> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    if body.is_empty() {
        Err(SqsError::MissingParameter("MessageBody"))
    } else if body.len() > MAX_MESSAGE_BYTES {
        Err(SqsError::InvalidParameterValue { parameter: "MessageBody", reason: "must be shorter than 1048576 bytes" })
    } else if !body.chars().all(allowed) {
        Err(SqsError::InvalidMessageContents)
    } else {
        Ok(())
    }
}

/// Lower-case hexadecimal MD5, which SQS shows for each body.
pub fn md5_hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().fold(String::with_capacity(32), |mut hex, byte| {
        // Writing to a String does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
