//! One person leaving one organization.
//!
//! [`Offboarding`] is the record, [`State`] where it stands, [`Event`] what can happen to it, and [`Offboarding::apply`]
//! the one function that says what follows. It is total over every state and event, and pure: storage applies its result
//! on condition of the revision that was read.

mod due;
mod event;
mod history;
mod knowledge;
mod listing;
mod merge;
mod plan;
mod request;
mod search;
mod stage;
mod state;
mod transition;
mod waiting;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use due::{Due, DueKind};
pub use event::{Change, Event, NewPlan, PersonClaim, Refusal};
pub use history::{Act, ActKind, Asker};
pub use listing::{Filter, PersonKey, Unreadable};
pub use merge::MergedField;
pub use plan::{Draft, Plan};
pub use request::{Person, Priority, Request};
pub use search::{Doubts, Found, LastLook, Looks, Paging, Search, SearchStep, SpaceSource};
pub use stage::{Claim, Finalizing, Interrupted, OnHold, Planning, Removing, Scheduled, Stage, Verifying, Work};
pub use state::{Abandoned, Closing, End, Failure, FailureCode, Outcome, State, Status};
pub use waiting::routes;

use crate::{
    email::EmailAddress,
    hold::Approval,
    ids::{OffboardingId, OrgId, UserId},
};

/// How far the clocks of two workers may be apart.
pub const SKEW: SignedDuration = SignedDuration::from_secs(4);

/// The person as Podio knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaver {
    /// The account.
    pub user_id: UserId,
    /// The account's address, where Podio shows it.
    pub email: Option<EmailAddress>,
    /// The name, where Podio shows it.
    pub name: Option<PersonName>,
}

/// Whether a field says nothing, so that it need not be stored: above a kilobyte each write of a record costs more.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A person's name, which `Debug` does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonName(pub String);

impl std::fmt::Debug for PersonName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonName(…)")
    }
}

/// One passage from state to state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// When.
    pub at: Timestamp,
    /// To which state, by its name in the contract.
    pub to: String,
}

/// The record of one offboarding: what is true of it in every state, and the state. It does not grow with the number of
/// spaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offboarding {
    /// Its id.
    pub id: OffboardingId,
    /// The organization to leave.
    pub org_id: OrgId,
    /// What was asked for.
    pub request: Request,
    /// Where it stands, with all that only this state knows.
    pub state: State,
    /// The place of what is to be called, among what waits at the same priority.
    pub place: Timestamp,
    /// Whether it is one of so many that its plan and its end wait among the removals.
    #[serde(default, skip_serializing_if = "is_default")]
    pub crowd: bool,
    /// What a person has accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved: Vec<Approval>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How it came here, newest last, the oldest forgotten.
    pub history: Vec<Passage>,
    /// What was done about it, and by whom, newest last. The first is the request.
    pub acts: Vec<Act>,
    /// Everybody who asked for it, each with the time that they last named.
    pub askers: Vec<Asker>,
    /// Bumped by each write. Stored beside the record, since each write is made on condition of it.
    #[serde(skip)]
    pub revision: u64,
}

impl Offboarding {
    /// Accepts a request: scheduled if its time has not come, else planning.
    pub fn accept(id: OffboardingId, org_id: OrgId, request: Request, now: Timestamp) -> Self {
        let scheduled = request.effective_at.is_some_and(|at| at > now);
        let state =
            if scheduled { State::Scheduled(Scheduled::default()) } else { State::Planning(Planning::default()) };
        let asker = Asker { source: request.source.clone(), effective_at: request.effective_at.unwrap_or(now) };
        Self {
            id,
            org_id,
            request,
            place: now,
            crowd: false,
            approved: Vec::new(),
            created_at: now,
            updated_at: now,
            history: vec![Passage { at: now, to: state.name().to_owned() }],
            acts: vec![Act::new(ActKind::Requested, asker.source.actor(), now)],
            askers: vec![asker],
            revision: 0,
            state,
        }
    }

    /// The moment from which removals are allowed.
    pub fn effective_at(&self) -> Timestamp {
        self.request.effective_at.unwrap_or(self.created_at)
    }

    /// Calls to Podio that are still to be made, as far as is known: what an ETA is computed from.
    pub fn calls_ahead(&self, pending_spaces: u32) -> usize {
        let spaces = pending_spaces as usize;
        let dry = self.request.dry_run;
        match self.state {
            State::Scheduled(_) | State::Planning(_) if dry => 2,
            State::Scheduled(_) | State::Planning(_) => calls_in_all(spaces),
            State::Removing(_) => spaces + 3,
            State::Finalizing(_) => 3,
            State::Verifying(_) => 1,
            State::Held { .. } | State::Completed { .. } | State::Failed { .. } | State::Cancelled { .. } => 0,
        }
    }
}

/// Calls to Podio that the removal of somebody takes who is in so many spaces.
pub fn calls_in_all(spaces: usize) -> usize {
    2 + spaces + 3
}
