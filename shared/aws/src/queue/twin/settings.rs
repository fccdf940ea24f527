//! A queue's settings and the ranges that SQS allows for them.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::SqsError;

/// The longest that a message may stay hidden after one receive.
pub const MAX_VISIBILITY_TIMEOUT: Duration = Duration::from_hours(12);
/// The longest delay of a message that was just sent.
pub const MAX_DELAY: Duration = Duration::from_mins(15);
/// The longest that a receive waits for a message.
pub const MAX_WAIT: Duration = Duration::from_secs(20);
/// The longest body.
pub const MAX_MESSAGE_BYTES: usize = 1_048_576;

/// The settings of a standard queue that have an effect here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How long a received message stays hidden (`VisibilityTimeout`).
    pub visibility_timeout: Duration,
    /// How long a message that was sent stays hidden (`DelaySeconds`).
    pub delay: Duration,
    /// How long a message is kept (`MessageRetentionPeriod`).
    pub retention: Duration,
    /// How long a receive waits for a message (`ReceiveMessageWaitTimeSeconds`).
    pub wait: Duration,
    /// Where messages go that are received too often (`RedrivePolicy`).
    pub redrive: Option<RedrivePolicy>,
}

/// When a message is given up, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedrivePolicy {
    /// The name of the dead-letter queue.
    pub dead_letter_queue: String,
    /// So many receives are allowed; 1 to 1,000.
    pub max_receive_count: u32,
}

impl Default for Settings {
    /// What SQS gives to a queue that asks for nothing.
    fn default() -> Self {
        Self {
            visibility_timeout: Duration::from_secs(30),
            delay: Duration::ZERO,
            retention: Duration::from_hours(4 * 24),
            wait: Duration::ZERO,
            redrive: None,
        }
    }
}

/// The policy as SQS's JSON has it. AWS takes the count as a number or as text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePolicy {
    dead_letter_target_arn: String,
    max_receive_count: NumberOrText,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u32),
    Text(String),
}

impl Settings {
    /// These settings with SQS's own attributes set on top.
    ///
    /// # Errors
    /// [`SqsError::InvalidAttributeName`] or [`SqsError::InvalidAttributeValue`]; nothing is half-set.
    pub fn with(mut self, attributes: &BTreeMap<String, String>) -> Result<Self, SqsError> {
        for (name, value) in attributes {
            self.set(name, value)?;
        }
        Ok(self)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), SqsError> {
        let seconds = |range: std::ops::RangeInclusive<u64>, reason: &'static str| {
            value
                .parse::<u64>()
                .ok()
                .filter(|number| range.contains(number))
                .map(Duration::from_secs)
                .ok_or(SqsError::InvalidAttributeValue { name: name.to_owned(), reason })
        };
        match name {
            "VisibilityTimeout" => self.visibility_timeout = seconds(0..=43_200, "must be between 0 and 43200")?,
            "DelaySeconds" => self.delay = seconds(0..=900, "must be between 0 and 900")?,
            "MessageRetentionPeriod" => self.retention = seconds(60..=1_209_600, "must be between 60 and 1209600")?,
            "ReceiveMessageWaitTimeSeconds" => self.wait = seconds(0..=20, "must be between 0 and 20")?,
            "RedrivePolicy" => self.redrive = redrive_policy(value)?,
            // Real attributes without an effect on one machine.
            "SqsManagedSseEnabled"
            | "KmsMasterKeyId"
            | "KmsDataKeyReusePeriodSeconds"
            | "Policy"
            | "RedriveAllowPolicy"
            | "MaximumMessageSize" => {}
            unknown => return Err(SqsError::InvalidAttributeName(unknown.to_owned())),
        }
        Ok(())
    }
}

fn redrive_policy(json: &str) -> Result<Option<RedrivePolicy>, SqsError> {
    let wrong = |reason| SqsError::InvalidAttributeValue { name: "RedrivePolicy".to_owned(), reason };
    if json.is_empty() {
        return Ok(None);
    }
    let policy: WirePolicy = serde_json::from_str(json).map_err(|_| wrong("not a redrive policy"))?;
    let count = match policy.max_receive_count {
        NumberOrText::Number(count) => Some(count),
        NumberOrText::Text(text) => text.parse().ok(),
    };
    let max_receive_count =
        count.filter(|count| (1..=1000).contains(count)).ok_or(wrong("maxReceiveCount must be between 1 and 1000"))?;
    match policy.dead_letter_target_arn.rsplit(':').next() {
        Some(name) if !name.is_empty() => {
            Ok(Some(RedrivePolicy { dead_letter_queue: name.to_owned(), max_receive_count }))
        }
        _ => Err(wrong("deadLetterTargetArn is no ARN")),
    }
}
