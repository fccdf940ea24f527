//! Message ids and receipt handles, derived from a seed and a count.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::SqsError;

/// SQS's id of a message: it stays the same over receives and in the dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(String);

impl MessageId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hands out numbers, each once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Mint {
    seed: u64,
    queues: u32,
    messages: u64,
}

impl Mint {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, queues: 0, messages: 0 }
    }

    pub(super) fn next_queue(&mut self) -> u32 {
        self.queues += 1;
        self.queues
    }

    /// A message's place in the order of sending, and its public id: a UUID by looks, the seed and the place by origin.
    pub(super) fn next_message(&mut self) -> (u64, MessageId) {
        self.messages += 1;
        let high = mix(self.seed ^ self.messages.rotate_left(32));
        let low = mix(high ^ self.messages);
        let id = format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        );
        (self.messages, MessageId(id))
    }
}

/// Spreads a number over all 64 bits (the finalizer of SplitMix64).
pub(super) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One receive of one message in one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReceiptHandle {
    pub(super) queue: u32,
    pub(super) message: u64,
    pub(super) receive: u32,
}

impl ReceiptHandle {
    const DIGITS: usize = 32;

    /// The handle that `text` stands for.
    pub(super) fn parse(text: &str) -> Result<Self, SqsError> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != Self::DIGITS || !text.bytes().all(digit) {
            return Err(SqsError::ReceiptHandleIsInvalid);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| SqsError::ReceiptHandleIsInvalid)?;
        // Cut to the width each part was written with.
        Ok(Self { queue: (number >> 96) as u32, message: (number >> 32) as u64, receive: number as u32 })
    }
}

impl fmt::Display for ReceiptHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}{:016x}{:08x}", self.queue, self.message, self.receive)
    }
}
