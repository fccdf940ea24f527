//! Spaces that the plan does not settle: one that came into being since, a membership that came back.
//!
//! They are not left to the organization removal. They are written down as further batches of the same plan, and the
//! offboarding goes back to leaving spaces. The batches come first and the word of them second, so a worker that dies in
//! between leaves batches that nobody has announced; whoever comes next announces them as they are.

use std::collections::{BTreeMap, BTreeSet};

use podio_client::org_member;
use podio_lifecycle::{
    ids::{OrgId, SpaceId, UserId},
    job::BatchKey,
    offboarding::{Event, FailureCode, Leaver},
    quota::Slot,
    removal::{RemovalBatch, RemovalState, SpaceRemoval, Tally},
};

use crate::{
    Worker,
    caller::Caller,
    jobs::{StageTask, plan::is_unseen},
    verdict::Halt,
};

/// The batches of the plan, when the organization is about to be left.
pub(super) struct Batches {
    /// Those that are part of it, each of them settled.
    pub own: Vec<RemovalBatch>,
    /// Those that a worker wrote down and did not announce.
    unannounced: Vec<RemovalBatch>,
    /// How often the organization was left before, and the person was there again.
    rounds: u32,
}

impl Batches {
    /// Whether somebody before has found spaces and could not say so.
    pub(super) fn are_unannounced(&self) -> bool {
        !self.unannounced.is_empty()
    }

    /// Of the spaces that the leaver is in, those that are still to be left: neither left to the organization removal,
    /// nor written down to be left, nor said by Podio again and again not to be the leaver's.
    pub(super) fn missing(&self, seen: impl IntoIterator<Item = SpaceRemoval>) -> Vec<SpaceRemoval> {
        let written = self.unannounced.iter().flat_map(|batch| &batch.spaces);
        let mut known: BTreeSet<SpaceId> = written.map(|entry| entry.space_id).collect();
        let mut gone = BTreeSet::new();
        let mut refusals: BTreeMap<SpaceId, u32> = BTreeMap::new();
        for entry in self.own.iter().flat_map(|batch| &batch.spaces) {
            let is_known = match entry.state {
                // Whoever was added again has another membership, which may be let go.
                RemovalState::LeftToOrgRemoval => {
                    let refused = refusals.entry(entry.space_id).or_default();
                    *refused += 1;
                    *refused > self.rounds
                }
                // A preview may name a space in which nothing but an item is shared with the leaver.
                RemovalState::AlreadyGone => !gone.insert(entry.space_id),
                RemovalState::Removed | RemovalState::Pending | RemovalState::NotAMember | RemovalState::Unchecked => {
                    false
                }
            };
            if is_known {
                known.insert(entry.space_id);
            }
        }
        seen.into_iter().filter(|entry| !known.contains(&entry.space_id)).collect()
    }

    /// The name of the batch after the last.
    fn next(&self, plan: u64) -> BatchKey {
        let last = self.own.iter().chain(&self.unannounced).map(|batch| batch.key.number).max();
        BatchKey { plan, number: last.map_or(0, |last| last + 1) }
    }
}

impl Worker {
    /// The batches of the plan, each of them settled. The count of open batches says so already; this is the second guard.
    pub(super) async fn settled_batches(&self, stage: &StageTask) -> Result<Batches, Halt> {
        let batches = match stage.offboarding.plan {
            Some(plan) => self.ports.offboardings.batches(&stage.offboarding.id, plan).await?,
            None => Vec::new(),
        };
        let (own, unannounced) = stage.offboarding.split(batches);
        if own.iter().all(RemovalBatch::is_settled) {
            return Ok(Batches { own, unannounced, rounds: stage.offboarding.rounds });
        }
        Err(Halt::fail(
            FailureCode::Inconsistent,
            "The organization was about to be left although a space is not settled. Nothing was sent. Report this as a bug.",
        ))
    }

    /// Where Podio offers no preview: looks into the spaces of which its hooks told, for the leaver and for company. What
    /// was seen is kept even where the quota cuts the look short.
    pub(super) async fn look_into_suspects(
        &self,
        stage: &mut StageTask,
        leaver: &Leaver,
        batches: &Batches,
        caller: &mut Caller<'_>,
    ) -> Result<Vec<SpaceRemoval>, Halt> {
        let mut found = Vec::new();
        let mut left = stage.offboarding.suspects.clone();
        let mut cut_short = None;
        while let Some(space) = left.first().copied() {
            let entry = SpaceRemoval::new(space, None, RemovalState::Unchecked);
            if let Some(mut entry) = batches.missing([entry]).pop() {
                match self.look_into(&mut entry, leaver.user_id, caller).await {
                    Ok(()) if entry.state == RemovalState::Pending => found.push(entry),
                    Ok(()) => {}
                    Err(halt) => {
                        cut_short = Some(halt);
                        break;
                    }
                }
            }
            left.remove(0);
        }
        // Who was found stays a suspect until they are written down.
        left.extend(found.iter().map(|entry| entry.space_id));
        if left != stage.offboarding.suspects {
            self.advance(stage, Event::SuspectsCleared { left }).await?;
        }
        match cut_short {
            Some(halt) if found.is_empty() => Err(halt),
            Some(Halt::Wait(slots)) => {
                self.return_slots(slots.into_iter().map(|booking| booking.slot).collect()).await;
                Ok(found)
            }
            _ => Ok(found),
        }
    }

    async fn look_into(&self, entry: &mut SpaceRemoval, user: UserId, caller: &mut Caller<'_>) -> Result<(), Halt> {
        (entry.state, entry.company) = self.membership(entry.space_id, user, caller).await?;
        if is_unseen(entry) {
            entry.company = self.company(entry.space_id, user, caller).await?;
        }
        Ok(())
    }

    /// Writes the spaces down, watched from now on, and takes the offboarding back to leaving spaces.
    pub(super) async fn extend_plan(
        &self,
        stage: &mut StageTask,
        batches: &Batches,
        found: Vec<SpaceRemoval>,
    ) -> Result<(), Halt> {
        let plan = stage.offboarding.plan.ok_or(Halt::Overtaken)?;
        let further = RemovalBatch::cut_from(&stage.offboarding.id, batches.next(plan), found, Some(self.now()));
        self.ports.removals.create_batches(&further).await?;
        // Another worker may have written others down under the same names. What is stored counts.
        let Batches { unannounced, .. } = self.settled_batches(stage).await?;
        let Some(last_batch) = unannounced.iter().map(|batch| batch.key.number).max() else {
            return Err(Halt::Overtaken);
        };
        let written: BTreeSet<SpaceId> =
            unannounced.iter().flat_map(|batch| &batch.spaces).map(|entry| entry.space_id).collect();
        let spaces = unannounced.iter().map(RemovalBatch::tally).sum::<Tally>().total();
        let suspects = stage.offboarding.suspects.iter().copied();
        let event = Event::SpacesFound {
            batches: u32::try_from(unannounced.len()).unwrap_or(u32::MAX),
            spaces,
            last_batch,
            left: suspects.filter(|space| !written.contains(space)).collect(),
        };
        // Reserved for an end that is not near any more.
        let slots = stage.offboarding.work.slots.clone();
        self.advance(stage, event).await?;
        tracing::info!(offboarding = %stage.offboarding.id, spaces, "spaces were found that the plan does not settle");
        self.return_slots(slots).await;
        Ok(())
    }

    /// Gives back slots that were reserved for the end. Should that fail, they are lost, and nothing else.
    async fn return_slots(&self, mut slots: Vec<Slot>) {
        slots.retain(|slot| slot.0 > self.now());
        let route = org_member::remove(OrgId(0), UserId(0)).quota_route();
        if let Err(error) = self.give_back(&route, &slots).await {
            tracing::warn!(%error, "slots could not be given back");
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use podio_lifecycle::ids::OffboardingId;

    use super::*;

    fn batch(number: u32, spaces: &[(u64, RemovalState)]) -> RemovalBatch {
        let id = OffboardingId::new(Timestamp::UNIX_EPOCH, [1; 10]);
        let entry = |(space, state): &(u64, RemovalState)| SpaceRemoval::new(SpaceId(*space), None, *state);
        let spaces = spaces.iter().map(entry).collect();
        RemovalBatch::cut_from(&id, BatchKey { plan: 4, number }, spaces, None).remove(0)
    }

    #[test]
    fn a_space_is_missing_unless_it_was_refused_or_is_written_down() {
        let own = vec![
            batch(0, &[(1, RemovalState::Removed), (2, RemovalState::LeftToOrgRemoval)]),
            batch(1, &[(3, RemovalState::AlreadyGone)]),
        ];
        let batches = Batches { own, unannounced: vec![batch(2, &[(4, RemovalState::Pending)])], rounds: 0 };
        let seen = (1..=5).map(|space| SpaceRemoval::new(SpaceId(space), None, RemovalState::Pending));
        let missing: Vec<u64> = batches.missing(seen).into_iter().map(|entry| entry.space_id.0).collect();
        assert_eq!(missing, [1, 3, 5], "a membership that came back is a membership");
        assert_eq!(batches.next(4), BatchKey { plan: 4, number: 3 });
    }

    #[test]
    fn a_space_that_podio_shows_and_twice_does_not_know_is_left_to_the_organization_removal() {
        let gone = |number| batch(number, &[(3, RemovalState::AlreadyGone)]);
        let seen = || [SpaceRemoval::new(SpaceId(3), None, RemovalState::Pending)];
        let once = Batches { own: vec![gone(0)], unannounced: Vec::new(), rounds: 0 };
        assert_eq!(once.missing(seen()).len(), 1);
        let twice = Batches { own: vec![gone(0), gone(1)], unannounced: Vec::new(), rounds: 0 };
        assert_eq!(twice.missing(seen()), []);
    }

    #[test]
    fn who_was_added_again_is_asked_to_leave_once_more_even_where_that_was_refused() {
        let refused = |number| batch(number, &[(3, RemovalState::LeftToOrgRemoval)]);
        let seen = || [SpaceRemoval::new(SpaceId(3), None, RemovalState::Pending)];
        let again = Batches { own: vec![refused(0)], unannounced: Vec::new(), rounds: 1 };
        assert_eq!(again.missing(seen()).len(), 1);
        let refused_again = Batches { own: vec![refused(0), refused(1)], unannounced: Vec::new(), rounds: 1 };
        assert_eq!(refused_again.missing(seen()), []);
    }
}
