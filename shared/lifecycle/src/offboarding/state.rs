//! Where an offboarding stands.

use serde::{Deserialize, Serialize};

use crate::{hold::Reason, ids::OffboardingId};

/// A stage that can be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Finding the person and the spaces.
    Planning,
    /// Leaving the spaces.
    Removing,
    /// Leaving the organization.
    Finalizing,
    /// Reading back.
    Verifying,
}

/// How a completed offboarding ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The person was removed, and that was verified.
    Removed,
    /// The person was not a member to begin with; two look-ups agree.
    AlreadyGone,
    /// A dry run: nothing was changed.
    Planned,
}

/// Why an offboarding failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// Podio does not know the organization.
    UnknownOrg,
    /// The acting account may not do what is needed.
    MissingRights,
    /// Podio does not accept the credential any more.
    CredentialRejected,
    /// The address fits nobody's account, but somebody's profile.
    PersonAmbiguous,
    /// Podio answered something that this version does not understand.
    UnexpectedAnswer,
    /// The person is a member still, after the removal was done over.
    StillAMember,
    /// The records contradict each other, so that going on would not be safe.
    Inconsistent,
    /// The job made the worker crash again and again.
    JobCrashed,
}

impl FailureCode {
    /// Its name, as it is stored and told.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownOrg => "unknown_org",
            Self::MissingRights => "missing_rights",
            Self::CredentialRejected => "credential_rejected",
            Self::PersonAmbiguous => "person_ambiguous",
            Self::UnexpectedAnswer => "unexpected_answer",
            Self::StillAMember => "still_a_member",
            Self::Inconsistent => "inconsistent",
            Self::JobCrashed => "job_crashed",
        }
    }
}

/// A failure, with a sentence that says what to fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of failure.
    pub code: FailureCode,
    /// What to do about it. Names no one.
    pub detail: String,
}

/// Where an offboarding stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum State {
    /// Its time has not come.
    Scheduled,
    /// The person and the spaces are being found.
    Planning,
    /// It waits for a person.
    Held {
        /// Why.
        reasons: Vec<Reason>,
        /// The stage that goes on after the approval.
        resume: Stage,
    },
    /// The spaces are being left.
    Removing,
    /// The organization is being left.
    Finalizing,
    /// It is being read back.
    Verifying,
    /// Done.
    Completed {
        /// With which result.
        outcome: Outcome,
    },
    /// A person must look; `retry` resumes.
    Failed {
        /// Why.
        failure: Failure,
        /// The stage that `retry` resumes.
        resume: Stage,
    },
    /// Called off.
    Cancelled {
        /// The offboarding of the same person that made this one superfluous.
        duplicate_of: Option<OffboardingId>,
    },
}

impl State {
    /// The name in the contract.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Planning => "planning",
            Self::Held { .. } => "held",
            Self::Removing => "removing",
            Self::Finalizing => "finalizing",
            Self::Verifying => "verifying",
            Self::Completed { .. } => "completed",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Every name in the contract.
    pub const NAMES: [&'static str; 9] =
        ["scheduled", "planning", "held", "removing", "finalizing", "verifying", "completed", "failed", "cancelled"];

    /// Whether it is over for good. A failed one can still be resumed.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Completed { .. } | Self::Cancelled { .. })
    }

    /// The stage that is at work, if one is.
    pub fn stage(&self) -> Option<Stage> {
        match self {
            Self::Planning => Some(Stage::Planning),
            Self::Removing => Some(Stage::Removing),
            Self::Finalizing => Some(Stage::Finalizing),
            Self::Verifying => Some(Stage::Verifying),
            _ => None,
        }
    }
}
