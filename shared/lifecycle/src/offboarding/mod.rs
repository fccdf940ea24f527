//! One person leaving one organization.
//!
//! [`Offboarding`] is the record, [`State`] where it stands, [`Event`] what can happen to it, and [`Offboarding::apply`]
//! the one function that says what follows. It is total over every state and event, and pure: storage applies its result
//! on condition of the revision that was read.

mod due;
mod event;
mod history;
mod listing;
mod merge;
mod request;
mod search;
mod state;
mod transition;
mod waiting;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use due::{Due, DueKind};
pub use event::{Change, Event, PersonClaim, Plan, Refusal};
pub use history::{Act, ActKind, Asker};
pub use listing::{Filter, PersonKey, Unreadable};
pub use merge::MergedField;
pub use request::{Person, Priority, Request};
pub use search::{Looks, Search, SearchStep, SpaceSource};
pub use state::{Failure, FailureCode, Outcome, Stage, State};
pub use waiting::routes;

use crate::{
    email::EmailAddress,
    evidence::Sealed,
    hold::{Approval, Reason},
    ids::{OffboardingId, OrgId, SpaceId, UserId},
    removal::{SpaceKey, SpaceRemoval, Tally},
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

/// The one job of a stage that is not split by space: how it waits, and what it has found out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Work {
    /// Read-backs that have shown the person still there.
    pub attempts: u32,
    /// Attempts in a row that a fault outside has ended.
    pub faults: u32,
    /// Since when there have been nothing but faults.
    pub faulted_since: Option<Timestamp>,
    /// When the last fault was.
    pub faulted_at: Option<Timestamp>,
    /// It goes out no earlier.
    pub not_before: Option<Timestamp>,
    /// Calls that it has made in this stage, before it had to wait.
    pub calls: u32,
    /// Whether the removals of the plan are still to be put back into the work table, since a person resumed it.
    pub release: bool,
    /// Whether the call that ends the organization membership may be on its way or may have happened.
    #[serde(default)]
    pub claim: Claim,
    /// Where planning has got to.
    pub search: Search,
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

impl Claim {
    /// Whether the call may be on its way, or may have happened unseen.
    pub fn is_open(self) -> bool {
        match self {
            Self::None => false,
            Self::InFlight { .. } | Self::Uncertain => true,
        }
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

/// The record of one offboarding. It does not grow with the number of spaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offboarding {
    /// Its id.
    pub id: OffboardingId,
    /// The organization to leave.
    pub org_id: OrgId,
    /// What was asked for.
    pub request: Request,
    /// Where it stands.
    pub state: State,
    /// The person, once found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaver: Option<Leaver>,
    /// The plan in force, which names its space removals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<u64>,
    /// Spaces of the plan that are not settled yet.
    #[serde(default, skip_serializing_if = "is_default")]
    pub open: u32,
    /// The last round of the plan: 0 for the plan itself, one more for each extension.
    #[serde(default, skip_serializing_if = "is_default")]
    pub round: u32,
    /// The place of what is to be called, among what waits at the same priority.
    pub place: Timestamp,
    /// Whether it is one of so many that its plan and its end wait among the removals.
    #[serde(default, skip_serializing_if = "is_default")]
    pub crowd: bool,
    /// Whether Podio's preview named the spaces of the plan: then it names each space that the organization removal ends.
    #[serde(default, skip_serializing_if = "is_default")]
    pub previewed: bool,
    /// Refusals of spaces in rounds before this one have lapsed: the person was added again, or an operator has decided
    /// something since. Such a space is asked once more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub asked_anew_from: u32,
    /// Spaces of the plan.
    #[serde(default, skip_serializing_if = "is_default")]
    pub spaces_total: u32,
    /// How the spaces that are settled ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub counted: Tally,
    /// What a person has accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved: Vec<Approval>,
    /// What a dry run would have been held for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub would_hold: Vec<Reason>,
    /// Whether any removal may have reached Podio.
    #[serde(default, skip_serializing_if = "is_default")]
    pub removals_sent: bool,
    /// When Podio last confirmed the end of the organization membership.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_delete_at: Option<Timestamp>,
    /// How often the organization removal was done over because the person was still there.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rounds: u32,
    /// How often the plan was extended by spaces that were found right before the organization removal.
    #[serde(default, skip_serializing_if = "is_default")]
    pub extensions: u32,
    /// Spaces that the person may have come into since the plan was made, to be looked into where Podio offers no preview.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspects: Vec<SpaceId>,
    /// How often a person has asked to resume it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retries: u32,
    /// The stage's job.
    #[serde(default, skip_serializing_if = "is_default")]
    pub work: Work,
    /// Calls to Podio, counted when it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// The seal over the evidence, once it is over; it goes when the offboarding goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// When the person, once removed, was seen to be a member again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_at: Option<Timestamp>,
    /// How it came here, newest last, the oldest forgotten.
    pub history: Vec<Passage>,
    /// What was done about it, and by whom, newest last. The first is the request.
    pub acts: Vec<Act>,
    /// Everybody who asked for it, each with the time that they last named.
    pub askers: Vec<Asker>,
    /// Bumped by each write.
    pub revision: u64,
}

impl Offboarding {
    /// Accepts a request: scheduled if its time has not come, else planning.
    pub fn accept(id: OffboardingId, org_id: OrgId, request: Request, now: Timestamp) -> Self {
        let scheduled = request.effective_at.is_some_and(|at| at > now);
        let state = if scheduled { State::Scheduled } else { State::Planning };
        let asker = Asker { source: request.source.clone(), effective_at: request.effective_at.unwrap_or(now) };
        let mut offboarding = Self {
            id,
            org_id,
            request,
            state,
            leaver: None,
            plan: None,
            open: 0,
            round: 0,
            place: now,
            crowd: false,
            previewed: false,
            asked_anew_from: 0,
            spaces_total: 0,
            counted: Tally::default(),
            approved: Vec::new(),
            would_hold: Vec::new(),
            removals_sent: false,
            last_delete_at: None,
            rounds: 0,
            extensions: 0,
            suspects: Vec::new(),
            retries: 0,
            work: Work::default(),
            calls: None,
            sealed: None,
            created_at: now,
            updated_at: now,
            completed_at: None,
            returned_at: None,
            history: Vec::new(),
            acts: vec![Act::new(ActKind::Requested, asker.source.actor(), now)],
            askers: vec![asker],
            revision: 0,
        };
        offboarding.history.push(Passage { at: now, to: offboarding.state.name().to_owned() });
        offboarding
    }

    /// The moment from which removals are allowed.
    pub fn effective_at(&self) -> Timestamp {
        self.request.effective_at.unwrap_or(self.created_at)
    }

    /// Whether spaces of the plan may be left now. What became of one space does not stop the others: the decision to
    /// remove the person stands.
    pub fn may_leave_spaces(&self) -> bool {
        match &self.state {
            State::Removing => true,
            State::Failed { resume, .. } | State::Held { resume, .. } => *resume == Stage::Removing,
            _ => false,
        }
    }

    /// Whether a removal is part of the plan in force. One that was written down as an extension of the plan, by a worker
    /// that died or was overtaken before the offboarding knew of it, is not: nothing is removed on its account.
    pub fn owns(&self, removal: &SpaceRemoval) -> bool {
        self.plan == Some(removal.key.plan) && removal.round <= self.round
    }

    /// The name of the removal from a space, by the plan in force.
    pub fn space_key(&self, space: SpaceId) -> Option<SpaceKey> {
        Some(SpaceKey { offboarding: self.id.clone(), plan: self.plan?, space })
    }

    /// Of the removals that bear the plan's name, those that are part of it, and those that nobody has announced.
    pub fn split(&self, removals: Vec<SpaceRemoval>) -> (Vec<SpaceRemoval>, Vec<SpaceRemoval>) {
        removals.into_iter().partition(|removal| removal.round <= self.round)
    }

    /// Whether spaces that were found may still be left one by one. Somebody who adds the person again and again must not
    /// keep them in the organization for ever.
    pub fn may_be_extended(&self) -> bool {
        self.extensions < transition::EXTENSIONS
    }

    /// The keys under which the person is claimed, so that nobody is off-boarded twice at once.
    pub fn person_keys(&self) -> Vec<String> {
        let org = self.org_id;
        let by_user = |user: &UserId| format!("{org}#user#{user}");
        let asked = match &self.request.person {
            Person::Email(mail) => format!("{org}#mail#{}", mail.as_str()),
            Person::User(user) => by_user(user),
        };
        let mut keys = vec![asked];
        if let Some(leaver) = &self.leaver {
            let found = by_user(&leaver.user_id);
            if !keys.contains(&found) {
                keys.push(found);
            }
        }
        keys
    }

    /// Calls to Podio that are still to be made, as far as is known: what an ETA is computed from.
    pub fn calls_ahead(&self, pending_spaces: u32) -> usize {
        let spaces = pending_spaces as usize;
        let dry = self.request.dry_run;
        match self.state {
            State::Scheduled | State::Planning if dry => 2,
            State::Scheduled | State::Planning => 2 + spaces + 3,
            State::Removing => spaces + 3,
            State::Finalizing => 3,
            State::Verifying => 1,
            State::Held { .. } | State::Completed { .. } | State::Failed { .. } | State::Cancelled { .. } => 0,
        }
    }
}
