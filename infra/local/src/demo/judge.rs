//! The sandbox's own word on what happened: who was where before, who is where now, and which calls changed something.

use std::collections::{BTreeMap, BTreeSet};

use podio_sandbox::{Call, Effect, HookId, SpaceId, State, UserId, population::ORG_ID, state::SpaceRole};
use serde::Serialize;

type Seats = BTreeMap<SpaceId, BTreeMap<UserId, SpaceRole>>;

/// How things stood before.
#[derive(Debug, Clone)]
pub(super) struct Before {
    leaver: UserId,
    hook: HookId,
    members: BTreeSet<UserId>,
    seats: Seats,
    calls: u64,
}

/// What the sandbox knows afterwards.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Findings {
    /// The leaver's id.
    pub(super) user_id: u64,
    /// Spaces that the leaver was in before.
    pub(super) spaces_before: usize,
    /// The hook that was registered before.
    pub(super) hook_id: u64,
    /// The space that came into being meanwhile.
    pub(super) new_space_id: Option<u64>,
    /// Calls that counted against the quota.
    pub(super) calls: usize,
    /// Calls that the quota turned down.
    pub(super) rejected: usize,
    /// What should not be so, each in a sentence.
    pub(super) objections: Vec<String>,
}

impl Before {
    /// How things stand, with `leaver` about to leave; none when nobody has that address.
    pub(super) fn of(state: &State, leaver: &str, hook: HookId) -> Option<Self> {
        Some(Self {
            leaver: state.person_by_mail(leaver)?,
            hook,
            members: members(state),
            seats: seats(state),
            calls: state.log.calls().last().map_or(0, |call| call.n),
        })
    }

    /// The leaver.
    pub(super) fn leaver(&self) -> UserId {
        self.leaver
    }

    /// What `state` says of the time since, in which `newcomer` came into being with the leaver in it.
    pub(super) fn judge(&self, state: &State, newcomer: Option<SpaceId>) -> Findings {
        let calls: Vec<_> = state.log.calls().iter().filter(|call| call.n > self.calls).collect();
        let mut objections = self.gone(state);
        objections.extend(self.untouched(state));
        objections.extend(self.in_order(&calls));
        objections.extend(newcomer.and_then(|space| self.left_newcomer(state, &calls, space)));
        if !state.hooks.all.get(&self.hook).is_some_and(|hook| hook.active) {
            objections.push(format!("hook {} is not active", self.hook));
        }
        let rejected = calls.iter().filter(|call| call.rejected_420).count();
        if rejected > 0 {
            objections.push(format!("the quota was overspent: {rejected} calls were turned down"));
        }
        Findings {
            user_id: self.leaver.0,
            spaces_before: self.seats.values().filter(|seats| seats.contains_key(&self.leaver)).count(),
            hook_id: self.hook.0,
            new_space_id: newcomer.map(|space| space.0),
            calls: calls.iter().filter(|call| call.bucket.is_some() && !call.path.starts_with("/oauth/")).count(),
            rejected,
            objections,
        }
    }

    fn gone(&self, state: &State) -> Vec<String> {
        let mut objections = Vec::new();
        if members(state).contains(&self.leaver) {
            objections.push("the leaver is still in the organization".to_owned());
        }
        let left = seats(state).values().filter(|seats| seats.contains_key(&self.leaver)).count();
        if left > 0 {
            objections.push(format!("the leaver is still in {left} spaces"));
        }
        objections
    }

    fn untouched(&self, state: &State) -> Vec<String> {
        let mut objections = Vec::new();
        let others = |members: &BTreeSet<UserId>| members.iter().copied().filter(|id| *id != self.leaver).collect();
        let (before, after): (BTreeSet<_>, BTreeSet<_>) = (others(&self.members), others(&members(state)));
        if before != after {
            objections.push("somebody else left or joined the organization".to_owned());
        }
        let after = seats(state);
        for (space, before) in &self.seats {
            let Some(after) = after.get(space) else {
                objections.push(format!("space {} was deleted", space.0));
                continue;
            };
            let others = |seats: &BTreeMap<UserId, SpaceRole>| -> BTreeMap<UserId, SpaceRole> {
                seats.iter().filter(|(id, _)| **id != self.leaver).map(|(id, role)| (*id, *role)).collect()
            };
            if others(before) != others(after) {
                objections.push(format!("somebody else's place in space {} changed", space.0));
            }
        }
        objections
    }

    /// The new space is left by a call of its own, and goes on without the leaver.
    fn left_newcomer(&self, state: &State, calls: &[&Call], space: SpaceId) -> Option<String> {
        let own = format!("/space/{space}/member/");
        let ended = Effect::SpaceMembershipEnded { space_id: space, user_id: self.leaver };
        let left =
            |call: &&Call| call.method == "DELETE" && call.path.starts_with(&own) && call.effects.contains(&ended);
        if !calls.iter().copied().any(|call| left(&call)) {
            return Some(format!("no call of its own ended the place in the new space {space}"));
        }
        let lives = state.spaces.get(&space).is_some_and(|it| it.deleted_on.is_none() && it.has_others(self.leaver));
        (!lives).then(|| format!("the new space {space} was deleted"))
    }

    /// The organization comes last, and once.
    fn in_order(&self, calls: &[&Call]) -> Option<String> {
        let ends = |wanted: fn(&Effect, UserId) -> bool| {
            let leaver = self.leaver;
            calls.iter().filter(move |call| call.effects.iter().any(|effect| wanted(effect, leaver))).map(|call| call.n)
        };
        let org: Vec<_> = ends(|effect, leaver| {
            matches!(effect, Effect::OrgMembershipEnded { org_id, user_id } if *org_id == ORG_ID && *user_id == leaver)
        })
        .collect();
        let last_space =
            ends(|effect, leaver| matches!(effect, Effect::SpaceMembershipEnded { user_id, .. } if *user_id == leaver))
                .max();
        match org.as_slice() {
            [] if self.members.contains(&self.leaver) => Some("no call ended the organization membership".to_owned()),
            [org] if last_space.is_some_and(|space| space > *org) => {
                Some("a space was left after the organization".to_owned())
            }
            [] | [_] => None,
            _ => Some("the organization membership was ended more than once".to_owned()),
        }
    }
}

fn members(state: &State) -> BTreeSet<UserId> {
    state.org_members(ORG_ID).into_iter().collect()
}

fn seats(state: &State) -> Seats {
    let seats =
        |space: &podio_sandbox::state::Space| space.active_members().map(|(id, member)| (id, member.role)).collect();
    state.spaces_of_org(ORG_ID).map(|(id, space)| (id, seats(space))).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use podio_sandbox::{Config, Population, Profile, population::LEAVER, state::HookRef};

    use super::*;
    use crate::demo::midflight;

    fn organization() -> State {
        let mut config = Config::new(Profile::Documented);
        config.population = Population::new(1).leaver("Jane Doe", LEAVER, 3);
        config.initial_state(Timestamp::UNIX_EPOCH)
    }

    /// How things stand, with an active hook.
    fn before(state: &mut State) -> Before {
        let on = HookRef { ref_type: "org".to_owned(), ref_id: ORG_ID.0 };
        let hook = state.create_hook(Timestamp::UNIX_EPOCH, on, "http://127.0.0.1/", "space.create", UserId(1));
        state.hooks.all.get_mut(&hook).unwrap().active = true;
        Before::of(state, LEAVER, hook).unwrap()
    }

    #[test]
    fn a_leaver_who_is_still_there_is_an_objection() {
        let mut state = organization();
        let findings = before(&mut state).judge(&state, None);
        assert_eq!(findings.spaces_before, 3);
        let expected = [
            "the leaver is still in the organization",
            "the leaver is still in 3 spaces",
            "no call ended the organization membership",
        ];
        assert_eq!(findings.objections, expected);
    }

    #[test]
    fn a_bystander_who_was_touched_is_an_objection() {
        let mut state = organization();
        let before = before(&mut state);
        let (space, bystander) = before
            .seats
            .iter()
            .find_map(|(space, seats)| {
                let other = seats.iter().find(|(id, role)| **id != before.leaver && **role == SpaceRole::Regular);
                other.map(|(id, _)| (*space, *id))
            })
            .unwrap();
        state.remove_from_space(Timestamp::UNIX_EPOCH, space, &[bystander]).unwrap();
        let objections = before.judge(&state, None).objections;
        assert!(objections.contains(&format!("somebody else's place in space {} changed", space.0)), "{objections:?}");
    }

    #[test]
    fn a_new_space_that_no_call_of_its_own_has_left_is_an_objection() {
        let mut state = organization();
        let before = before(&mut state);
        let space = midflight::new_space(&mut state, before.leaver, Timestamp::UNIX_EPOCH).unwrap();
        // As the removal from the organization would, all at once.
        for space in state.spaces_of_member(ORG_ID, before.leaver) {
            state.remove_from_space(Timestamp::UNIX_EPOCH, space, &[before.leaver]).unwrap();
        }
        let objections = before.judge(&state, Some(space)).objections;
        let expected = format!("no call of its own ended the place in the new space {space}");
        assert!(objections.contains(&expected), "{objections:?}");
    }

    #[test]
    fn a_hook_that_was_switched_off_is_an_objection() {
        let mut state = organization();
        let before = before(&mut state);
        state.hooks.all.get_mut(&before.hook).unwrap().active = false;
        let objections = before.judge(&state, None).objections;
        assert!(objections.contains(&format!("hook {} is not active", before.hook)), "{objections:?}");
    }
}
