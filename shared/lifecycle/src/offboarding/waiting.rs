//! What the work table shows of an offboarding: the job of its present stage, where a single one carries it on.

use super::{
    Claim, Finalizing, Looks, Offboarding, Person, Priority as Hurry, Request, Search, SearchStep, SpaceSource, State,
    Verifying,
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
/// Looks into spaces that are made one after the other.
const CHECKS: usize = 10;
/// Looks at spaces that did not let the leaver go, when they are read back.
const LOOKS: usize = 3;

impl Offboarding {
    /// The job that carries the present stage on, as the work table shows it. While spaces are left, each of them is a job.
    pub fn waiting(&self) -> Option<Waiting> {
        let calls = self.next_calls()?;
        let work = self.state.work();
        let is_scheduled = matches!(self.state, State::Scheduled { .. });
        let not_before = if is_scheduled { Some(self.effective_at()) } else { work.not_before };
        // One that is long or one of a crowd stands with its spaces, wherever those stand.
        let is_long = self.crowd || work.calls >= LONG;
        Some(Waiting {
            job: JobId::new(JobId::OFFBOARDING, &self.id),
            priority: if is_long { self.request.space_priority() } else { Priority::Interactive },
            place: self.place,
            since: self.since().unwrap_or(self.created_at),
            not_before,
            faulted_at: work.faulted_at,
            calls,
            group: None,
        })
    }

    /// The calls that come next; none where nothing is to be done, or only for the spaces.
    fn next_calls(&self) -> Option<Calls> {
        match &self.state {
            State::Scheduled { .. } => Some(calls_of_search(&Search::default(), &self.request.person)),
            State::Planning(it) => Some(calls_of_search(&it.search, &self.request.person)),
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
