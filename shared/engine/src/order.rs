//! What is sent through the queue: an order to make the next calls of one job, or a word that there is something to
//! dispatch. Orders carry ids and moments only, are versioned, and are safe to be received twice.

use jiff::Timestamp;
use podio_lifecycle::work::JobId;
use serde::{Deserialize, Serialize};

/// The version of the message format that this code writes and reads.
pub const VERSION: u8 = 2;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case", deny_unknown_fields)]
pub enum Message {
    /// Something waits: dispatch.
    Wake,
    /// The moments of a job have come.
    Run(Order),
}

/// The moments of one attempt at a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Which job.
    pub job: JobId,
    /// When each of its calls may be sent, and under which ceiling it was reserved. Never empty.
    pub moments: Vec<Reserved>,
}

/// One moment that was reserved for one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reserved {
    /// When the call may be sent.
    pub at: Timestamp,
    /// The ceiling under which it counts.
    pub limit: u32,
}

impl Order {
    /// What the attempt is known by: its first moment.
    pub fn attempt(&self) -> Timestamp {
        self.moments.first().map_or(Timestamp::MIN, |first| first.at)
    }
}

impl Message {
    /// The message body.
    pub fn encode(&self) -> String {
        #[derive(Serialize)]
        struct Versioned<'a> {
            v: u8,
            body: &'a Message,
        }
        // Serialising our own ids and times cannot fail.
        serde_json::to_string(&Versioned { v: VERSION, body: self }).unwrap_or_default()
    }

    /// Reads a message body.
    ///
    /// # Errors
    /// It is no message of this version.
    pub fn decode(text: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Version {
            v: u64,
        }
        #[derive(Deserialize)]
        struct Versioned {
            body: Message,
        }
        let Version { v } = serde_json::from_str(text).map_err(|_| Unreadable::Malformed)?;
        if v != u64::from(VERSION) {
            return Err(Unreadable::Version(v));
        }
        let Versioned { body } = serde_json::from_str(text).map_err(|_| Unreadable::Malformed)?;
        match &body {
            Self::Run(order) if order.moments.is_empty() => Err(Unreadable::Malformed),
            _ => Ok(body),
        }
    }
}

/// A message that this code does not understand. It is left to the dead-letter queue, where a person sees it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON, or not of a message's shape.
    #[error("the message is not one of ours")]
    Malformed,
    /// Written by another version.
    #[error("the message has version {0}, this function reads version {VERSION}")]
    Version(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_survives_the_queue() {
        let moments = vec![Reserved { at: "2026-12-01T08:00:00.25Z".parse().unwrap(), limit: 250 }];
        let order = Order { job: JobId::new(JobId::SPACE, "off_1/3/42"), moments };
        for message in [Message::Wake, Message::Run(order)] {
            assert_eq!(Message::decode(&message.encode()), Ok(message));
        }
    }

    #[test]
    fn what_is_not_ours_is_named_for_what_it_is() {
        assert_eq!(Message::decode("hello"), Err(Unreadable::Malformed));
        assert_eq!(Message::decode(r#"{"v":2,"body":{"message":"dance"}}"#), Err(Unreadable::Malformed));
        assert_eq!(Message::decode(r#"{"v":1,"body":{"job":"plan"}}"#), Err(Unreadable::Version(1)));
        let empty = r#"{"v":2,"body":{"message":"run","job":{"kind":"space","subject":"1"},"moments":[]}}"#;
        assert_eq!(Message::decode(empty), Err(Unreadable::Malformed));
    }
}
