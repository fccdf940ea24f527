//! What the spaces of a plan say, when the organization is about to be left.

use std::collections::BTreeSet;

use podio_lifecycle::{
    evidence::CallRecord,
    ids::SpaceId,
    offboarding::Plan,
    removal::{Company, RemovalState, SpaceRemoval, Tally},
};

/// How often Podio may say that a space that it shows is not the leaver's, before that is believed.
const BELIEVED: u32 = 2;

/// The spaces of the plan, when the organization is about to be left.
pub(super) struct Spaces {
    /// Those that are part of it, each of them settled.
    pub own: Vec<SpaceRemoval>,
    /// Those that a worker wrote down anew and did not announce.
    pub unannounced: Vec<SpaceRemoval>,
    /// Refusals in rounds before this one have lapsed.
    asked_anew_from: u32,
}

impl Spaces {
    /// Sorts the removals of a plan.
    pub(super) fn of(plan: &Plan, stored: Vec<SpaceRemoval>) -> Self {
        let (own, unannounced) = plan.split(stored);
        Self { own, unannounced, asked_anew_from: plan.asked_anew_from }
    }

    /// Whether somebody before has found spaces and could not say so.
    pub(super) fn are_unannounced(&self) -> bool {
        !self.unannounced.is_empty()
    }

    /// The removal from a space, if it is part of the plan.
    pub(super) fn get(&self, space: SpaceId) -> Option<&SpaceRemoval> {
        self.own.iter().find(|removal| removal.key.space == space)
    }

    /// The spaces that did not let the leaver go when they were asked last.
    pub(super) fn refused(&self) -> impl Iterator<Item = &SpaceRemoval> {
        self.own.iter().filter(|removal| removal.state == RemovalState::LeftToOrgRemoval)
    }

    /// Whether the leaver is known to be in a space still.
    pub(super) fn leave_any_behind(&self) -> bool {
        self.refused().next().is_some()
    }

    /// Of the spaces that the leaver is in, those that have refused, and whose refusal counts.
    pub(super) fn refused_among(&self, seen: &[SpaceRemoval]) -> Vec<SpaceRemoval> {
        let known = |space| self.get(space).filter(|it| it.state == RemovalState::LeftToOrgRemoval);
        let counts = |removal: &SpaceRemoval| !self.has_lapsed(removal);
        seen.iter().filter_map(|seen| known(seen.key.space)).filter(|it| counts(it)).cloned().collect()
    }

    /// The spaces that are written down and not announced.
    pub(super) fn written(&self) -> BTreeSet<SpaceId> {
        self.unannounced.iter().map(|removal| removal.key.space).collect()
    }

    /// Of the spaces that the leaver is in, those that are still to be left: neither left to the organization removal,
    /// nor written down to be left, nor said by Podio again and again not to be the leaver's. Each as it is stored, or new,
    /// and pending.
    pub(super) fn missing(&self, seen: impl IntoIterator<Item = SpaceRemoval>) -> Vec<SpaceRemoval> {
        let written = self.written();
        let open = |seen: SpaceRemoval| match self.get(seen.key.space) {
            _ if written.contains(&seen.key.space) => None,
            None => Some(seen),
            Some(known) if known.state == RemovalState::LeftToOrgRemoval && !self.has_lapsed(known) => None,
            // A preview may name a space in which nothing but an item is shared with the leaver.
            Some(known) if known.times_gone >= BELIEVED => None,
            Some(known) => Some(SpaceRemoval { company: seen.company, state: RemovalState::Pending, ..known.clone() }),
        };
        seen.into_iter().filter_map(open).collect()
    }

    /// The spaces whose refusal has lapsed, and which nobody has written down again. What could not be looked into is not
    /// looked into again for that.
    pub(super) fn to_ask_anew(&self) -> Vec<SpaceRemoval> {
        let again = |removal: &SpaceRemoval| SpaceRemoval {
            company: if removal.company == Company::Hidden { Company::Hidden } else { Company::Unknown },
            ..removal.clone()
        };
        let lapsed: Vec<SpaceRemoval> = self.refused().filter(|removal| self.has_lapsed(removal)).map(again).collect();
        self.missing(lapsed)
    }

    /// What the spaces that are written down anew had come to before.
    pub(super) fn counted_before(&self) -> Tally {
        let before = self.unannounced.iter().filter_map(|removal| removal.before);
        before.fold(Tally::default(), Tally::with)
    }

    /// The round after the last.
    pub(super) fn next_round(&self, plan: &Plan) -> u32 {
        let written = self.unannounced.iter().map(|removal| removal.round).max();
        written.unwrap_or(plan.round + 1)
    }

    /// Whether what a removal says of a refusal counts no more.
    pub(super) fn has_lapsed(&self, removal: &SpaceRemoval) -> bool {
        removal.round < self.asked_anew_from
    }
}

/// Whether a space that has refused may have done so because the leaver was out already: by a call of a run that died
/// before it could note the answer, or got none; where the outcome is `uncertain`, by a call of somebody else's run. Some
/// Podios say the same of who is no member and of who may not be removed. If the leaver is in the space nevertheless, they
/// were added again, and it is to be asked again: until it has refused twice in a row.
pub(super) fn may_be_back(calls: &[CallRecord], space: SpaceId, uncertain: bool) -> bool {
    let prefix = format!("/space/{space}/member/");
    let requests = calls.iter().filter(|call| call.method == "DELETE" && call.path.starts_with(&prefix));
    // What was refused for the quota or for the token was not looked at.
    let words = requests.map(|call| call.status).filter(|status| !matches!(status, Some(401 | 420 | 429)));
    let refusals: Vec<bool> = words.map(|status| status.is_some_and(|status| (400..500).contains(&status))).collect();
    !refusals.ends_with(&[true, true]) && (uncertain || refusals.contains(&false))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use podio_lifecycle::{ids::OffboardingId, removal::SpaceKey};

    use super::*;

    fn removal(space: u64, state: RemovalState, round: u32) -> SpaceRemoval {
        let offboarding = OffboardingId::new(Timestamp::UNIX_EPOCH, [1; 10]);
        let key = SpaceKey { offboarding, plan: 4, space: SpaceId(space) };
        SpaceRemoval { round, revision: 1, ..SpaceRemoval::new(key, None, state) }
    }

    fn spaces(own: Vec<SpaceRemoval>, asked_anew_from: u32) -> Spaces {
        Spaces { own, unannounced: Vec::new(), asked_anew_from }
    }

    fn ids(spaces: Vec<SpaceRemoval>) -> Vec<u64> {
        spaces.into_iter().map(|removal| removal.key.space.0).collect()
    }

    fn seen(space: u64) -> SpaceRemoval {
        SpaceRemoval { revision: 0, ..removal(space, RemovalState::Pending, 0) }
    }

    #[test]
    fn a_space_is_missing_unless_it_was_refused_or_is_written_down() {
        let own = vec![
            removal(1, RemovalState::Removed, 0),
            removal(2, RemovalState::LeftToOrgRemoval, 0),
            removal(3, RemovalState::AlreadyGone, 1),
        ];
        let unannounced = vec![removal(4, RemovalState::Pending, 2)];
        let all = Spaces { unannounced, ..spaces(own, 0) };
        let missing = all.missing((1..=5).map(seen));
        assert_eq!(missing.iter().map(|it| it.revision).collect::<Vec<_>>(), [1, 1, 0], "as they are stored");
        assert_eq!(ids(missing), [1, 3, 5], "a membership that came back is a membership");
    }

    #[test]
    fn a_space_that_podio_shows_and_twice_does_not_know_is_left_to_the_organization_removal() {
        let gone = |times| SpaceRemoval { times_gone: times, ..removal(3, RemovalState::AlreadyGone, 0) };
        assert_eq!(ids(spaces(vec![gone(1)], 0).missing([seen(3)])), [3]);
        assert_eq!(ids(spaces(vec![gone(2)], 0).missing([seen(3)])), [0; 0]);
    }

    #[test]
    fn a_refusal_counts_until_it_lapses_and_another_one_counts_again() {
        let refused = |round| removal(3, RemovalState::LeftToOrgRemoval, round);
        let lapsed = spaces(vec![refused(0)], 1);
        assert_eq!((ids(lapsed.missing([seen(3)])), ids(lapsed.to_ask_anew())), (vec![3], vec![3]));
        let again = spaces(vec![refused(1)], 1);
        assert_eq!((ids(again.missing([seen(3)])), ids(again.to_ask_anew())), (vec![], vec![]));
        assert!(again.leave_any_behind());
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
        let (single, several, other) = ("/space/3/member/7", "/space/3/member/9,7", "/space/33/member/7");
        assert!(told(&[(single, Some(200)), (single, Some(403))]));
        assert!(told(&[(several, Some(204)), (other, Some(403)), (single, Some(420)), (single, Some(403))]));
        assert!(told(&[(single, None), (single, Some(409))]), "nobody knows what became of it");
        assert!(!told(&[(other, Some(200)), (single, Some(403))]));
        assert!(
            !told(&[(single, Some(200)), (single, Some(403)), (single, Some(403))]),
            "asked again, it refused again"
        );
        assert!(told(&[(single, Some(403)), (several, Some(502))]), "sent side by side, in whatever order");
        assert!(!told(&[(single, Some(403))]) && !told(&[]));
        let once = [call(&(single, Some(403)))];
        assert!(may_be_back(&once, SpaceId(3), true), "somebody else's run may have died");
        let twice = [call(&(single, Some(403))), call(&(single, Some(403)))];
        assert!(!may_be_back(&twice, SpaceId(3), true));
    }

    #[test]
    fn a_space_that_is_asked_again_is_not_counted_twice() {
        let again = removal(3, RemovalState::LeftToOrgRemoval, 0).again_in(1);
        let all = Spaces { unannounced: vec![again], ..spaces(vec![removal(1, RemovalState::Removed, 0)], 1) };
        assert_eq!(all.counted_before(), Tally { left_to_org_removal: 1, ..Tally::default() });
    }
}
