//! Space removals: the leaver out of one space each.
//!
//! A removal is one stored item, and its own job in the work table. Settling it and counting it down on its offboarding is
//! one transaction, so that the offboarding always knows how many are open.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{OffboardingId, SpaceId},
    work::{Calls, Group, JobId, Priority, Waiting},
};

/// The route of the call that takes a leaver out of a space.
pub const ROUTE: &str = "DELETE /space/{space_id}/member/{user_ids}";

/// Where one space stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalState {
    /// Listed, but it is not yet known whether the leaver is in it. Only while planning, where Podio offers no preview.
    Unchecked,
    /// Looked at: the leaver is not in it. Counts nowhere.
    NotAMember,
    /// To be removed.
    Pending,
    /// Podio confirmed the removal.
    Removed,
    /// Podio said that there was no such membership.
    AlreadyGone,
    /// Podio refused; ending the organization membership ends this one too, in most Podios.
    LeftToOrgRemoval,
}

impl RemovalState {
    /// Whether nothing more is to be done for the space.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::NotAMember | Self::Removed | Self::AlreadyGone | Self::LeftToOrgRemoval)
    }
}

/// Whether the leaver was seen to have company in a space, which rules out its deletion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Company {
    /// Nobody has looked.
    #[default]
    Unknown,
    /// Podio does not show.
    Hidden,
    /// Nobody looked, but the leaver is no admin of the space, so somebody else should be.
    Implied,
    /// The leaver is the only member.
    Alone,
    /// There are others, and an admin among them.
    Others,
    /// There are others, but the leaver is the last admin.
    OthersWithoutAdmin,
}

/// Names one removal: the leaver's offboarding, the plan that it is part of, and the space.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SpaceKey {
    /// Whose.
    pub offboarding: OffboardingId,
    /// The plan, named by the revision of the offboarding at which planning began; a new plan never meets an old one's
    /// removals.
    pub plan: u64,
    /// The space.
    pub space: SpaceId,
}

impl SpaceKey {
    /// The job that removes the leaver.
    pub fn job(&self) -> JobId {
        JobId::new(JobId::SPACE, self)
    }
}

impl fmt::Display for SpaceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.offboarding, self.plan, self.space)
    }
}

/// Text that names no removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a removal")]
pub struct NotASpaceKey;

impl FromStr for SpaceKey {
    type Err = NotASpaceKey;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '/');
        let mut next = || parts.next().ok_or(NotASpaceKey);
        Ok(Self {
            offboarding: next()?.parse().map_err(|_| NotASpaceKey)?,
            plan: next()?.parse().map_err(|_| NotASpaceKey)?,
            space: SpaceId(next()?.parse().map_err(|_| NotASpaceKey)?),
        })
    }
}

/// How a removal waits in the work table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Who goes first.
    pub priority: Priority,
    /// Where it stands among those of its priority.
    pub place: Timestamp,
    /// Since when.
    pub since: Timestamp,
    /// Not before that time.
    pub not_before: Option<Timestamp>,
    /// Since when it pauses because of a fault outside.
    pub faulted_at: Option<Timestamp>,
}

/// The leaver and one space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceRemoval {
    /// Which.
    pub key: SpaceKey,
    /// The name of the space, where the acting admin may see it.
    pub name: Option<String>,
    /// Where it stands.
    pub state: RemovalState,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
    /// Who else is in the space.
    pub company: Company,
    /// The round of the plan in which it was last written down; the plan itself is round 0, each extension one more.
    pub round: u32,
    /// What it had come to before it was written down anew.
    pub before: Option<RemovalState>,
    /// How often Podio has said that there is no such membership.
    pub times_gone: u32,
    /// Whether it goes alone: Podio has refused a call that named several leavers, this one among them.
    pub alone: bool,
    /// Whether an attempt died, so that Podio may have removed the leaver without anybody having noted it.
    pub uncertain: bool,
    /// Attempts in a row that a fault outside has ended.
    pub faults: u32,
    /// Since when there have been nothing but faults.
    pub faulted_since: Option<Timestamp>,
    /// How it waits; none where nothing is to be called.
    pub wait: Option<Wait>,
    /// Bumped by each write but those of the work table.
    pub revision: u64,
}

impl SpaceRemoval {
    /// A space that is listed, in the state given. It does not wait yet.
    pub fn new(key: SpaceKey, name: Option<String>, state: RemovalState) -> Self {
        Self {
            key,
            name,
            state,
            settled_at: None,
            company: Company::Unknown,
            round: 0,
            before: None,
            times_gone: 0,
            alone: false,
            uncertain: false,
            faults: 0,
            faulted_since: None,
            wait: None,
            revision: 0,
        }
    }

    /// The space.
    pub fn space(&self) -> SpaceId {
        self.key.space
    }

    /// The same, waiting for its call from `since` on.
    pub fn waiting_since(self, since: Timestamp, priority: Priority, place: Timestamp) -> Self {
        let wait = Wait { priority, place, since, not_before: None, faulted_at: None };
        Self { wait: Some(wait), ..self }
    }

    /// The same, written down to be left in that round of the plan.
    pub fn again_in(self, round: u32) -> Self {
        let before = (self.revision > 0).then_some(self.state);
        Self { before, round, state: RemovalState::Pending, settled_at: None, faults: 0, faulted_since: None, ..self }
    }

    /// The same, settled.
    pub fn settled(self, state: RemovalState, at: Timestamp) -> Self {
        let times_gone = self.times_gone + u32::from(state == RemovalState::AlreadyGone);
        Self { state, settled_at: Some(at), times_gone, wait: None, faulted_since: None, ..self }
    }

    /// What the work table shows of it.
    pub fn waiting(&self) -> Option<Waiting> {
        let Wait { priority, place, since, not_before, faulted_at } = self.wait?;
        Some(Waiting {
            job: self.key.job(),
            priority,
            place,
            since,
            not_before,
            faulted_at,
            calls: Calls::of(ROUTE, 1),
            group: Some(Group::Space(self.key.space)),
        })
    }
}

/// A number that need not be stored.
fn is_none(number: &u32) -> bool {
    *number == 0
}

/// How the spaces of a plan stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Confirmed by Podio.
    #[serde(default, skip_serializing_if = "is_none")]
    pub removed: u32,
    /// There was nothing to remove.
    #[serde(default, skip_serializing_if = "is_none")]
    pub already_gone: u32,
    /// Refused by Podio, and left to the removal from the organization.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_to_org_removal: u32,
    /// Still to do.
    #[serde(default, skip_serializing_if = "is_none")]
    pub pending: u32,
}

impl Tally {
    /// All spaces of the plan.
    pub fn total(self) -> u32 {
        self.removed + self.already_gone + self.left_to_org_removal + self.pending
    }

    /// One space more in that state.
    pub fn with(mut self, state: RemovalState) -> Self {
        match state {
            RemovalState::Unchecked | RemovalState::Pending => self.pending += 1,
            RemovalState::NotAMember => {}
            RemovalState::Removed => self.removed += 1,
            RemovalState::AlreadyGone => self.already_gone += 1,
            RemovalState::LeftToOrgRemoval => self.left_to_org_removal += 1,
        }
        self
    }
}

/// How spaces stand.
pub fn tally<'a>(spaces: impl IntoIterator<Item = &'a SpaceRemoval>) -> Tally {
    spaces.into_iter().fold(Tally::default(), |tally, space| tally.with(space.state))
}

/// Never below nothing.
impl std::ops::Sub for Tally {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            removed: self.removed.saturating_sub(other.removed),
            already_gone: self.already_gone.saturating_sub(other.already_gone),
            left_to_org_removal: self.left_to_org_removal.saturating_sub(other.left_to_org_removal),
            pending: self.pending.saturating_sub(other.pending),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(space: u64) -> SpaceKey {
        SpaceKey { offboarding: OffboardingId::new(Timestamp::UNIX_EPOCH, [0; 10]), plan: 4, space: SpaceId(space) }
    }

    #[test]
    fn a_removal_is_named_by_its_subject() {
        let job = key(7).job();
        assert_eq!((job.kind.as_str(), job.subject.parse()), (JobId::SPACE, Ok(key(7))));
        assert_eq!("off_x/1/2".parse::<SpaceKey>(), Err(NotASpaceKey));
        assert_eq!("".parse::<SpaceKey>(), Err(NotASpaceKey));
    }

    #[test]
    fn what_is_written_down_anew_remembers_what_it_was() {
        let gone = SpaceRemoval { revision: 1, ..SpaceRemoval::new(key(1), None, RemovalState::Pending) }
            .settled(RemovalState::AlreadyGone, Timestamp::UNIX_EPOCH);
        let again = gone.again_in(2);
        assert_eq!((again.before, again.round, again.times_gone), (Some(RemovalState::AlreadyGone), 2, 1));
        assert_eq!(again.waiting(), None);
        let new = SpaceRemoval::new(key(1), None, RemovalState::Pending).again_in(2);
        assert_eq!(new.before, None, "never stored");
    }

    #[test]
    fn spaces_in_which_the_leaver_is_not_count_nowhere() {
        let states = [RemovalState::Removed, RemovalState::Pending, RemovalState::NotAMember];
        let spaces: Vec<_> = (1..).zip(states).map(|(n, state)| SpaceRemoval::new(key(n), None, state)).collect();
        assert_eq!(tally(&spaces), Tally { removed: 1, pending: 1, ..Tally::default() });
        assert_eq!(tally(&spaces).total(), 2);
    }
}
