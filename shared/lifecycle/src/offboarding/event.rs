//! What can happen to an offboarding, and what follows.

use jiff::Timestamp;

use super::{Failure, Leaver, Offboarding, Request, Search};
use crate::{
    hold::{Decision, Reason},
    ids::{OffboardingId, SpaceId},
    job::Job,
    quota::Slot,
    removal::Tally,
};

/// The result of planning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The person.
    pub leaver: Leaver,
    /// Spaces to leave.
    pub spaces: u32,
    /// Batches that hold them and are still to be counted.
    pub batches: u32,
    /// The last of them.
    pub last_batch: Option<u32>,
    /// Whether some spaces are left by the calls of other leavers.
    pub rides: bool,
    /// Whether Podio's preview named the spaces: then it names each space that the organization removal ends.
    pub previewed: bool,
    /// Dangers, approved or not.
    pub reasons: Vec<Reason>,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The effective time has come.
    Due,
    /// A worker begins to plan, or goes on with it.
    PlanningBegun,
    /// The plan stands, and its batches are stored.
    Planned(Plan),
    /// Two different look-ups agree that there is no such member.
    NotAMember,
    /// Another offboarding of the same person runs already.
    Duplicate(OffboardingId),
    /// The last space of a batch was settled.
    BatchCounted(Tally),
    /// A worker spends slots that the stage's job waited for, so that no duplicate of it does.
    SlotsTaken {
        /// Those that are left for the next stage.
        left: Vec<Slot>,
    },
    /// A worker gives slots back that a cancelled plan waited for, so that no duplicate does.
    SlotsReturned,
    /// It is known when the last space is left, and behind it slots were reserved for the end.
    EndReserved {
        /// The slots.
        slots: Vec<Slot>,
        /// Whether one of them is for the read-back.
        alone: bool,
    },
    /// A worker is about to end the organization membership.
    OrgRemovalClaimed,
    /// The preview right before the organization removal shows a danger that nobody approved.
    OrgRemovalUnsafe(Vec<Reason>),
    /// Right before the organization removal, spaces were found that the plan does not settle; they are written down as
    /// further batches of the plan.
    SpacesFound {
        /// The batches.
        batches: u32,
        /// The spaces in them.
        spaces: u32,
        /// What those of them had come to that were part of the plan before.
        again: Tally,
        /// The number of the last batch.
        last_batch: u32,
        /// Suspects that are still to be looked into.
        left: Vec<SpaceId>,
    },
    /// Podio tells that somebody may have come into a space: it is to be looked into before the organization is left.
    LookAgain {
        /// The space.
        space: SpaceId,
    },
    /// Suspects were looked into, and the leaver is not in them.
    SuspectsCleared {
        /// Those that are still to be looked into.
        left: Vec<SpaceId>,
    },
    /// Podio confirmed the end of the membership, or that there is none.
    OrgRemovalDone,
    /// The read-back shows the person still there.
    StillAMember,
    /// A read-back that was sent at the time given shows the person gone.
    VerifiedGone {
        /// When the read-back was sent.
        asked_at: Timestamp,
    },
    /// The person, who was removed and proven gone, is a member again.
    Returned,
    /// The stage's job waits for its slots, with what it has found out.
    Parked {
        /// The slots reserved for it.
        slots: Vec<Slot>,
        /// When the last of them comes.
        until: Option<Timestamp>,
        /// Where planning has got to.
        search: Search,
    },
    /// The stage's job waits for something else than a slot. No failure.
    Paused {
        /// Until when.
        until: Timestamp,
        /// Where planning has got to.
        search: Search,
    },
    /// The stage's job failed for a reason outside and will be tried again.
    Faulted {
        /// When.
        again_at: Timestamp,
        /// Where planning has got to.
        search: Search,
    },
    /// A step failed for good.
    Failed(Failure),
    /// The sweep found no sign of life and sends the stage's jobs again.
    Resent,
    /// Somebody asks for the same person once more.
    AskedAgain(Box<Request>),
    /// A person accepts the dangers of one hold.
    Approved(Decision),
    /// A person calls it off.
    Cancelled,
    /// A person resumes it.
    Retried,
}

/// What happens to the claim on the person, in the same transaction as the change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PersonClaim {
    /// Nothing.
    #[default]
    Keep,
    /// All keys of the person are claimed for this offboarding; that fails if another one holds any.
    Take,
    /// The keys are free again.
    Release,
    /// The keys are free again, and the person is remembered as removed by this offboarding.
    Removed,
}

/// What is to be done once the change is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send one job.
    Enqueue(Job),
    /// Send a job for each space of the plan that is not settled.
    EnqueueSpaces,
    /// Seal the evidence; belongs into the same write.
    Seal,
}

/// What follows from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The offboarding afterwards, its revision not yet bumped.
    pub offboarding: Offboarding,
    /// What happens to the claim on the person.
    pub person: PersonClaim,
    /// What to do once it is stored.
    pub effects: Vec<Effect>,
}

/// Why an event has no place in a state. Nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The offboarding has moved on, or has not got there yet; a late or repeated message.
    #[error("the offboarding is in another state")]
    OutOfPlace,
    /// It is not held.
    #[error("the offboarding is not held, so there is nothing to approve")]
    NotHeld,
    /// Held, but by another hold than the one that was approved.
    #[error("another hold stands than the one that was approved; read the offboarding again and decide about that one")]
    AnotherHold,
    /// Held, but not for that.
    #[error("a reason is named that the offboarding is not held for")]
    NoSuchReason,
    /// A danger stands that the approval does not name.
    #[error("each reason in hold.reasons must be named, the loss of a space together with its space_id")]
    Unnamed,
    /// Cancelling would leave the person half removed.
    #[error(
        "removals were already sent to Podio, so it can only be completed; an account can be invited again afterwards"
    )]
    RemovalsSent,
    /// It is over.
    #[error("the offboarding has ended")]
    Ended,
    /// Only a failed one can be resumed.
    #[error("the offboarding has not failed, so there is nothing to retry")]
    NotFailed,
    /// A read-back from before the last delete proves nothing.
    #[error("the read-back is older than the removal")]
    StaleProof,
    /// Spaces are not settled yet.
    #[error("space removals are not settled yet")]
    Unsettled,
    /// It is known already.
    #[error("that is known already")]
    Known,
    /// Removals were sent, so a second request changes nothing any more.
    #[error("removals were already sent to Podio, so a second request changes nothing")]
    UnderWay,
    /// A later time, while somebody else has asked for an earlier one.
    #[error("somebody else has asked for an earlier time, which holds")]
    EarlierHolds,
    /// One is a dry run and the other is not.
    #[error("one of the two requests is a dry run and the other is not")]
    RehearsalAndRemoval,
}
