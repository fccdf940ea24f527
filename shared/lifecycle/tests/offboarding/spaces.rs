//! Spaces of the plan, and those that are found later.

use podio_lifecycle::{
    offboarding::{Refusal, SearchStep},
    removal::{SpaceKey, SpaceRemoval},
};

use super::*;

fn planned(spaces: u32) -> Offboarding {
    live(accepted(request()), [Event::PlanningBegun, Event::Planned(plan(spaces, vec![]))]).offboarding
}

#[test]
fn each_settled_space_counts_in_its_own_way() {
    let states = [RemovalState::Removed, RemovalState::AlreadyGone, RemovalState::LeftToOrgRemoval];
    let removing = planned(4);
    let counted = live(removing, states.map(Event::SpaceSettled)).offboarding;
    assert_eq!((counted.state.name(), plan_of(&counted).spaces.pending), ("removing", 1));
    let done = live(counted, [removed()]).offboarding;
    let tally = Tally { removed: 2, already_gone: 1, left_to_org_removal: 1, pending: 0 };
    assert_eq!(
        (done.state.status(), plan_of(&done).spaces.pending, plan_of(&done).spaces),
        (Status::Finalizing, 0, tally)
    );
    assert_eq!(done.apply(removed(), at(99)), Err(Refusal::OutOfPlace), "one more than there are");
}

#[test]
fn a_space_settled_while_held_leads_on_at_once() {
    let held = live(planned(1), [Event::KeepsFailing]).offboarding;
    assert!(held.state.leaving().is_some(), "the decision to remove the person stands");
    let done = live(held, [removed()]).offboarding;
    assert_eq!(done.state.status(), Status::Finalizing, "what it was held for is over");
}

#[test]
fn spaces_that_are_found_right_before_the_end_are_left_first() {
    let finalizing = live(planned(2), [removed(), removed()]).offboarding;
    let extended = live(finalizing, [found(3, 1, vec![])]).offboarding;
    assert_eq!(extended.state.status(), Status::Removing);
    assert_eq!(
        (plan_of(&extended).spaces.total(), plan_of(&extended).spaces.pending, plan_of(&extended).round),
        (5, 3, 1)
    );
    assert_eq!(extended.apply(Event::OrgRemovalClaimed, at(99)), Err(Refusal::OutOfPlace));

    let late = extended.apply(found(1, 2, vec![]), at(99));
    assert_eq!(late, Err(Refusal::OutOfPlace), "a duplicate that was overtaken");
    let again = live(extended, [removed(), removed(), removed()]).offboarding;
    assert_eq!(again.state.status(), Status::Finalizing);
    assert_eq!(plan_of(&again).spaces.removed, 5);
    let same = again.apply(found(1, 1, vec![]), at(99));
    assert_eq!(same, Err(Refusal::OutOfPlace), "this round is counted");
    assert_eq!(again.apply(found(0, 2, vec![]), at(99)), Err(Refusal::OutOfPlace), "a round of nothing");
}

#[test]
fn a_space_found_again_is_counted_once() {
    let finalizing = live(planned(2), [removed(), Event::SpaceSettled(RemovalState::AlreadyGone)]).offboarding;
    let again = Tally { already_gone: 1, ..Tally::default() };
    let event = Event::SpacesFound { spaces: 2, again, round: 1, left: vec![SpaceId(9)] };
    let extended = live(finalizing, [event]).offboarding;
    assert_eq!(
        (plan_of(&extended).spaces.total(), plan_of(&extended).spaces.pending),
        (3, 2),
        "one of the two was part of the plan"
    );
    assert_eq!(plan_of(&extended).spaces, Tally { removed: 1, pending: 2, ..Tally::default() });
    assert_eq!(plan_of(&extended).suspects, [SpaceId(9)]);
    let done = live(extended, [removed(), removed()]).offboarding;
    assert_eq!((plan_of(&done).spaces.total(), plan_of(&done).spaces.total()), (3, 3));
}

#[test]
fn somebody_added_again_and_again_still_leaves() {
    let mut offboarding = live(accepted(request()), [Event::Planned(plan(0, vec![]))]).offboarding;
    let mut extensions = 0;
    while plan_of(&offboarding).may_be_extended() {
        extensions += 1;
        offboarding = live(offboarding, [found(1, extensions, vec![]), removed()]).offboarding;
    }
    assert_eq!(extensions, 5);
    assert_eq!(offboarding.apply(found(1, 9, vec![]), at(999)), Err(Refusal::OutOfPlace));
    let left = live(offboarding, [Event::OrgRemovalClaimed, Event::OrgRemovalDone]).offboarding;
    assert_eq!((left.state.status(), plan_of(&left).spaces.total()), (Status::Verifying, 5));
}

#[test]
fn a_removal_that_nobody_announced_is_no_part_of_the_plan() {
    let offboarding = live(planned(2), [removed(), removed()]).offboarding;
    let removal = |space, round| {
        let key = plan_of(&offboarding).key(&offboarding.id, SpaceId(space));
        SpaceRemoval { round, ..SpaceRemoval::new(key, None, RemovalState::Pending) }
    };
    let (own, others) = plan_of(&offboarding).split(vec![removal(1, 0), removal(2, 1), removal(3, 0)]);
    let numbers = |removals: &[SpaceRemoval]| removals.iter().map(|removal| removal.space().0).collect::<Vec<_>>();
    assert_eq!((numbers(&own), numbers(&others)), (vec![1, 3], vec![2]));
    assert!(plan_of(&offboarding).owns(&own[0]) && !plan_of(&offboarding).owns(&others[0]));
    let key = SpaceKey { plan: 99, ..own[0].key.clone() };
    assert!(!plan_of(&offboarding).owns(&SpaceRemoval::new(key, None, RemovalState::Pending)), "another plan's");
    let extended = live(offboarding, [found(1, 1, vec![])]).offboarding;
    assert!(plan_of(&extended).owns(&others[0]), "once it is announced");
}

#[test]
fn spaces_in_doubt_are_noted_once_the_spaces_are_listed() {
    let planning = live(accepted(request()), [Event::PlanningBegun]).offboarding;
    assert_eq!(planning.apply(look_again(5), at(99)), Err(Refusal::OutOfPlace), "all spaces are still to be listed");
    let search = Search { step: SearchStep::Check { spaces: 3 }, ..Search::default() };
    let listed = live(planning, [waits(None, search)]).offboarding;

    let removing = live(listed, [look_again(5), Event::Planned(plan(1, vec![])), look_again(6)]).offboarding;
    assert_eq!(plan_of(&removing).suspects, [SpaceId(5), SpaceId(6)]);
    assert_eq!(removing.apply(look_again(6), at(99)), Err(Refusal::Known));

    let finalizing = live(removing, [removed(), look_again(6)]).offboarding;
    assert_eq!(plan_of(&finalizing).suspects.len(), 2, "noted once, though a worker that looks now is overtaken");
    let looked = live(finalizing.clone(), [Event::SuspectsCleared { left: vec![SpaceId(6)] }]).offboarding;
    assert_eq!(plan_of(&looked).suspects, [SpaceId(6)]);
    let extended = live(looked, [found(1, 1, vec![])]).offboarding;
    assert_eq!(plan_of(&extended).suspects, []);

    let verifying = live(finalizing, [Event::OrgRemovalDone, look_again(7)]).offboarding;
    assert_eq!(plan_of(&verifying).suspects.len(), 3);
    let mut many = verifying;
    for space in 100..300 {
        many = live(many, [look_again(space)]).offboarding;
    }
    assert_eq!(plan_of(&many).suspects.len(), 50, "no record grows with the organization");
}
