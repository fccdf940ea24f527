//! What the work table shows of an offboarding: the job of its present stage, where a single one carries it on.

use jiff::SignedDuration;

use super::{
    Claim, Finalizing, Leaver, Looks, Offboarding, Person, Priority as Hurry, Request, Search, SearchStep, SpaceSource,
    State, Verifying,
};
use crate::work::{Calls, JobId, Priority, Waiting};

/// The routes of the calls, as the client names them.
pub mod routes {
    /// The member by address.
    pub const BY_MAIL: &str = "GET /org/{org_id}/member/mail/{mail}";
    /// The member by id: the look-up, and the read-back.
    pub const BY_ID: &str = "GET /org/{org_id}/member/{user_id}";
    /// All members.
    pub const MEMBERS: &str = "GET /org/{org_id}/member/";
    /// What the removal would do.
    pub const PREVIEW: &str = "GET /org/{org_id}/member/{user_id}/end_member_info";
    /// The member's spaces.
    pub const MEMBERSHIPS: &str = "GET /org/{org_id}/member/{user_id}/space_member/";
    /// All spaces.
    pub const ALL_SPACES: &str = "GET /org/{org_id}/all_spaces/";
    /// Those that the acting account sees.
    pub const SPACES: &str = "GET /org/{org_id}/space/";
    /// One membership of a space.
    pub const MEMBERSHIP: &str = "GET /space/{space_id}/member/{user_id}";
    /// The removal from the organization.
    pub const REMOVE: &str = "DELETE /org/{org_id}/member/{user_id}";
}

/// After so many calls a plan waits among the removals, so that one that is long does not keep out the short ones.
const LONG: u32 = 10;
/// From then on, who a scheduled one is about is looked up when nothing else wants the quota.
const FAR_OFF: SignedDuration = SignedDuration::from_hours(24);
/// Looks into spaces that are made one after the other.
const CHECKS: usize = 10;
/// Looks at spaces that did not let the leaver go, when they are read back.
const LOOKS: usize = 3;

impl Offboarding {
    /// The job that carries the present stage on, as the work table shows it. While spaces are left, each of them is a job.
    pub fn waiting(&self) -> Option<Waiting> {
        let calls = self.next_calls()?;
        let work = self.state.work();
        let not_before = match &self.state {
            State::Scheduled(it) if it.looked_up_at.is_some() => Some(self.effective_at()),
            State::Scheduled(_) => work.not_before.map(|until| until.min(self.effective_at())),
            _ => work.not_before,
        };
        // One that is long or one of a crowd stands with its spaces, wherever those stand.
        let is_long = self.crowd || work.calls >= LONG;
        Some(Waiting {
            job: JobId::new(JobId::OFFBOARDING, &self.id),
            priority: if self.is_far_off() {
                Priority::Background
            } else if is_long {
                self.request.space_priority()
            } else {
                Priority::Interactive
            },
            place: self.place,
            since: self.since().unwrap_or(self.created_at),
            not_before,
            faulted_at: work.faulted_at,
            calls,
            group: None,
        })
    }

    /// Whether it is only looked up who it is about, and the day is so far off that everything else goes first.
    fn is_far_off(&self) -> bool {
        let is_open = matches!(&self.state, State::Scheduled(it) if it.looked_up_at.is_none());
        is_open && self.effective_at().duration_since(self.created_at) >= FAR_OFF
    }

    /// Whom a plan looks for: who was found before, else who was asked for.
    fn sought(&self, leaver: Option<&Leaver>) -> Person {
        leaver.map_or_else(|| self.request.person.clone(), |leaver| Person::User(leaver.user_id))
    }

    /// The calls that come next; none where nothing is to be done, or only for the spaces.
    fn next_calls(&self) -> Option<Calls> {
        match &self.state {
            State::Scheduled(it) if it.looked_up_at.is_none() => {
                Some(calls_of_look_up(&it.search, &self.request.person))
            }
            State::Scheduled(it) => Some(calls_of_search(&Search::default(), &self.sought(it.leaver.as_ref()))),
            State::Planning(it) => Some(calls_of_search(&it.search, &self.sought(it.draft.leaver.as_ref()))),
            State::Removing(it) => it.release.then(Calls::default),
            State::Finalizing(it) => Some(it.calls()),
            State::Verifying(it) => Some(it.calls()),
            State::Failed { .. } | State::Cancelled { .. } => self.awaits_seal().then(Calls::default),
            State::Held { .. } | State::Completed { .. } => None,
        }
    }
}

impl Request {
    /// The priority of its space removals: those of somebody who has to leave at once do not wait behind a mass of others.
    pub fn space_priority(&self) -> Priority {
        match self.priority {
            Hurry::Urgent => Priority::Interactive,
            Hurry::Normal => Priority::Removal,
        }
    }
}

/// The calls by which it is found out who a scheduled one is about. They belong together: no plan follows them.
fn calls_of_look_up(search: &Search, person: &Person) -> Calls {
    let route = match (&search.step, person) {
        (SearchStep::Page(_), _) => routes::MEMBERS,
        (_, Person::Email(_)) => routes::BY_MAIL,
        (_, Person::User(_)) => routes::BY_ID,
    };
    Calls::back_to_back([route])
}

/// The calls of a plan that has got there.
fn calls_of_search(search: &Search, person: &Person) -> Calls {
    let preview = match search.source {
        SpaceSource::Preview => routes::PREVIEW,
        SpaceSource::Memberships => routes::MEMBERSHIPS,
        SpaceSource::AllSpaces => routes::ALL_SPACES,
        SpaceSource::Spaces => routes::SPACES,
    };
    match search.step {
        SearchStep::Find if search.found.is_none() => {
            let find = match person {
                Person::Email(_) => routes::BY_MAIL,
                Person::User(_) => routes::BY_ID,
            };
            Calls { back_to_back: false, ..Calls::back_to_back([find, preview]) }
        }
        SearchStep::Find | SearchStep::Preview => Calls::of(preview, 1),
        SearchStep::Page(_) => Calls::of(routes::MEMBERS, 1),
        SearchStep::Check { .. } => Calls::of(routes::MEMBERSHIP, CHECKS),
    }
}

impl Finalizing {
    /// What is seen right before the removal is worth nothing some minutes later.
    fn calls(&self) -> Calls {
        let look = (self.claim != Claim::None).then_some(routes::BY_ID);
        let looks = match self.look.looks {
            Some(Looks::Together(looks)) => looks as usize,
            Some(Looks::TooMany) | None => 0,
        };
        let looks = std::iter::repeat_n(routes::MEMBERSHIP, looks);
        Calls::back_to_back(look.into_iter().chain(looks).chain([routes::PREVIEW, routes::REMOVE]))
    }
}

impl Verifying {
    /// One without the others would have to be made again with them.
    fn calls(&self) -> Calls {
        let looks = LOOKS.min(self.plan.spaces.left_to_org_removal as usize);
        Calls::back_to_back([routes::BY_ID].into_iter().chain(std::iter::repeat_n(routes::MEMBERSHIP, looks)))
    }
}
