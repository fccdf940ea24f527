//! What the batches of a plan say, when the organization is about to be left.

use std::collections::{BTreeMap, BTreeSet};

use podio_lifecycle::{
    evidence::CallRecord,
    ids::SpaceId,
    job::BatchKey,
    offboarding::Offboarding,
    removal::{Company, RemovalBatch, RemovalState, SpaceRemoval, Tally, latest, tally},
};

/// The batches of the plan, when the organization is about to be left.
pub(super) struct Batches {
    /// Those that are part of it, each of them settled.
    pub own: Vec<RemovalBatch>,
    /// Those that a worker wrote down and did not announce.
    pub unannounced: Vec<RemovalBatch>,
    /// Refusals in batches before this one have lapsed.
    asked_anew_from: u32,
}

impl Batches {
    /// Sorts the batches of an offboarding's plan.
    pub(super) fn of(offboarding: &Offboarding, stored: Vec<RemovalBatch>) -> Self {
        let (own, unannounced) = offboarding.split(stored);
        Self { own, unannounced, asked_anew_from: offboarding.asked_anew_from }
    }

    /// Whether somebody before has found spaces and could not say so.
    pub(super) fn are_unannounced(&self) -> bool {
        !self.unannounced.is_empty()
    }

    /// Whether the leaver is known to be in a space still.
    pub(super) fn leave_any_behind(&self) -> bool {
        !self.refused().is_empty()
    }

    /// The spaces that did not let the leaver go when they were asked last, and the number of the batch that says so.
    pub(super) fn refused(&self) -> BTreeMap<SpaceId, u32> {
        let refused = latest(&self.own).filter(|(_, entry)| entry.state == RemovalState::LeftToOrgRemoval);
        refused.map(|(batch, entry)| (entry.space_id, batch.key.number)).collect()
    }

    /// Whether a space may have been left by somebody else's call.
    pub(super) fn rode(&self, space: SpaceId) -> bool {
        self.own.iter().any(|batch| !batch.drivers.is_empty() && batch.space(space).is_some())
    }

    /// Of the spaces that the leaver is in, those that have refused and are not written down to be asked again.
    pub(super) fn refused_among(&self, seen: &[SpaceRemoval]) -> Vec<SpaceRemoval> {
        let (refused, written) = (self.refused(), self.written());
        let has_refused = |entry: &&SpaceRemoval| {
            let batch = refused.get(&entry.space_id).filter(|_| !written.contains(&entry.space_id));
            batch.is_some_and(|batch| !self.has_lapsed(*batch))
        };
        seen.iter().filter(has_refused).cloned().collect()
    }

    /// The spaces that are written down and not announced.
    pub(super) fn written(&self) -> BTreeSet<SpaceId> {
        self.unannounced.iter().flat_map(|batch| &batch.spaces).map(|entry| entry.space_id).collect()
    }

    /// Of the spaces that the leaver is in, those that are still to be left: neither left to the organization removal,
    /// nor written down to be left, nor said by Podio again and again not to be the leaver's.
    pub(super) fn missing(&self, seen: impl IntoIterator<Item = SpaceRemoval>) -> Vec<SpaceRemoval> {
        let mut known = self.written();
        known.extend(self.refused().into_iter().filter(|(_, batch)| !self.has_lapsed(*batch)).map(|(space, _)| space));
        let mut gone = BTreeSet::new();
        for entry in self.own.iter().flat_map(|batch| &batch.spaces) {
            // A preview may name a space in which nothing but an item is shared with the leaver.
            if entry.state == RemovalState::AlreadyGone && !gone.insert(entry.space_id) {
                known.insert(entry.space_id);
            }
        }
        seen.into_iter().filter(|entry| !known.contains(&entry.space_id)).collect()
    }

    /// The spaces whose refusal has lapsed, and which nobody has written down again. What could not be looked into is not
    /// looked into again for that.
    pub(super) fn to_ask_anew(&self) -> Vec<SpaceRemoval> {
        let lapsed = latest(&self.own).filter(|(batch, entry)| {
            entry.state == RemovalState::LeftToOrgRemoval && self.has_lapsed(batch.key.number)
        });
        let again = |entry: &SpaceRemoval| SpaceRemoval {
            company: if entry.company == Company::Hidden { Company::Hidden } else { Company::Unknown },
            ..SpaceRemoval::new(entry.space_id, entry.name.clone(), RemovalState::Pending)
        };
        self.missing(lapsed.map(|(_, entry)| again(entry)))
    }

    /// What the spaces that are written down anew had come to before.
    pub(super) fn counted_before(&self) -> Tally {
        let written = self.written();
        tally(latest(&self.own).map(|(_, entry)| entry).filter(|entry| written.contains(&entry.space_id)))
    }

    /// The name of the batch after the last.
    pub(super) fn next(&self, plan: u64) -> BatchKey {
        let last = self.own.iter().chain(&self.unannounced).map(|batch| batch.key.number).max();
        BatchKey { plan, number: last.map_or(0, |last| last + 1) }
    }

    /// Whether what a batch says of a refusal counts no more.
    fn has_lapsed(&self, batch: u32) -> bool {
        batch < self.asked_anew_from
    }
}

/// Whether a space that has refused may have done so because the leaver was out already: by a call of a run that died
/// before it could note the answer, or got none; if the leaver `rode`, by a call of somebody else's run. Some Podios say
/// the same of who is no member and of who may not be removed. If the leaver is in the space nevertheless, they were added
/// again, and it is to be asked again: until it has refused twice in a row.
pub(super) fn may_be_back(calls: &[CallRecord], space: SpaceId, rode: bool) -> bool {
    let prefix = format!("/space/{space}/member/");
    let requests = calls.iter().filter(|call| call.method == "DELETE" && call.path.starts_with(&prefix));
    // What was refused for the quota or for the token was not looked at.
    let words = requests.map(|call| call.status).filter(|status| !matches!(status, Some(401 | 420 | 429)));
    let refusals: Vec<bool> = words.map(|status| status.is_some_and(|status| (400..500).contains(&status))).collect();
    !refusals.ends_with(&[true, true]) && (rode || refusals.contains(&false))
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

    fn batches(own: Vec<RemovalBatch>, asked_anew_from: u32) -> Batches {
        Batches { own, unannounced: Vec::new(), asked_anew_from }
    }

    fn ids(spaces: Vec<SpaceRemoval>) -> Vec<u64> {
        spaces.into_iter().map(|entry| entry.space_id.0).collect()
    }

    fn seen(space: u64) -> [SpaceRemoval; 1] {
        [SpaceRemoval::new(SpaceId(space), None, RemovalState::Pending)]
    }

    #[test]
    fn a_space_is_missing_unless_it_was_refused_or_is_written_down() {
        let own = vec![
            batch(0, &[(1, RemovalState::Removed), (2, RemovalState::LeftToOrgRemoval)]),
            batch(1, &[(3, RemovalState::AlreadyGone)]),
        ];
        let unannounced = vec![batch(2, &[(4, RemovalState::Pending)])];
        let batches = Batches { unannounced, ..batches(own, 0) };
        let missing = batches.missing((1..=5).flat_map(seen));
        assert_eq!(ids(missing), [1, 3, 5], "a membership that came back is a membership");
        assert_eq!(batches.next(4), BatchKey { plan: 4, number: 3 });
    }

    #[test]
    fn a_space_that_podio_shows_and_twice_does_not_know_is_left_to_the_organization_removal() {
        let gone = |number| batch(number, &[(3, RemovalState::AlreadyGone)]);
        assert_eq!(ids(batches(vec![gone(0)], 0).missing(seen(3))), [3]);
        assert_eq!(ids(batches(vec![gone(0), gone(1)], 0).missing(seen(3))), [0; 0]);
    }

    #[test]
    fn a_refusal_counts_until_it_lapses_and_another_one_counts_again() {
        let refused = |number| batch(number, &[(3, RemovalState::LeftToOrgRemoval)]);
        let lapsed = batches(vec![refused(0)], 1);
        assert_eq!((ids(lapsed.missing(seen(3))), ids(lapsed.to_ask_anew())), (vec![3], vec![3]));
        let again = batches(vec![refused(0), refused(1)], 1);
        assert_eq!((ids(again.missing(seen(3))), ids(again.to_ask_anew())), (vec![], vec![]));
        assert_eq!(again.refused(), BTreeMap::from([(SpaceId(3), 1)]), "the last word counts");
    }

    #[test]
    fn a_space_that_lets_the_leaver_go_when_asked_again_has_not_refused() {
        let own = vec![batch(0, &[(3, RemovalState::LeftToOrgRemoval)]), batch(1, &[(3, RemovalState::Removed)])];
        let batches = batches(own, 1);
        assert!(!batches.leave_any_behind());
        assert_eq!(ids(batches.to_ask_anew()), [0; 0]);
    }

    #[test]
    fn who_was_out_before_a_space_refused_and_is_in_it_may_have_been_added_again() {
        let call = |(path, status): &(&str, Option<u16>)| CallRecord {
            at: Timestamp::UNIX_EPOCH,
            answered_at: Timestamp::UNIX_EPOCH,
            method: "DELETE".to_owned(),
            path: (*path).to_owned(),
            status: *status,
            request_id: None,
        };
        let told =
            |calls: &[(&str, Option<u16>)]| may_be_back(&calls.iter().map(call).collect::<Vec<_>>(), SpaceId(3), false);
        let (alone, shared, other) = ("/space/3/member/7", "/space/3/member/9,7", "/space/33/member/7");
        assert!(told(&[(alone, Some(200)), (alone, Some(403))]));
        assert!(told(&[(shared, Some(204)), (other, Some(403)), (alone, Some(420)), (alone, Some(403))]));
        assert!(told(&[(alone, None), (alone, Some(409))]), "nobody knows what became of it");
        assert!(!told(&[(other, Some(200)), (alone, Some(403))]));
        assert!(!told(&[(alone, Some(200)), (alone, Some(403)), (alone, Some(403))]), "asked again, it refused again");
        assert!(told(&[(alone, Some(403)), (shared, Some(502))]), "sent side by side, in whatever order");
        assert!(!told(&[(alone, Some(403))]) && !told(&[]));
        let once = [call(&(alone, Some(403)))];
        assert!(may_be_back(&once, SpaceId(3), true), "somebody else's run may have died");
        let twice = [call(&(alone, Some(403))), call(&(alone, Some(403)))];
        assert!(!may_be_back(&twice, SpaceId(3), true));
    }

    #[test]
    fn a_space_that_is_asked_again_is_not_counted_twice() {
        let own = vec![batch(0, &[(1, RemovalState::Removed), (3, RemovalState::LeftToOrgRemoval)])];
        let again = Batches { unannounced: vec![batch(1, &[(3, RemovalState::Pending)])], ..batches(own, 1) };
        assert_eq!(again.counted_before(), Tally { left_to_org_removal: 1, ..Tally::default() });
    }
}
