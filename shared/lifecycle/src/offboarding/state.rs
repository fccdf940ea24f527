//! Where an offboarding stands.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Draft, Finalizing, Interrupted, Leaver, OnHold, Plan, Planning, Removing, Scheduled, Stage, Verifying, is_default,
};
use crate::{evidence::Sealed, hold::Reason, ids::OffboardingId};

/// How a completed offboarding ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The person was removed, and that was verified.
    Removed,
    /// The person, who was known once, was not a member to begin with; two look-ups agree.
    AlreadyGone,
    /// Nobody was ever known by that address or id: a typing mistake, perhaps, and somebody else has to leave.
    Unknown,
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

/// Where an offboarding stands, with all that only this state knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum State {
    /// Its time has not come.
    Scheduled(Scheduled),
    /// The person and the spaces are being found.
    Planning(Planning),
    /// It waits for a person.
    Held {
        /// Why.
        reasons: Vec<Reason>,
        /// What goes on after the approval.
        stopped: OnHold,
    },
    /// The spaces are being left.
    Removing(Removing),
    /// The organization is being left.
    Finalizing(Finalizing),
    /// It is being read back.
    Verifying(Verifying),
    /// Done.
    Completed {
        /// When.
        at: Timestamp,
        /// With which result.
        end: End,
        /// Its evidence, which is sealed as it completes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        closing: Option<Closing>,
    },
    /// A person must look; `retry` resumes.
    Failed {
        /// Why.
        failure: Failure,
        /// What `retry` resumes.
        stopped: Interrupted,
        /// Its evidence, once it is sealed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        closing: Option<Closing>,
    },
    /// Called off.
    Cancelled {
        /// The offboarding of the same person that made this one superfluous.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duplicate_of: Option<OffboardingId>,
        /// What there was. Nothing of it was carried out.
        left: Abandoned,
        /// Its evidence, once it is sealed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        closing: Option<Closing>,
    },
}

/// How a completed offboarding ended, with what is known of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The person was removed, and that was verified.
    Removed {
        /// What was carried out.
        plan: Plan,
        /// When Podio last confirmed the end of the organization membership.
        left_at: Timestamp,
        /// When the person was seen to be a member again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        returned_at: Option<Timestamp>,
    },
    /// The person, who was known once, was not a member to begin with.
    AlreadyGone(Draft),
    /// Nobody was ever known by that address or id.
    Unknown(Draft),
    /// A dry run.
    Planned {
        /// What would have been carried out.
        plan: Plan,
        /// What it would have been held for.
        #[serde(default, skip_serializing_if = "is_default")]
        would_hold: Vec<Reason>,
    },
    /// A dry run in which it was not certain who is meant.
    Undecided {
        /// How far it had got.
        draft: Draft,
        /// What it would have been held for.
        would_hold: Vec<Reason>,
    },
}

/// How far one that was called off had got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Abandoned {
    /// Its time had not come.
    Scheduled {
        /// Who it was found to be by an earlier plan.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leaver: Option<Leaver>,
    },
    /// A plan was being made.
    Draft(Draft),
    /// A plan stood, and waited for a person.
    Plan(Plan),
}

/// What was noted when the evidence was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Calls to Podio.
    pub calls: u32,
    /// The seal over the evidence.
    pub seal: Sealed,
}

/// Where an offboarding stands, without what is known there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Its time has not come.
    Scheduled,
    /// The person and the spaces are being found.
    Planning,
    /// It waits for a person.
    Held,
    /// The spaces are being left.
    Removing,
    /// The organization is being left.
    Finalizing,
    /// It is being read back.
    Verifying,
    /// Done, with that result.
    Completed(Outcome),
    /// A person must look.
    Failed,
    /// Called off.
    Cancelled,
}

impl Status {
    /// The name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Planning => "planning",
            Self::Held => "held",
            Self::Removing => "removing",
            Self::Finalizing => "finalizing",
            Self::Verifying => "verifying",
            Self::Completed(_) => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl End {
    /// The result.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Removed { .. } => Outcome::Removed,
            Self::AlreadyGone(_) => Outcome::AlreadyGone,
            Self::Unknown(_) => Outcome::Unknown,
            Self::Planned { .. } | Self::Undecided { .. } => Outcome::Planned,
        }
    }
}

impl State {
    /// Every name in the contract.
    pub const NAMES: [&'static str; 9] =
        ["scheduled", "planning", "held", "removing", "finalizing", "verifying", "completed", "failed", "cancelled"];

    /// Where it stands, without what is known there.
    pub fn status(&self) -> Status {
        match self {
            Self::Scheduled(_) => Status::Scheduled,
            Self::Planning(_) => Status::Planning,
            Self::Held { .. } => Status::Held,
            Self::Removing(_) => Status::Removing,
            Self::Finalizing(_) => Status::Finalizing,
            Self::Verifying(_) => Status::Verifying,
            Self::Completed { end, .. } => Status::Completed(end.outcome()),
            Self::Failed { .. } => Status::Failed,
            Self::Cancelled { .. } => Status::Cancelled,
        }
    }

    /// The name in the contract.
    pub fn name(&self) -> &'static str {
        self.status().name()
    }

    /// Whether it is over for good. A failed one can still be resumed.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Completed { .. } | Self::Cancelled { .. } => true,
            Self::Scheduled(_)
            | Self::Planning(_)
            | Self::Held { .. }
            | Self::Removing(_)
            | Self::Finalizing(_)
            | Self::Verifying(_)
            | Self::Failed { .. } => false,
        }
    }

    /// The stage that is at work, if one is.
    pub fn stage(&self) -> Option<Stage> {
        match self {
            Self::Planning(_) => Some(Stage::Planning),
            Self::Removing(_) => Some(Stage::Removing),
            Self::Finalizing(_) => Some(Stage::Finalizing),
            Self::Verifying(_) => Some(Stage::Verifying),
            Self::Scheduled(_)
            | Self::Held { .. }
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// What is left of the stage at work when something stops it; none where none is at work.
    pub(super) fn interrupted(self) -> Option<Interrupted> {
        Some(match self {
            Self::Planning(it) => Interrupted::Planning(it.draft),
            Self::Removing(it) => Interrupted::Removing(it.plan),
            Self::Finalizing(it) => Interrupted::Finalizing { plan: it.plan, claim: it.claim.ended() },
            Self::Verifying(it) => Interrupted::Verifying { plan: it.plan, deleted_at: it.deleted_at },
            Self::Scheduled(_)
            | Self::Held { .. }
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. } => return None,
        })
    }

    /// Whether a second request may still change it.
    pub(super) fn can_be_merged_into(&self) -> bool {
        match self {
            Self::Scheduled(_) | Self::Planning(_) => true,
            Self::Held { stopped, .. } => stopped.stage() == Stage::Planning,
            Self::Removing(_)
            | Self::Finalizing(_)
            | Self::Verifying(_)
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. } => false,
        }
    }
}

/// Done at that time, the evidence not yet sealed.
pub(super) fn completed(at: Timestamp, end: End) -> State {
    State::Completed { at, end, closing: None }
}

/// Called off, the evidence not yet sealed.
pub(super) fn cancelled(left: Abandoned, duplicate_of: Option<OffboardingId>) -> State {
    State::Cancelled { duplicate_of, left, closing: None }
}

/// Stopped by a failure, the evidence not yet sealed.
pub(super) fn failed(failure: Failure, stopped: Interrupted) -> State {
    State::Failed { failure, stopped, closing: None }
}
