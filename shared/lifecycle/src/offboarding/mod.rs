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

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use due::{Due, DueKind};
pub use event::{Change, Effect, Event, PersonClaim, Plan, Refusal};
pub use history::{Act, ActKind, Asker};
pub use listing::{Filter, PersonKey, Unreadable};
pub use merge::MergedField;
pub use request::{Person, Priority, Request};
pub use search::{Looks, Search, SearchStep, SpaceSource};
pub use state::{Failure, FailureCode, Outcome, Stage, State};
pub use transition::podio_unavailable;

use crate::{
    email::EmailAddress,
    evidence::Sealed,
    hold::{Approval, Reason},
    ids::{OffboardingId, OrgId, SpaceId, UserId},
    job::{BatchKey, Job},
    quota::Slot,
    removal::{RemovalBatch, Tally},
};

/// How often in a window of the quota everybody who has left lately is read back together.
const READ_BACKS: i64 = 2;
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
    /// Whether they were found with others in the list of all members: then that list, read anew, may show that they are
    /// gone, with one look for all of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub listed: bool,
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

/// The one job of a stage that is not split by space: how often it failed and what it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Failed attempts.
    pub attempts: u32,
    /// Slots reserved while the job waits.
    pub slots: Vec<Slot>,
    /// Until when nothing is expected to happen, since the job waits to be tried again.
    pub quiet_until: Option<Timestamp>,
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
    pub leaver: Option<Leaver>,
    /// The plan in force, which names its batches.
    pub plan: Option<u64>,
    /// Batches of the plan that are not counted yet.
    pub open_batches: u32,
    /// The number of the plan's last batch.
    #[serde(default)]
    pub last_batch: Option<u32>,
    /// Whether some of its spaces are left by the calls of other leavers: then it is through when they are, and no slot
    /// behind the last space of its own could say when.
    #[serde(default)]
    pub rides: bool,
    /// Whether a slot was reserved to read the person back by themselves, since too few are through at the same time.
    #[serde(default)]
    pub alone: bool,
    /// Whether Podio's preview named the spaces of the plan: then it names each space that the organization removal ends.
    #[serde(default)]
    pub previewed: bool,
    /// Refusals of spaces in batches before this one have lapsed: the person was added again, or an operator has decided
    /// something since. Such a space is asked once more.
    #[serde(default)]
    pub asked_anew_from: u32,
    /// Spaces of the plan.
    pub spaces_total: u32,
    /// How the spaces of the batches counted so far ended.
    pub counted: Tally,
    /// What a person has accepted.
    pub approved: Vec<Approval>,
    /// What a dry run would have been held for.
    pub would_hold: Vec<Reason>,
    /// Whether any removal may have reached Podio.
    pub removals_sent: bool,
    /// When Podio last confirmed the end of the organization membership.
    pub last_delete_at: Option<Timestamp>,
    /// How often the organization removal was done over because the person was still there.
    pub rounds: u32,
    /// How often the plan was extended by spaces that were found right before the organization removal.
    #[serde(default)]
    pub extensions: u32,
    /// Spaces that the person may have come into since the plan was made, to be looked into where Podio offers no preview.
    #[serde(default)]
    pub suspects: Vec<SpaceId>,
    /// How often a person has asked to resume it.
    pub retries: u32,
    /// The stage's job.
    pub work: Work,
    /// Calls to Podio, counted when it ended.
    pub calls: Option<u32>,
    /// The seal over the evidence, once it is over; it goes when the offboarding goes on.
    #[serde(default)]
    pub sealed: Option<Sealed>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was completed.
    pub completed_at: Option<Timestamp>,
    /// When the person, once removed, was seen to be a member again.
    #[serde(default)]
    pub returned_at: Option<Timestamp>,
    /// When the sweep should look at it.
    pub due: Option<Due>,
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
    /// Accepts a request: scheduled if its time has not come, else planning. The second value is the job to send.
    pub fn accept(id: OffboardingId, org_id: OrgId, request: Request, now: Timestamp) -> (Self, Option<Job>) {
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
            open_batches: 0,
            last_batch: None,
            rides: false,
            alone: false,
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
            due: None,
            history: Vec::new(),
            acts: vec![Act::new(ActKind::Requested, asker.source.actor(), now)],
            askers: vec![asker],
            revision: 0,
        };
        offboarding.history.push(Passage { at: now, to: offboarding.state.name().to_owned() });
        offboarding.due = offboarding.next_due(now);
        let job = (!scheduled).then(|| Job::Plan { offboarding: offboarding.id.clone() });
        (offboarding, job)
    }

    /// The moment from which removals are allowed.
    pub fn effective_at(&self) -> Timestamp {
        self.request.effective_at.unwrap_or(self.created_at)
    }

    /// The job that carries the present stage on, where a single one does.
    pub fn stage_job(&self) -> Option<Job> {
        let offboarding = self.id.clone();
        match self.state {
            State::Planning => Some(Job::Plan { offboarding }),
            State::Finalizing => Some(Job::RemoveFromOrg { offboarding }),
            State::Verifying => Some(Job::VerifyRemoval { offboarding }),
            _ => None,
        }
    }

    /// Whether spaces of the plan may be left now. A failure of one space does not stop the others: the decision to
    /// remove the person stands.
    pub fn may_leave_spaces(&self) -> bool {
        matches!(self.state, State::Removing | State::Failed { failure: _, resume: Stage::Removing })
    }

    /// Whether a batch is part of the plan in force. One that was written down as an extension of the plan, by a worker
    /// that died or was overtaken before the offboarding knew of it, is not: nothing is removed on its account.
    pub fn owns(&self, key: BatchKey) -> bool {
        self.plan == Some(key.plan) && self.last_batch.is_some_and(|last| key.number <= last)
    }

    /// Of the batches that bear the plan's name, those that are part of it, and those that nobody has announced.
    pub fn split(&self, batches: Vec<RemovalBatch>) -> (Vec<RemovalBatch>, Vec<RemovalBatch>) {
        // What is counted was, whether or not it held anything to remove.
        batches.into_iter().partition(|batch| batch.counted || self.owns(batch.key))
    }

    /// Whether spaces that were found may still be left one by one. Somebody who adds the person again and again must not
    /// keep them in the organization for ever.
    pub fn may_be_extended(&self) -> bool {
        self.extensions < transition::EXTENSIONS
    }

    /// How many failures of one step are allowed before a person must look; each retry grants as many again.
    pub fn allowance(&self) -> u32 {
        crate::retry::MAX_ATTEMPTS * (self.retries + 1)
    }

    /// Whether the person is looked for in the list of all members to see that they are gone, together with those who
    /// leave spaces with them and so are through at about the same time. A read-back that has to be repeated is made singly.
    pub fn is_read_back_with_others(&self) -> bool {
        self.rides && !self.alone && self.work.attempts == 0 && self.leaver.as_ref().is_some_and(|leaver| leaver.listed)
    }

    /// When the list of all members is read for those who left the organization at `left`: twice in a window of the quota,
    /// for everyone who has left since the last time.
    pub fn read_back_at(left: Timestamp, window: SignedDuration) -> Timestamp {
        let period = i64::try_from(window.as_millis()).unwrap_or(i64::MAX) / READ_BACKS;
        // Clocks may be apart, and a look before the removal would prove nothing.
        let earliest = (left + SKEW).as_millisecond();
        let moment = (earliest.div_euclid(period.max(1)) + 1).saturating_mul(period.max(1));
        Timestamp::from_millisecond(moment).unwrap_or(left)
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
        let proof = usize::from(!self.is_read_back_with_others());
        match self.state {
            State::Scheduled | State::Planning if dry => 2,
            State::Scheduled | State::Planning => 2 + spaces + 2 + proof,
            State::Removing => spaces + 2 + proof,
            State::Finalizing => 2 + proof,
            State::Verifying => proof,
            State::Held { .. } | State::Completed { .. } | State::Failed { .. } | State::Cancelled { .. } => 0,
        }
    }
}
