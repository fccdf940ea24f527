//! Jobs: one message on the queue each. They carry ids only, are versioned, and are safe to run twice.

use serde::{Deserialize, Serialize};

use crate::{
    hooks::{DeliveryId, RefType},
    ids::{OffboardingId, SpaceId},
};

/// The version of the message format that this code writes and reads.
pub const VERSION: u8 = 1;

/// One piece of work for the worker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case", deny_unknown_fields)]
pub enum Job {
    /// Find the person, preview the removal, list the spaces.
    Plan {
        /// Whose plan.
        offboarding: OffboardingId,
    },
    /// Take the leaver out of one space.
    RemoveFromSpace {
        /// Whose removal.
        offboarding: OffboardingId,
        /// The batch that tracks the space.
        batch: BatchKey,
        /// The space to leave.
        space: SpaceId,
    },
    /// Reserve the slots for the end of an offboarding some of whose spaces are left by the calls of others.
    ReserveEnd {
        /// Whose end.
        offboarding: OffboardingId,
    },
    /// End the organization membership, once every space is settled.
    RemoveFromOrg {
        /// Whose removal.
        offboarding: OffboardingId,
    },
    /// Read back that the person is gone.
    VerifyRemoval {
        /// Whose removal.
        offboarding: OffboardingId,
    },
    /// Do what a delivery of a hook asks for.
    Delivery {
        /// Which.
        delivery: DeliveryId,
    },
    /// See to it that the hooks of one object are there and active.
    KeepHooks {
        /// The type of the object.
        ref_type: RefType,
        /// Its id.
        ref_id: u64,
    },
}

/// Names one batch of space removals of an offboarding: which plan it belongs to and its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BatchKey {
    /// The plan, named by the revision of the offboarding at which planning began; a new plan never meets an old one's
    /// batches.
    pub plan: u64,
    /// The place in the plan, from 0.
    pub number: u32,
}

impl Job {
    /// The offboarding that the job is part of, if it is of one.
    pub fn offboarding(&self) -> Option<&OffboardingId> {
        match self {
            Self::Plan { offboarding }
            | Self::RemoveFromSpace { offboarding, .. }
            | Self::ReserveEnd { offboarding }
            | Self::RemoveFromOrg { offboarding }
            | Self::VerifyRemoval { offboarding } => Some(offboarding),
            Self::Delivery { .. } | Self::KeepHooks { .. } => None,
        }
    }

    /// What the job is about, for logs: the id of an offboarding or of a delivery, or an object that has hooks.
    pub fn subject(&self) -> String {
        match self {
            Self::Plan { offboarding }
            | Self::RemoveFromSpace { offboarding, .. }
            | Self::ReserveEnd { offboarding }
            | Self::RemoveFromOrg { offboarding }
            | Self::VerifyRemoval { offboarding } => offboarding.to_string(),
            Self::Delivery { delivery } => delivery.to_string(),
            Self::KeepHooks { ref_type, ref_id } => format!("{}/{ref_id}", ref_type.as_str()),
        }
    }

    /// The kind of job, for logs and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Plan { .. } => "plan",
            Self::RemoveFromSpace { .. } => "remove_from_space",
            Self::ReserveEnd { .. } => "reserve_end",
            Self::RemoveFromOrg { .. } => "remove_from_org",
            Self::VerifyRemoval { .. } => "verify_removal",
            Self::Delivery { .. } => "delivery",
            Self::KeepHooks { .. } => "keep_hooks",
        }
    }

    /// The message body.
    pub fn encode(&self) -> String {
        #[derive(Serialize)]
        struct Versioned<'a> {
            v: u8,
            body: &'a Job,
        }
        // Serialising our own ids and integers cannot fail.
        serde_json::to_string(&Versioned { v: VERSION, body: self }).unwrap_or_default()
    }

    /// Reads a message body.
    pub fn decode(text: &str) -> Result<Self, BadJob> {
        #[derive(Deserialize)]
        struct Version {
            v: u64,
        }
        #[derive(Deserialize)]
        struct Versioned {
            body: Job,
        }
        let Version { v } = serde_json::from_str(text).map_err(|_| BadJob::Malformed)?;
        if v != u64::from(VERSION) {
            return Err(BadJob::Version(v));
        }
        serde_json::from_str(text).map(|Versioned { body }| body).map_err(|_| BadJob::Malformed)
    }
}

/// A message that is not a job this code understands. It is left to the dead-letter queue, where a person sees it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadJob {
    /// Not JSON, or not of a job's shape.
    #[error("the message is not a job")]
    Malformed,
    /// Written by another version.
    #[error("the message has version {0}, this worker reads version {VERSION}")]
    Version(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> OffboardingId {
        OffboardingId::new(jiff::Timestamp::UNIX_EPOCH, [1; 10])
    }

    #[test]
    fn every_kind_survives_the_queue() {
        let batch = BatchKey { plan: 3, number: 7 };
        for job in [
            Job::Plan { offboarding: id() },
            Job::RemoveFromSpace { offboarding: id(), batch, space: SpaceId(42) },
            Job::ReserveEnd { offboarding: id() },
            Job::RemoveFromOrg { offboarding: id() },
            Job::VerifyRemoval { offboarding: id() },
            Job::Delivery { delivery: format!("dlv_{}", "0a".repeat(16)).parse().unwrap() },
            Job::KeepHooks { ref_type: RefType::AppField, ref_id: 7 },
        ] {
            assert_eq!(Job::decode(&job.encode()), Ok(job));
        }
    }

    #[test]
    fn what_an_earlier_version_sent_is_still_understood() {
        let plan = format!(r#"{{"v":1,"body":{{"job":"plan","offboarding":"{}"}}}}"#, id());
        assert_eq!(Job::decode(&plan), Ok(Job::Plan { offboarding: id() }));
    }

    #[test]
    fn foreign_messages_are_named_for_what_they_are() {
        assert_eq!(Job::decode("hello"), Err(BadJob::Malformed));
        assert_eq!(Job::decode(r#"{"v":1,"body":{"job":"dance"}}"#), Err(BadJob::Malformed));
        assert_eq!(Job::decode(r#"{"v":2,"body":{}}"#), Err(BadJob::Version(2)));
    }
}
