//! One standard queue: who sees a message, and when.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Counts, Glimpse, MAX_DELAY, MAX_VISIBILITY_TIMEOUT, MessageId, NewMessage, Order, Receive, Received, Sent,
    Settings, SqsError,
    identifiers::{Mint, ReceiptHandle, mix},
    message::{Message, check_body, md5_hex},
};

/// Further receives get nothing while so many messages are in flight.
const MAX_IN_FLIGHT: usize = 120_000;
/// A queue can be purged once in this time.
const PURGE_PAUSE: Duration = Duration::from_secs(60);

/// The messages of one queue by their place in the order of sending.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Queue {
    ordinal: u32,
    pub(super) settings: Settings,
    messages: BTreeMap<u64, Message>,
    purged_at: Option<Timestamp>,
}

/// What a receive took from the queue.
pub(super) struct Taken {
    pub(super) received: Vec<Received>,
    pub(super) dead: Vec<(u64, Message)>,
    pub(super) dead_letter_queue: Option<String>,
}

impl Queue {
    pub(super) fn new(ordinal: u32, settings: Settings) -> Self {
        Self { ordinal, settings, messages: BTreeMap::new(), purged_at: None }
    }

    pub(super) fn send(&mut self, message: NewMessage, mint: &mut Mint, now: Timestamp) -> Result<Sent, SqsError> {
        check_body(&message.body)?;
        let delay = whole_seconds(message.delay.unwrap_or(self.settings.delay));
        if delay > MAX_DELAY {
            return Err(SqsError::InvalidParameterValue {
                parameter: "DelaySeconds",
                reason: "must be >= 0 and <= 900",
            });
        }
        let (key, id) = mint.next_message();
        let sent = Sent { message_id: id.clone(), md5_of_body: md5_hex(&message.body) };
        let message = Message {
            id,
            body: message.body,
            sent_at: now,
            visible_at: now + delay,
            receive_count: 0,
            first_received_at: None,
            received_at: None,
            dead_letter_source: None,
        };
        self.messages.insert(key, message);
        Ok(sent)
    }

    pub(super) fn receive(&mut self, request: &Receive, now: Timestamp) -> Result<Taken, SqsError> {
        if !(1..=10).contains(&request.max) {
            return Err(SqsError::InvalidParameterValue {
                parameter: "MaxNumberOfMessages",
                reason: "must be between 1 and 10, if provided",
            });
        }
        let timeout = checked_visibility(request.visibility_timeout.unwrap_or(self.settings.visibility_timeout))?;
        self.forget_expired(now);
        if self.counts(now).in_flight >= MAX_IN_FLIGHT {
            return Err(SqsError::OverLimit);
        }

        let redrive = self.settings.redrive.clone();
        let is_dead = |message: &Message| {
            redrive.as_ref().is_some_and(|policy| message.receive_count >= policy.max_receive_count)
        };
        let mut taken = Taken { received: Vec::new(), dead: Vec::new(), dead_letter_queue: None };
        for key in self.visible_in_order(request.order, now) {
            if taken.received.len() == request.max {
                break;
            }
            if self.messages.get(&key).is_some_and(is_dead) {
                taken.dead.extend(self.messages.remove_entry(&key));
            } else if let Some(message) = self.messages.get_mut(&key) {
                taken.received.push(hand_over(message, self.ordinal, key, timeout, now));
            }
        }
        taken.dead_letter_queue = redrive.map(|policy| policy.dead_letter_queue);
        Ok(taken)
    }

    /// Takes in what another queue gave up. The receives so far and the time of sending stay; in AWS, too, they do.
    pub(super) fn accept_dead_letter(&mut self, key: u64, message: Message, source: &str, now: Timestamp) {
        let dead =
            Message { visible_at: now, received_at: None, dead_letter_source: Some(source.to_owned()), ..message };
        self.messages.insert(key, dead);
    }

    pub(super) fn delete(&mut self, receipt_handle: &str, now: Timestamp) -> Result<(), SqsError> {
        self.forget_expired(now);
        let handle = self.handle(receipt_handle)?;
        if self.messages.get(&handle.message).is_some_and(|message| message.receive_count == handle.receive) {
            self.messages.remove(&handle.message);
        }
        Ok(())
    }

    pub(super) fn change_visibility(
        &mut self,
        receipt_handle: &str,
        timeout: Duration,
        now: Timestamp,
    ) -> Result<(), SqsError> {
        let timeout = checked_visibility(timeout)?;
        self.forget_expired(now);
        let handle = self.handle(receipt_handle)?;
        let message = self
            .messages
            .get_mut(&handle.message)
            .filter(|message| message.receive_count == handle.receive && !message.is_visible(now))
            .ok_or(SqsError::MessageNotInflight)?;
        let visible_at = now + timeout;
        if message.received_at.is_some_and(|received_at| visible_at > received_at + MAX_VISIBILITY_TIMEOUT) {
            return Err(SqsError::VisibilityBeyondLimit);
        }
        message.visible_at = visible_at;
        Ok(())
    }

    pub(super) fn purge(&mut self, now: Timestamp) -> Result<(), SqsError> {
        if self.purged_at.is_some_and(|purged_at| now < purged_at + PURGE_PAUSE) {
            return Err(SqsError::PurgeQueueInProgress);
        }
        self.purged_at = Some(now);
        self.messages.clear();
        Ok(())
    }

    pub(super) fn counts(&self, now: Timestamp) -> Counts {
        self.kept(now).fold(Counts::default(), |mut counts, (_, message)| {
            match message {
                message if message.is_visible(now) => counts.visible += 1,
                Message { received_at: Some(_), .. } => counts.in_flight += 1,
                _ => counts.delayed += 1,
            }
            counts
        })
    }

    pub(super) fn glimpse(&self, now: Timestamp) -> Vec<Glimpse> {
        self.kept(now)
            .map(|(_, message)| Glimpse {
                message_id: message.id.clone(),
                body: message.body.clone(),
                receive_count: message.receive_count,
                sent_at: message.sent_at,
                visible_at: message.visible_at,
            })
            .collect()
    }

    pub(super) fn deliver_again(&mut self, id: &MessageId, now: Timestamp) -> bool {
        self.forget_expired(now);
        let message = self.messages.values_mut().find(|message| message.id == *id);
        message.map(|message| message.visible_at = message.visible_at.min(now)).is_some()
    }

    pub(super) fn next_visible(&self, now: Timestamp) -> Option<Timestamp> {
        self.appearances(now).map(|at| at.max(now)).min()
    }

    pub(super) fn next_appearance(&self, now: Timestamp) -> Option<Timestamp> {
        self.appearances(now).filter(|at| *at > now).min()
    }

    /// When each message is to be seen; never, for one that expires first.
    fn appearances(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> {
        let retention = self.settings.retention;
        self.kept(now)
            .filter(move |(_, message)| message.visible_at < message.sent_at + retention)
            .map(|(_, message)| message.visible_at)
    }

    fn kept(&self, now: Timestamp) -> impl Iterator<Item = (&u64, &Message)> {
        let retention = self.settings.retention;
        self.messages.iter().filter(move |(_, message)| now < message.sent_at + retention)
    }

    fn forget_expired(&mut self, now: Timestamp) {
        let retention = self.settings.retention;
        self.messages.retain(|_, message| now < message.sent_at + retention);
    }

    fn visible_in_order(&self, order: Order, now: Timestamp) -> Vec<u64> {
        let mut visible: Vec<_> = self.messages.iter().filter(|(_, message)| message.is_visible(now)).collect();
        match order {
            Order::LongestVisible => visible.sort_by_key(|(key, message)| (message.visible_at, **key)),
            Order::Shuffled(seed) => visible.sort_by_key(|(key, _)| mix(seed ^ mix(**key))),
        }
        visible.into_iter().map(|(key, _)| *key).collect()
    }

    fn handle(&self, text: &str) -> Result<ReceiptHandle, SqsError> {
        let handle = ReceiptHandle::parse(text)?;
        if handle.queue == self.ordinal { Ok(handle) } else { Err(SqsError::ReceiptHandleIsInvalid) }
    }
}

fn hand_over(message: &mut Message, queue: u32, key: u64, timeout: Duration, now: Timestamp) -> Received {
    message.receive_count += 1;
    message.received_at = Some(now);
    message.visible_at = now + timeout;
    let first_received_at = *message.first_received_at.get_or_insert(now);
    Received {
        message_id: message.id.clone(),
        receipt_handle: ReceiptHandle { queue, message: key, receive: message.receive_count }.to_string(),
        body: message.body.clone(),
        md5_of_body: md5_hex(&message.body),
        receive_count: message.receive_count,
        sent_at: message.sent_at,
        first_received_at,
        dead_letter_source: message.dead_letter_source.clone(),
    }
}

/// SQS counts whole seconds; a fraction never reaches it.
fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs())
}

fn checked_visibility(timeout: Duration) -> Result<Duration, SqsError> {
    if timeout > MAX_VISIBILITY_TIMEOUT {
        return Err(SqsError::InvalidParameterValue {
            parameter: "VisibilityTimeout",
            reason: "must be >= 0 and <= 43200",
        });
    }
    Ok(whole_seconds(timeout))
}
