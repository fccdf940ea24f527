//! What a state knows, by what is asked for: for those who show or list offboardings in whatever state.

use jiff::Timestamp;

use super::{Abandoned, Closing, Draft, End, Interrupted, Leaver, OnHold, Outcome, Plan, Search, State, Work};
use crate::removal::SpaceRemoval;

impl State {
    /// The plan that stands.
    pub fn plan(&self) -> Option<&Plan> {
        match self {
            Self::Removing(it) => Some(&it.plan),
            Self::Finalizing(it) => Some(&it.plan),
            Self::Verifying(it) => Some(&it.plan),
            Self::Held { stopped, .. } => stopped.plan(),
            Self::Failed { stopped, .. } => stopped.plan(),
            Self::Completed { end: End::Removed { plan, .. } | End::Planned { plan, .. }, .. }
            | Self::Cancelled { left: Abandoned::Plan(plan), .. } => Some(plan),
            Self::Scheduled(_)
            | Self::Planning(_)
            | Self::Completed { end: End::AlreadyGone(_) | End::Unknown(_) | End::Undecided { .. }, .. }
            | Self::Cancelled { left: Abandoned::Scheduled { .. } | Abandoned::Draft(_), .. } => None,
        }
    }

    /// The plan that is being made, or was when it stopped.
    pub fn draft(&self) -> Option<&Draft> {
        match self {
            Self::Planning(it) => Some(&it.draft),
            Self::Held { stopped: OnHold::Stage(Interrupted::Planning(draft)), .. }
            | Self::Failed { stopped: Interrupted::Planning(draft), .. }
            | Self::Completed {
                end: End::AlreadyGone(draft) | End::Unknown(draft) | End::Undecided { draft, .. },
                ..
            }
            | Self::Cancelled { left: Abandoned::Draft(draft), .. } => Some(draft),
            Self::Scheduled(_)
            | Self::Held { .. }
            | Self::Removing(_)
            | Self::Finalizing(_)
            | Self::Verifying(_)
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// The person as Podio knows them, once a plan has stood.
    pub fn leaver(&self) -> Option<&Leaver> {
        let earlier = match self {
            Self::Scheduled(it) => it.leaver.as_ref(),
            Self::Cancelled { left: Abandoned::Scheduled { leaver }, .. } => leaver.as_ref(),
            _ => self.draft().and_then(|draft| draft.leaver.as_ref()),
        };
        self.plan().map(|plan| &plan.leaver).or(earlier)
    }

    /// The number that names the space removals of the plan that stands or is being made.
    pub fn plan_number(&self) -> Option<u64> {
        self.plan().map(|plan| plan.number).or(self.draft().map(|draft| draft.number))
    }

    /// Of the removals that bear the plan's name, those that are part of it. While it is being made, what is written down is
    /// the plan, as far as it has got.
    pub fn own(&self, removals: Vec<SpaceRemoval>) -> Vec<SpaceRemoval> {
        match self.plan() {
            Some(plan) => plan.split(removals).0,
            None => removals,
        }
    }

    /// The plan whose spaces may be left now. What became of one space does not stop the others: the decision to remove
    /// the person stands.
    pub fn leaving(&self) -> Option<&Plan> {
        match self {
            Self::Removing(it) => Some(&it.plan),
            Self::Held { stopped: OnHold::Stage(Interrupted::Removing(plan)), .. }
            | Self::Failed { stopped: Interrupted::Removing(plan), .. } => Some(plan),
            Self::Scheduled(_)
            | Self::Planning(_)
            | Self::Held { .. }
            | Self::Finalizing(_)
            | Self::Verifying(_)
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// How the stage's job waits; as if it had not begun where there is none.
    pub fn work(&self) -> Work {
        match self {
            Self::Scheduled(it) => it.work,
            Self::Planning(it) => it.work,
            Self::Finalizing(it) => it.work,
            Self::Verifying(it) => it.work,
            Self::Held { .. }
            | Self::Removing(_)
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. } => Work::default(),
        }
    }

    /// Where planning has got to.
    pub fn search(&self) -> Option<&Search> {
        match self {
            Self::Planning(it) => Some(&it.search),
            Self::Scheduled(_)
            | Self::Held { .. }
            | Self::Removing(_)
            | Self::Finalizing(_)
            | Self::Verifying(_)
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// How it ended, if it is completed.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Completed { end, .. } => Some(end.outcome()),
            Self::Scheduled(_)
            | Self::Planning(_)
            | Self::Held { .. }
            | Self::Removing(_)
            | Self::Finalizing(_)
            | Self::Verifying(_)
            | Self::Failed { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// When it was completed, if it is.
    pub fn completed_at(&self) -> Option<Timestamp> {
        match self {
            Self::Completed { at, .. } => Some(*at),
            Self::Scheduled(_)
            | Self::Planning(_)
            | Self::Held { .. }
            | Self::Removing(_)
            | Self::Finalizing(_)
            | Self::Verifying(_)
            | Self::Failed { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// When the person, once removed, was seen to be a member again.
    pub fn returned_at(&self) -> Option<Timestamp> {
        match self {
            Self::Completed { end: End::Removed { returned_at, .. }, .. } => *returned_at,
            Self::Scheduled(_)
            | Self::Planning(_)
            | Self::Held { .. }
            | Self::Removing(_)
            | Self::Finalizing(_)
            | Self::Verifying(_)
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// Its evidence, once it is over and that is sealed.
    pub fn closing(&self) -> Option<&Closing> {
        match self {
            Self::Completed { closing, .. } | Self::Failed { closing, .. } | Self::Cancelled { closing, .. } => {
                closing.as_ref()
            }
            Self::Scheduled(_)
            | Self::Planning(_)
            | Self::Held { .. }
            | Self::Removing(_)
            | Self::Finalizing(_)
            | Self::Verifying(_) => None,
        }
    }
}
