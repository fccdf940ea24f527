//! What can happen to an offboarding, and what follows.

use jiff::Timestamp;

use super::{Failure, Found, Leaver, Offboarding, Request};
use crate::{
    hold::{Decision, Reason},
    ids::{OffboardingId, SpaceId},
    removal::{RemovalState, Tally},
};

/// The result of planning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlan {
    /// The person.
    pub leaver: Leaver,
    /// Spaces to leave, all of them stored.
    pub spaces: u32,
    /// Whether Podio's preview named the spaces: then it names each space that the organization removal ends.
    pub previewed: bool,
    /// Dangers, approved or not.
    pub reasons: Vec<Reason>,
    /// The place of what is still to be called, behind those who were accepted shortly before.
    pub place: Timestamp,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The effective time has come.
    Due,
    /// Who a scheduled one is about was looked up.
    Resolved {
        /// Who it is, if that is certain.
        leaver: Option<Leaver>,
        /// Why it is not.
        warning: Option<Reason>,
    },
    /// So many were accepted shortly before that its plan and its end wait among the removals, behind theirs.
    Crowded {
        /// Where.
        place: Timestamp,
    },
    /// A worker begins to plan, or goes on with it.
    PlanningBegun,
    /// The plan stands, and its space removals are stored.
    Planned(NewPlan),
    /// Two different look-ups agree that there is no such member.
    NotAMember {
        /// Whether the person was ever known by that address or id: to Podio, or to an offboarding before.
        was_known: bool,
    },
    /// It is not certain who is meant, or that anybody is.
    InDoubt(Reason),
    /// Another offboarding of the same person runs already.
    Duplicate(OffboardingId),
    /// A space of the plan was settled; its own record is written in the same transaction.
    SpaceSettled(RemovalState),
    /// The removals of a resumed offboarding wait in the work table again.
    Released,
    /// A worker is about to end the organization membership.
    OrgRemovalClaimed,
    /// The preview right before the organization removal shows a danger that nobody approved.
    OrgRemovalUnsafe(Vec<Reason>),
    /// Right before the organization removal, spaces were found that the plan does not settle; they are written down as
    /// another round of the plan.
    SpacesFound {
        /// How many.
        spaces: u32,
        /// What those of them had come to that were part of the plan before.
        again: Tally,
        /// The round.
        round: u32,
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
    /// The stage's job waits for its next calls, with what it has found out. No failure.
    Waits {
        /// Not before that time, if something else must happen first.
        until: Option<Timestamp>,
        /// What it has found out.
        found: Found,
        /// Calls that it has made by now, in this stage.
        calls: u32,
        /// The place that they give it.
        place: Timestamp,
    },
    /// The stage's job failed for a reason outside and will be tried again.
    Faulted {
        /// When.
        again_at: Timestamp,
        /// What it has found out.
        found: Found,
    },
    /// A step has failed for a day while others succeeded: a person should look.
    KeepsFailing,
    /// A step failed for good.
    Failed(Failure),
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

/// What follows from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The offboarding afterwards, its revision not yet bumped.
    pub offboarding: Offboarding,
    /// What happens to the claim on the person.
    pub person: PersonClaim,
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
