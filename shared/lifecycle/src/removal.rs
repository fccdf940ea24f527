//! Space removals: the leaver out of one space each, tracked ten to a batch.
//!
//! A batch is one stored item that holds up to ten spaces, as many as one request to the queue carries. Settling a space
//! and counting it down is then one conditional write of one item; a batch whose last space is settled is counted into
//! its offboarding exactly once.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{OffboardingId, SpaceId},
    job::{BatchKey, Job},
    quota::Slot,
};

/// Spaces in a batch: what SQS takes in one request.
pub const BATCH_SIZE: usize = 10;

/// How long the first jobs of a plan are held back, so that leavers who are posted together find each other before the
/// first of them is on the way: the plans of a crowd take a few seconds, and a removal is not in that much of a hurry.
pub const GATHER: SignedDuration = SignedDuration::from_secs(5);

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

/// That a space is left by the call of another leaver, who leaves it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ride {
    /// Whose call: the place in [`RemovalBatch::drivers`].
    pub driver: usize,
    /// Podio has answered the call with success, but it is not proven yet that it removes more than the first of several.
    pub shared: bool,
}

/// The leaver and one space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceRemoval {
    /// The space.
    pub space_id: SpaceId,
    /// Its name, where the acting admin may see it.
    pub name: Option<String>,
    /// Where it stands.
    pub state: RemovalState,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
    /// The slot reserved for its call, while it waits.
    pub slot: Option<Slot>,
    /// Failed attempts.
    pub attempts: u32,
    /// Who else is in the space.
    pub company: Company,
    /// Who leaves the space for the leaver too. Then there is no job for it, unless the sweep finds that nobody comes.
    #[serde(default)]
    pub ride: Option<Ride>,
}

impl SpaceRemoval {
    /// A space that is listed, in the state given.
    pub fn new(space_id: SpaceId, name: Option<String>, state: RemovalState) -> Self {
        Self { space_id, name, state, settled_at: None, slot: None, attempts: 0, company: Company::Unknown, ride: None }
    }
}

/// Up to ten space removals of one plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalBatch {
    /// Whose.
    pub offboarding: OffboardingId,
    /// Which one.
    pub key: BatchKey,
    /// The spaces, in the order of the plan.
    pub spaces: Vec<SpaceRemoval>,
    /// The batches of other leavers whose calls some of the spaces are left by.
    #[serde(default)]
    pub drivers: Vec<(OffboardingId, BatchKey)>,
    /// Whether it has been counted into the offboarding.
    pub counted: bool,
    /// When the sweep should look whether its jobs were lost.
    pub due_at: Option<Timestamp>,
    /// Bumped by each write.
    pub revision: u64,
}

/// How the spaces of one or more batches stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Confirmed by Podio.
    pub removed: u32,
    /// There was nothing to remove.
    pub already_gone: u32,
    /// Refused by Podio, and left to the removal from the organization.
    pub left_to_org_removal: u32,
    /// Still to do.
    pub pending: u32,
}

impl Tally {
    /// All spaces of the plan.
    pub fn total(self) -> u32 {
        self.removed + self.already_gone + self.left_to_org_removal + self.pending
    }
}

/// What came of each space, in the order of the plan, and the batch that says so. Of a space that was asked again, the last
/// answer counts.
pub fn latest(batches: &[RemovalBatch]) -> impl Iterator<Item = (&RemovalBatch, &SpaceRemoval)> {
    let mut places: BTreeMap<SpaceId, usize> = BTreeMap::new();
    let mut last: Vec<(&RemovalBatch, &SpaceRemoval)> = Vec::new();
    for (batch, entry) in batches.iter().flat_map(|batch| batch.spaces.iter().map(move |entry| (batch, entry))) {
        let place = *places.entry(entry.space_id).or_insert(last.len());
        match last.get_mut(place) {
            Some((known, _)) if known.key.number > batch.key.number => {}
            Some(known) => *known = (batch, entry),
            None => last.push((batch, entry)),
        }
    }
    last.into_iter()
}

/// How spaces stand.
pub fn tally<'a>(spaces: impl IntoIterator<Item = &'a SpaceRemoval>) -> Tally {
    let mut tally = Tally::default();
    for space in spaces {
        match space.state {
            RemovalState::Unchecked | RemovalState::Pending => tally.pending += 1,
            RemovalState::NotAMember => {}
            RemovalState::Removed => tally.removed += 1,
            RemovalState::AlreadyGone => tally.already_gone += 1,
            RemovalState::LeftToOrgRemoval => tally.left_to_org_removal += 1,
        }
    }
    tally
}

impl std::ops::Add for Tally {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            removed: self.removed + other.removed,
            already_gone: self.already_gone + other.already_gone,
            left_to_org_removal: self.left_to_org_removal + other.left_to_org_removal,
            pending: self.pending + other.pending,
        }
    }
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

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::default(), std::ops::Add::add)
    }
}

impl RemovalBatch {
    /// Cuts a plan's spaces into batches.
    pub fn cut(
        offboarding: &OffboardingId,
        plan: u64,
        spaces: Vec<SpaceRemoval>,
        due_at: Option<Timestamp>,
    ) -> Vec<Self> {
        Self::cut_from(offboarding, BatchKey { plan, number: 0 }, spaces, due_at)
    }

    /// Cuts spaces into batches, the first of which bears the name given.
    pub fn cut_from(
        offboarding: &OffboardingId,
        first: BatchKey,
        spaces: Vec<SpaceRemoval>,
        due_at: Option<Timestamp>,
    ) -> Vec<Self> {
        let BatchKey { plan, number } = first;
        spaces
            .chunks(BATCH_SIZE)
            .zip(number..)
            .map(|(spaces, number)| Self {
                offboarding: offboarding.clone(),
                key: BatchKey { plan, number },
                spaces: spaces.to_vec(),
                drivers: Vec::new(),
                counted: false,
                due_at,
                revision: 0,
            })
            .collect()
    }

    /// How its spaces stand.
    pub fn tally(&self) -> Tally {
        tally(&self.spaces)
    }

    /// Whether every space is settled.
    pub fn is_settled(&self) -> bool {
        self.spaces.iter().all(|space| space.state.is_settled())
    }

    /// Until when nothing is to be expected of it: the last slot that one of its spaces waits for.
    pub fn quiet_until(&self, now: Timestamp) -> Timestamp {
        let pending = self.spaces.iter().filter(|space| space.state == RemovalState::Pending);
        pending.filter_map(|space| space.slot).map(|slot| slot.0).max().map_or(now, |last| last.max(now))
    }

    /// The entry of one space.
    pub fn space(&self, space: SpaceId) -> Option<&SpaceRemoval> {
        self.spaces.iter().find(|entry| entry.space_id == space)
    }

    /// Whose call leaves a space, if it is not the leaver's own.
    pub fn driver(&self, space: SpaceId) -> Option<&(OffboardingId, BatchKey)> {
        self.drivers.get(self.space(space)?.ride?.driver)
    }

    /// When the call for a space is to be expected, if it is still to be made and the leaver's own.
    pub fn expected_at(&self, space: SpaceId) -> Option<Timestamp> {
        let entry = self.space(space).filter(|entry| entry.state == RemovalState::Pending && entry.ride.is_none())?;
        entry.slot.map(|slot| slot.0).or(self.due_at)
    }

    /// A job for each space that is not settled, that nobody else leaves for the leaver, and whose message does not sleep
    /// until a slot that lies ahead of `now`.
    pub fn jobs(&self, now: Timestamp) -> Vec<Job> {
        let own = |space: &&SpaceRemoval| space.ride.is_none();
        self.open(now).filter(own).map(|space| self.job(space.space_id)).collect()
    }

    /// The same for every space, whoever is to leave it.
    pub fn every_job(&self, now: Timestamp) -> Vec<Job> {
        self.open(now).map(|space| self.job(space.space_id)).collect()
    }

    /// The job for one space.
    pub fn job(&self, space: SpaceId) -> Job {
        Job::RemoveFromSpace { offboarding: self.offboarding.clone(), batch: self.key, space }
    }

    fn open(&self, now: Timestamp) -> impl Iterator<Item = &SpaceRemoval> {
        let awake = move |space: &SpaceRemoval| space.slot.is_none_or(|slot| slot.0 <= now);
        self.spaces.iter().filter(move |space| space.state == RemovalState::Pending && awake(space))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_cut_into_tens_and_only_pending_spaces_get_jobs() {
        let id = OffboardingId::new(Timestamp::UNIX_EPOCH, [0; 10]);
        let spaces = (1..=23).map(|n| SpaceRemoval::new(SpaceId(n), None, RemovalState::Pending)).collect();
        let mut batches = RemovalBatch::cut(&id, 4, spaces, None);
        assert_eq!(batches.iter().map(|batch| batch.spaces.len()).collect::<Vec<_>>(), [10, 10, 3]);
        assert_eq!(batches[2].key, BatchKey { plan: 4, number: 2 });

        batches[2].spaces[0].state = RemovalState::Removed;
        batches[2].spaces[1].state = RemovalState::NotAMember;
        assert_eq!(batches[2].jobs(Timestamp::UNIX_EPOCH).len(), 1);
        assert_eq!(batches[2].tally(), Tally { removed: 1, pending: 1, ..Tally::default() });
        assert!(!batches[2].is_settled());
        batches[2].spaces[2].slot = Some(Slot(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(9)));
        assert_eq!(batches[2].jobs(Timestamp::UNIX_EPOCH), [], "its message sleeps");
        batches[1].drivers = vec![(id.clone(), BatchKey { plan: 1, number: 0 })];
        batches[1].spaces[3].ride = Some(Ride { driver: 0, shared: false });
        let (jobs, every) = (batches[1].jobs(Timestamp::UNIX_EPOCH), batches[1].every_job(Timestamp::UNIX_EPOCH));
        assert_eq!((jobs.len(), every.len()), (9, 10), "somebody else leaves that one");
        assert_eq!(batches[1].driver(SpaceId(14)), batches[1].drivers.first());
        assert_eq!(batches[1].driver(SpaceId(15)), None);
        let all: Tally = batches.iter().map(RemovalBatch::tally).sum();
        assert_eq!(all.total(), 22);
    }
}
