//! What the work table shows of an offboarding: the job of its present stage, where a single one carries it on.

use super::{Claim, Looks, Offboarding, Person, Priority as Hurry, SearchStep, SpaceSource, State};
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
        let not_before = match self.state {
            State::Scheduled => Some(self.effective_at()),
            _ => self.work.not_before,
        };
        Some(Waiting {
            job: JobId::new(JobId::OFFBOARDING, &self.id),
            priority: self.stage_priority(),
            place: self.place,
            since: self.since().unwrap_or(self.created_at),
            not_before,
            faulted_at: self.work.faulted_at,
            calls,
            group: None,
        })
    }

    /// The priority of its space removals: those of somebody who has to leave at once do not wait behind a mass of others.
    pub fn space_priority(&self) -> Priority {
        match self.request.priority {
            Hurry::Urgent => Priority::Interactive,
            Hurry::Normal => Priority::Removal,
        }
    }

    /// The priority of the stage's job. One that is long or one of a crowd stands with its spaces, wherever those stand.
    fn stage_priority(&self) -> Priority {
        let is_long = self.crowd || self.work.calls >= LONG;
        if is_long { self.space_priority() } else { Priority::Interactive }
    }

    /// The calls that come next; none where nothing is to be done, or only for the spaces.
    fn next_calls(&self) -> Option<Calls> {
        Some(match self.state {
            State::Scheduled | State::Planning => self.calls_of_plan(),
            State::Removing if self.work.release => Calls::default(),
            State::Finalizing => self.calls_of_end(),
            State::Verifying => {
                let looks = LOOKS.min(self.counted.left_to_org_removal as usize);
                // One without the others would have to be made again with them.
                Calls::back_to_back([routes::BY_ID].into_iter().chain(std::iter::repeat_n(routes::MEMBERSHIP, looks)))
            }
            State::Failed { .. } | State::Cancelled { .. } if self.awaits_seal() => Calls::default(),
            _ => return None,
        })
    }

    fn calls_of_plan(&self) -> Calls {
        let preview = match self.work.search.source {
            SpaceSource::Preview => routes::PREVIEW,
            SpaceSource::Memberships => routes::MEMBERSHIPS,
            SpaceSource::AllSpaces => routes::ALL_SPACES,
            SpaceSource::Spaces => routes::SPACES,
        };
        match self.work.search.step {
            SearchStep::Find if self.work.search.found.is_none() => {
                let find = match self.request.person {
                    Person::Email(_) => routes::BY_MAIL,
                    Person::User(_) => routes::BY_ID,
                };
                Calls { back_to_back: false, ..Calls::back_to_back([find, preview]) }
            }
            SearchStep::Find | SearchStep::Preview => Calls::of(preview, 1),
            SearchStep::Page { .. } => Calls::of(routes::MEMBERS, 1),
            SearchStep::Check { .. } => Calls::of(routes::MEMBERSHIP, CHECKS),
        }
    }

    /// What is seen right before the removal is worth nothing some minutes later.
    fn calls_of_end(&self) -> Calls {
        let look = (self.work.claim != Claim::None).then_some(routes::BY_ID);
        let looks = match self.work.search.looks {
            Some(Looks::Together(looks)) => looks as usize,
            Some(Looks::TooMany) | None => 0,
        };
        let looks = std::iter::repeat_n(routes::MEMBERSHIP, looks);
        Calls::back_to_back(look.into_iter().chain(looks).chain([routes::PREVIEW, routes::REMOVE]))
    }
}
