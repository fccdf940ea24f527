//! The stages that are at work, and what is left of one that was interrupted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Abandoned, Draft, LastLook, Leaver, Paging, Plan, Search, SearchStep, State, is_default};
use crate::hold::Reason;

/// The name of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// How the one job of a stage waits that is not split by space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Work {
    /// Attempts in a row that a fault outside has ended.
    #[serde(skip_serializing_if = "is_default")]
    pub faults: u32,
    /// Since when there have been nothing but faults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faulted_since: Option<Timestamp>,
    /// When the last fault was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faulted_at: Option<Timestamp>,
    /// It goes out no earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Calls that it has made in this stage, before it had to wait.
    #[serde(skip_serializing_if = "is_default")]
    pub calls: u32,
}

/// What is known of the one call that may delete data. Nobody sends it twice without having looked in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// Not sent.
    #[default]
    None,
    /// A worker announced it at that time and has not told since how it went; it may have died.
    InFlight {
        /// When it was announced.
        since: Timestamp,
    },
    /// It was sent, and nobody knows whether it took effect.
    Uncertain,
}

/// Its time has not come. Who it is, is found out soon: an address may be given to somebody else before the day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scheduled {
    /// Who it was found to be. Nobody else is removed, whoever has the address by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaver: Option<Leaver>,
    /// When that was found out, or that it cannot be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looked_up_at: Option<Timestamp>,
    /// Why it is not certain who is meant, for whoever asked to see before the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Reason>,
    /// Where the look-up has got to.
    #[serde(skip_serializing_if = "is_default")]
    pub search: Search,
    /// How it waits.
    #[serde(skip_serializing_if = "is_default")]
    pub work: Work,
}

impl Scheduled {
    /// The day was put off when a plan had begun, or stood.
    pub(super) fn put_off(leaver: Option<Leaver>, now: Timestamp) -> Self {
        Self { looked_up_at: leaver.is_some().then_some(now), leaver, ..Self::default() }
    }

    /// The look-up is over.
    pub(super) fn resolved(leaver: Option<Leaver>, warning: Option<Reason>, now: Timestamp) -> Self {
        Self { leaver, looked_up_at: Some(now), warning, ..Self::default() }
    }
}

/// The person and the spaces are being found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planning {
    /// The plan that is being made.
    #[serde(default, skip_serializing_if = "is_default")]
    pub draft: Draft,
    /// Where that has got to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub search: Search,
    /// How it waits.
    #[serde(default, skip_serializing_if = "is_default")]
    pub work: Work,
}

/// The spaces are being left. Each of them is a job of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removing {
    /// What is carried out.
    pub plan: Plan,
    /// Whether the removals of the plan are still to be put back into the work table, since a person resumed it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub release: bool,
}

/// The organization is being left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finalizing {
    /// What was carried out up to here.
    pub plan: Plan,
    /// Whether the call that ends the organization membership may be on its way or may have happened.
    #[serde(default, skip_serializing_if = "is_default")]
    pub claim: Claim,
    /// What was found out since.
    #[serde(default, skip_serializing_if = "is_default")]
    pub look: LastLook,
    /// How it waits.
    #[serde(default, skip_serializing_if = "is_default")]
    pub work: Work,
}

/// It is being read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifying {
    /// What was carried out.
    pub plan: Plan,
    /// When Podio last confirmed the end of the organization membership.
    pub deleted_at: Timestamp,
    /// Read-backs that have shown the person still there.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attempts: u32,
    /// Where the look for the leaver among all members has got to, where that is what tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
    /// How it waits.
    #[serde(default, skip_serializing_if = "is_default")]
    pub work: Work,
}

/// A stage that does not go on by itself, with what has to be known to resume it. How its job waited is forgotten, and so
/// is what it had found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interrupted {
    /// No plan stands yet.
    Planning(Draft),
    /// Spaces are left, or all are settled meanwhile. What became of one space does not stop the others.
    Removing(Plan),
    /// All spaces are settled.
    Finalizing {
        /// What was carried out up to here.
        plan: Plan,
        /// That the organization removal may have been sent is not forgotten while a person looks at it.
        #[serde(default, skip_serializing_if = "is_default")]
        claim: Claim,
    },
    /// The organization membership has ended, by Podio's word.
    Verifying {
        /// What was carried out.
        plan: Plan,
        /// When Podio last confirmed it.
        deleted_at: Timestamp,
    },
}

/// What waits for a person's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnHold {
    /// A plan of which nothing is carried out yet.
    Plan(Plan),
    /// A stage at work.
    Stage(Interrupted),
}

impl Work {
    /// Waits for its next calls, after so many.
    pub(super) fn waiting(not_before: Option<Timestamp>, calls: u32) -> Self {
        Self { not_before, calls, ..Self::default() }
    }

    /// One more fault.
    pub(super) fn faulted(self, again_at: Timestamp, now: Timestamp) -> Self {
        Self {
            faults: self.faults + 1,
            faulted_since: self.faulted_since.or(Some(now)),
            faulted_at: Some(now),
            not_before: Some(again_at),
            calls: self.calls,
        }
    }
}

impl Claim {
    /// Whether the call may be on its way, or may have happened unseen.
    pub fn is_open(self) -> bool {
        match self {
            Self::None => false,
            Self::InFlight { .. } | Self::Uncertain => true,
        }
    }

    /// The worker that held the claim lives and has given up for now: nothing is on its way any more.
    pub(super) fn ended(self) -> Self {
        match self {
            Self::None => Self::None,
            Self::InFlight { .. } | Self::Uncertain => Self::Uncertain,
        }
    }
}

impl Planning {
    /// Begins from nothing but who it was found to be by an earlier plan. `number` is the revision that was read.
    pub(super) fn new(number: u64, leaver: Option<Leaver>) -> Self {
        Self { draft: Draft::new(number, leaver), ..Self::default() }
    }

    /// Whether the spaces are written down, and are being looked into.
    pub(super) fn has_listed(&self) -> bool {
        matches!(self.search.step, SearchStep::Check { .. })
    }

    /// An attempt begins. The revision that it has read is unique to it, and so names its removals: an attempt that died
    /// half-way never mixes with the next. Only a plan whose spaces are being checked goes on; else all are listed afresh.
    pub(super) fn begun(self, revision: u64) -> Self {
        if self.has_listed() {
            return self;
        }
        Self { draft: Draft::new(revision, self.draft.leaver), ..self }
    }
}

impl Finalizing {
    /// All spaces are settled.
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, claim: Claim::None, look: LastLook::default(), work: Work::default() }
    }
}

impl Verifying {
    pub(super) fn new(plan: Plan, deleted_at: Timestamp) -> Self {
        Self { plan, deleted_at, attempts: 0, paging: None, work: Work::default() }
    }
}

impl Interrupted {
    /// Which stage.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Planning(_) => Stage::Planning,
            Self::Removing(_) => Stage::Removing,
            Self::Finalizing { .. } => Stage::Finalizing,
            Self::Verifying { .. } => Stage::Verifying,
        }
    }

    /// The plan that was being carried out.
    pub fn plan(&self) -> Option<&Plan> {
        match self {
            Self::Planning(_) => None,
            Self::Removing(plan) | Self::Finalizing { plan, .. } | Self::Verifying { plan, .. } => Some(plan),
        }
    }

    /// Goes on after somebody decided so, at that revision. Days may have gone by: what was planned and not begun is looked
    /// at afresh.
    pub(super) fn resumed(self, revision: u64) -> State {
        match self {
            Self::Planning(draft) => State::Planning(Planning::new(revision, draft.leaver)),
            Self::Removing(plan) if plan.spaces.pending == 0 => State::Finalizing(Finalizing::new(plan.going_on())),
            Self::Removing(plan) => State::Removing(Removing { plan: plan.going_on(), release: true }),
            Self::Finalizing { plan, claim } => {
                State::Finalizing(Finalizing { claim, ..Finalizing::new(plan.going_on()) })
            }
            Self::Verifying { plan, deleted_at } => State::Verifying(Verifying::new(plan.going_on(), deleted_at)),
        }
    }

    /// The same, with as many attempts at the organization removal before it as at first.
    pub(super) fn starting_over(self) -> Self {
        let fresh = |plan| Plan { repeats: 0, ..plan };
        match self {
            Self::Planning(draft) => Self::Planning(draft),
            Self::Removing(plan) => Self::Removing(fresh(plan)),
            Self::Finalizing { plan, claim } => Self::Finalizing { plan: fresh(plan), claim },
            Self::Verifying { plan, deleted_at } => Self::Verifying { plan: fresh(plan), deleted_at },
        }
    }

    /// What is left if it is called off; none once removals were sent.
    pub(super) fn abandoned(self) -> Option<Abandoned> {
        match self {
            Self::Planning(draft) => Some(Abandoned::Draft(draft)),
            Self::Removing(_) | Self::Finalizing { .. } | Self::Verifying { .. } => None,
        }
    }
}

impl OnHold {
    /// The stage that goes on after the approval.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Plan(_) => Stage::Planning,
            Self::Stage(interrupted) => interrupted.stage(),
        }
    }

    /// The plan that stands.
    pub fn plan(&self) -> Option<&Plan> {
        match self {
            Self::Plan(plan) => Some(plan),
            Self::Stage(interrupted) => interrupted.plan(),
        }
    }

    /// Goes on after a person approved it, at that revision.
    pub(super) fn resumed(self, revision: u64) -> State {
        match self {
            Self::Plan(plan) => State::Planning(Planning::new(revision, Some(plan.leaver))),
            Self::Stage(interrupted) => interrupted.resumed(revision),
        }
    }

    /// What is left if it is called off; none once removals were sent.
    pub(super) fn abandoned(self) -> Option<Abandoned> {
        match self {
            Self::Plan(plan) => Some(Abandoned::Plan(plan)),
            Self::Stage(interrupted) => interrupted.abandoned(),
        }
    }
}
