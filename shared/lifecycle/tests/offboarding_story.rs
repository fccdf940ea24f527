//! The story of an offboarding, told through its transitions.
#![allow(clippy::unwrap_used, reason = "a test may stop where its premise fails")]

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    hold::{Approval, Decision, HoldCode, Preview, Reason},
    ids::{OffboardingId, OrgId, SpaceId, UserId},
    job::{BatchKey, Job},
    offboarding::{
        Change, Claim, DueKind, Effect, Event, Failure, FailureCode, Leaver, Offboarding, Outcome, Person, PersonClaim,
        Plan, Refusal, Request, Search, SearchStep, Stage, State,
    },
    quota::Slot,
    removal::{RemovalBatch, RemovalState, SpaceRemoval, Tally},
    source::Source,
};
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn request() -> Request {
    Request::new(Person::Email("jane@example.com".parse().unwrap()), Source::Api { name: "hr".to_owned() })
}

fn accepted(request: Request) -> Offboarding {
    Offboarding::accept(OffboardingId::new(at(0), [1; 10]), OrgId(1), request, at(0)).0
}

fn plan(spaces: u32, batches: u32, reasons: Vec<Reason>) -> Plan {
    Plan {
        leaver: Leaver { user_id: UserId(7), email: None, name: None, listed: false },
        spaces,
        batches,
        last_batch: batches.checked_sub(1),
        rides: false,
        previewed: false,
        reasons,
    }
}

/// Applies the events one after the other, a second apart, as storage would.
fn live(mut offboarding: Offboarding, events: impl IntoIterator<Item = Event>) -> Change {
    let mut last = None;
    for event in events {
        let now = offboarding.updated_at + SignedDuration::from_secs(1);
        let change = offboarding.apply(event.clone(), now).unwrap_or_else(|refusal| panic!("{event:?}: {refusal}"));
        offboarding = Offboarding { revision: offboarding.revision + 1, ..change.offboarding.clone() };
        last = Some(Change { offboarding: offboarding.clone(), ..change });
    }
    last.expect("at least one event")
}

/// The approval of the hold that stands, or of none.
fn approving(offboarding: &Offboarding) -> Event {
    let reasons = match &offboarding.state {
        State::Held { reasons, .. } => reasons.as_slice(),
        _ => &[],
    };
    Event::Approved(Decision::on_all(offboarding.hold_id().unwrap_or_default(), reasons))
}

fn removed(count: u32) -> Event {
    Event::BatchCounted(Tally { removed: count, ..Tally::default() })
}

fn danger(space: u64) -> Vec<Reason> {
    Preview { deleted: vec![SpaceId(space)], ..Preview::default() }.reasons()
}

#[test]
fn a_failure_does_not_forget_that_the_organization_removal_may_have_been_sent() {
    let finalizing = live(accepted(request()), [Event::Planned(plan(0, 0, vec![]))]).offboarding;
    let failure = Failure { code: FailureCode::JobCrashed, detail: "It crashed.".to_owned() };
    let claimed = live(finalizing, [Event::OrgRemovalClaimed]).offboarding;
    let resumed = live(claimed, [Event::Failed(failure), Event::Retried]).offboarding;
    assert_eq!(resumed.state, State::Finalizing);
    assert_eq!(resumed.work.claim, Claim::Uncertain, "it is looked at before it is sent again");
    let verifying = live(resumed, [Event::OrgRemovalDone]).offboarding;
    assert_eq!(verifying.work.claim, Claim::None);
}

#[test]
fn a_leaver_goes_from_plan_to_proof() {
    let offboarding = accepted(request());
    let id = offboarding.id.clone();

    let planned = live(offboarding, [Event::PlanningBegun, Event::Planned(plan(12, 2, vec![]))]);
    assert_eq!(planned.offboarding.state, State::Removing);
    assert_eq!(planned.effects, [Effect::EnqueueSpaces]);
    assert_eq!(planned.person, PersonClaim::Take, "the account, now that it is known, is claimed too");

    let settled = live(planned.offboarding, [removed(10), removed(2)]);
    assert_eq!(settled.offboarding.state, State::Finalizing);
    assert_eq!(settled.effects, [Effect::Enqueue(Job::RemoveFromOrg { offboarding: id.clone() })]);

    let left = live(settled.offboarding, [Event::OrgRemovalClaimed, Event::OrgRemovalDone]);
    assert_eq!(left.effects, [Effect::Enqueue(Job::VerifyRemoval { offboarding: id })]);

    let asked_at = left.offboarding.updated_at;
    let done = live(left.offboarding, [Event::VerifiedGone { asked_at }]);
    assert_eq!(done.offboarding.state, State::Completed { outcome: Outcome::Removed });
    assert_eq!(done.effects, [Effect::Seal]);
    assert_eq!(done.person, PersonClaim::Removed, "who it was is remembered");
    assert_eq!(done.offboarding.due, None);
    assert_eq!(done.offboarding.counted.removed, 12);
}

#[test]
fn a_future_leaver_waits_for_the_day() {
    let offboarding = accepted(Request { effective_at: Some(at(1_000)), ..request() });
    assert_eq!(offboarding.state, State::Scheduled);
    let due = offboarding.due.expect("the sweep must find it");
    assert_eq!((due.kind, due.at), (DueKind::Start, at(1_000)));

    assert_eq!(
        offboarding.apply(Event::Due, at(999)),
        Err(Refusal::OutOfPlace),
        "a clock that runs ahead starts nothing"
    );
    let started = offboarding.apply(Event::Due, at(1_000)).unwrap();
    assert_eq!(started.offboarding.state, State::Planning);
    assert_eq!(started.effects, [Effect::Enqueue(Job::Plan { offboarding: offboarding.id.clone() })]);
}

#[test]
fn a_dry_run_ends_with_the_plan() {
    let offboarding = accepted(Request { dry_run: true, ..request() });
    let done = live(offboarding, [Event::Planned(plan(12, 2, danger(1)))]);
    assert_eq!(done.offboarding.state, State::Completed { outcome: Outcome::Planned });
    assert_eq!(done.offboarding.would_hold, danger(1));
    assert!(!done.offboarding.removals_sent);
    assert_eq!(done.effects, []);
}

#[test]
fn a_danger_holds_until_each_reason_is_approved_and_then_is_planned_afresh() {
    let reasons = [danger(1), vec![Reason::general(HoldCode::MassOffboarding, "…")]].concat();
    let held =
        live(accepted(request()), [Event::PlanningBegun, Event::Planned(plan(3, 1, reasons.clone()))]).offboarding;
    assert_eq!(held.state, State::Held { reasons: reasons.clone(), resume: Stage::Planning });
    let since = held.due;
    assert_eq!(since.map(|due| (due.kind, due.at)), Some((DueKind::Held, at(2))));

    let approved = |named: &[(HoldCode, Option<u64>)]| {
        let named = named.iter().map(|&(code, space)| Approval { code, space_id: space.map(SpaceId) }).collect();
        held.apply(Event::Approved(Decision { hold_id: held.hold_id().unwrap(), named }), at(9)).map(|_| ())
    };
    let (deleted, mass) = ((HoldCode::SpaceWouldBeDeleted, Some(1)), (HoldCode::MassOffboarding, None));
    assert_eq!(approved(&[deleted, mass, (HoldCode::LastOrgAdmin, None)]), Err(Refusal::NoSuchReason));
    assert_eq!(approved(&[deleted]), Err(Refusal::Unnamed), "no blanket");
    assert_eq!(approved(&[(HoldCode::SpaceWouldBeDeleted, None), mass]), Err(Refusal::NoSuchReason), "which space?");
    assert_eq!(approved(&[deleted, mass]), Ok(()));

    let first = approving(&held);
    let again = live(held, [first.clone()]);
    assert_eq!(again.offboarding.state, State::Planning);
    assert_eq!(again.offboarding.plan, None, "days may have gone by");

    let another = [reasons, danger(2)].concat();
    let held_again = live(again.offboarding, [Event::Planned(plan(4, 1, another))]).offboarding;
    assert_eq!(held_again.apply(first, at(99)), Err(Refusal::AnotherHold), "a repeated approval is of the first hold");
    let State::Held { reasons, .. } = held_again.state else {
        panic!("a new danger is not covered by an old approval")
    };
    assert_eq!(reasons, danger(2));
}

#[test]
fn the_preview_right_before_the_organization_removal_can_still_hold() {
    let events = [Event::Planned(plan(1, 1, vec![])), removed(1), Event::OrgRemovalUnsafe(danger(5))];
    let held = live(accepted(request()), events).offboarding;
    assert_eq!(held.state, State::Held { reasons: danger(5), resume: Stage::Finalizing });
    assert_eq!(held.apply(Event::Cancelled, at(99)), Err(Refusal::RemovalsSent));
    let approved = approving(&held);
    let released = live(held, [approved, Event::OrgRemovalUnsafe(danger(5))]).offboarding;
    assert_eq!(released.state, State::Finalizing, "what was approved does not hold again");
}

fn found(batches: u32, last_batch: u32, left: Vec<SpaceId>) -> Event {
    Event::SpacesFound { batches, spaces: batches * 3, again: Tally::default(), last_batch, left }
}

fn look_again(space: u64) -> Event {
    Event::LookAgain { space: SpaceId(space) }
}

#[test]
fn spaces_that_are_found_right_before_the_end_are_left_first() {
    let finalizing =
        live(accepted(request()), [Event::PlanningBegun, Event::Planned(plan(12, 2, vec![])), removed(10), removed(2)]);
    let extended = live(finalizing.offboarding, [found(1, 2, vec![])]);
    assert_eq!(extended.offboarding.state, State::Removing);
    assert_eq!(extended.effects, [Effect::EnqueueSpaces]);
    assert_eq!((extended.offboarding.spaces_total, extended.offboarding.open_batches), (15, 1));
    assert_eq!(extended.offboarding.last_batch, Some(2));
    assert_eq!(extended.offboarding.apply(Event::OrgRemovalClaimed, at(99)), Err(Refusal::OutOfPlace));

    let late = extended.offboarding.apply(found(1, 3, vec![]), at(99));
    assert_eq!(late, Err(Refusal::OutOfPlace), "a duplicate that was overtaken");
    let again = live(extended.offboarding, [removed(3)]);
    assert_eq!(again.offboarding.state, State::Finalizing);
    assert_eq!(again.offboarding.counted.removed, 15);
    let same = again.offboarding.apply(found(1, 2, vec![]), at(99));
    assert_eq!(same, Err(Refusal::OutOfPlace), "these batches are counted");
}

#[test]
fn who_is_added_again_and_again_is_not_kept_in_the_organization_for_ever() {
    let mut offboarding = live(accepted(request()), [Event::Planned(plan(0, 0, vec![]))]).offboarding;
    let mut extensions = 0;
    while offboarding.may_be_extended() {
        offboarding = live(offboarding, [found(1, extensions, vec![]), removed(3)]).offboarding;
        extensions += 1;
    }
    assert_eq!(extensions, 5);
    assert_eq!(offboarding.apply(found(1, 9, vec![]), at(999)), Err(Refusal::OutOfPlace));
    let left = live(offboarding, [Event::OrgRemovalClaimed, Event::OrgRemovalDone]).offboarding;
    assert_eq!((left.state, left.spaces_total), (State::Verifying, 15));
}

#[test]
fn a_batch_that_nobody_announced_is_no_part_of_the_plan() {
    let events = [Event::PlanningBegun, Event::Planned(plan(12, 2, vec![])), removed(10), removed(2)];
    let offboarding = live(accepted(request()), events).offboarding;
    let spaces = (1..=31).map(|n| SpaceRemoval::new(SpaceId(n), None, RemovalState::Pending)).collect();
    let mut batches = RemovalBatch::cut(&offboarding.id, offboarding.plan.unwrap(), spaces, None);
    // What planning found nothing to remove in was counted then, and is never counted down.
    batches[2].counted = true;
    let (own, others) = offboarding.split(batches);
    let numbers = |batches: &[RemovalBatch]| batches.iter().map(|batch| batch.key.number).collect::<Vec<_>>();
    assert_eq!((numbers(&own), numbers(&others)), (vec![0, 1, 2], vec![3]));
    assert!(!offboarding.owns(BatchKey { plan: 99, number: 0 }), "another plan's");
}

#[test]
fn spaces_in_doubt_are_noted_while_the_plan_is_carried_out_and_not_while_it_is_made() {
    let planning = live(accepted(request()), [Event::PlanningBegun]).offboarding;
    assert_eq!(planning.apply(look_again(5), at(99)), Err(Refusal::OutOfPlace), "all spaces are still to be listed");
    let search = Search { step: SearchStep::Check { batches: 1, next: 0 }, ..Search::default() };
    let listed = live(planning, [Event::Parked { slots: vec![], until: None, search }]).offboarding;

    let removing = live(listed, [look_again(5), Event::Planned(plan(3, 1, vec![])), look_again(6)]).offboarding;
    assert_eq!(removing.suspects, [SpaceId(5), SpaceId(6)]);
    assert_eq!(removing.apply(look_again(6), at(99)), Err(Refusal::Known));

    let finalizing = live(removing, [removed(3), look_again(6)]).offboarding;
    assert_eq!(finalizing.suspects.len(), 2, "noted once, though a worker that looks now is overtaken");
    let looked = live(finalizing.clone(), [Event::SuspectsCleared { left: vec![SpaceId(6)] }]).offboarding;
    assert_eq!(looked.suspects, [SpaceId(6)]);
    let extended = live(looked, [found(1, 1, vec![])]).offboarding;
    assert_eq!(extended.suspects, []);

    let verifying = live(finalizing, [Event::OrgRemovalDone, look_again(7)]).offboarding;
    assert_eq!(verifying.suspects.len(), 3);
    let mut many = verifying;
    for space in 100..300 {
        many = live(many, [look_again(space)]).offboarding;
    }
    assert_eq!(many.suspects.len(), 50, "no record grows with the organization");
}

#[test]
fn who_comes_back_is_recorded_once_and_nothing_else_changes() {
    let events = [Event::Planned(plan(0, 0, vec![])), Event::OrgRemovalClaimed, Event::OrgRemovalDone];
    let verifying = live(accepted(request()), events).offboarding;
    assert_eq!(verifying.apply(Event::Returned, at(99)), Err(Refusal::OutOfPlace));
    let asked_at = verifying.updated_at;
    let done = live(verifying, [Event::VerifiedGone { asked_at }]).offboarding;

    let returned = live(done.clone(), [Event::Returned]);
    assert_eq!(returned.offboarding.returned_at, Some(returned.offboarding.updated_at));
    assert_eq!(returned.offboarding.completed_at, done.completed_at);
    assert_eq!((returned.effects, returned.person), (vec![], PersonClaim::Keep));
    assert_eq!(returned.offboarding.apply(Event::Returned, at(99)), Err(Refusal::Known));

    let rehearsed = accepted(Request { dry_run: true, ..request() });
    let rehearsed = live(rehearsed, [Event::Planned(plan(0, 0, vec![]))]).offboarding;
    assert_eq!(rehearsed.apply(Event::Returned, at(99)), Err(Refusal::OutOfPlace), "nobody was removed");
}

#[test]
fn an_old_read_back_proves_nothing() {
    let events = [Event::Planned(plan(0, 0, vec![])), Event::OrgRemovalClaimed, Event::OrgRemovalDone];
    let verifying = live(accepted(request()), events).offboarding;
    let deleted = verifying.last_delete_at.unwrap();
    let old = Event::VerifiedGone { asked_at: deleted - SignedDuration::from_millis(1) };
    assert_eq!(verifying.apply(old, at(99)), Err(Refusal::StaleProof));
}

#[test]
fn somebody_still_there_is_removed_again_and_then_shown_to_a_person() {
    let events = [Event::Planned(plan(0, 0, vec![])), Event::OrgRemovalDone];
    let mut offboarding = live(accepted(request()), events).offboarding;
    for round in 1..=2 {
        offboarding = live(offboarding, vec![Event::StillAMember; 4]).offboarding;
        assert_eq!(offboarding.state, State::Finalizing, "round {round}");
        offboarding = live(offboarding, [Event::OrgRemovalDone]).offboarding;
    }
    let failed = live(offboarding, vec![Event::StillAMember; 4]);
    let State::Failed { failure, resume } = failed.offboarding.state.clone() else { panic!("limbo") };
    assert_eq!((failure.code, resume), (FailureCode::StillAMember, Stage::Verifying));
    assert_eq!(failed.person, PersonClaim::Release);
    let resumed = live(failed.offboarding, [Event::Retried]);
    assert_eq!(resumed.offboarding.state, State::Verifying);
    assert_eq!(resumed.person, PersonClaim::Take);
}

#[test]
fn spaces_settled_while_failed_count_and_retry_resumes_after_them() {
    let failure = Failure { code: FailureCode::PodioUnavailable, detail: String::new() };
    let events = [Event::Planned(plan(12, 2, vec![])), removed(10), Event::Failed(failure)];
    let failed = live(accepted(request()), events).offboarding;
    let since = failed.due;
    assert_eq!(since.map(|due| (due.kind, due.at)), Some((DueKind::FailedUnsealed, failed.updated_at)));
    let counted = live(failed, [removed(2)]).offboarding;
    assert_eq!(counted.due, since, "it failed when it failed");
    assert!(matches!(counted.state, State::Failed { .. }), "only a person resumes it");
    let resumed = live(counted, [Event::Retried]);
    assert_eq!(resumed.offboarding.state, State::Finalizing);
    assert!(matches!(resumed.effects[..], [Effect::Enqueue(Job::RemoveFromOrg { .. })]));
}

#[test]
fn faults_back_off_and_end_with_a_person() {
    let mut offboarding = accepted(request());
    let again_at = at(500);
    let faulted = live(offboarding.clone(), [Event::Faulted { again_at, search: Search::default() }]).offboarding;
    assert_eq!(faulted.due.map(|due| due.at), Some(again_at), "the sweep does not interfere before");
    let mut faults = 0;
    while offboarding.state == State::Planning {
        offboarding = live(offboarding, [Event::Faulted { again_at, search: Search::default() }]).offboarding;
        faults += 1;
    }
    assert_eq!(faults, podio_lifecycle::retry::MAX_ATTEMPTS);
    assert!(matches!(offboarding.state, State::Failed { resume: Stage::Planning, .. }));
}

#[test]
fn waiting_for_a_slot_is_not_a_failure() {
    let slot = Slot(at(40_000));
    let parked = live(
        accepted(request()),
        [Event::Parked { slots: vec![slot], until: Some(slot.0), search: Search::default() }],
    )
    .offboarding;
    assert_eq!(parked.work.attempts, 0);
    assert_eq!(parked.due.map(|due| due.at), Some(slot.0));
}

#[test]
fn an_attempt_that_died_does_not_mix_with_the_next() {
    let first = live(accepted(request()), [Event::PlanningBegun]).offboarding;
    let second = live(first.clone(), [Event::PlanningBegun]).offboarding;
    assert_ne!(first.plan, second.plan);

    let checking = Search { step: SearchStep::Check { batches: 3, next: 1 }, ..Search::default() };
    let parked = live(second.clone(), [Event::Parked { slots: vec![], until: None, search: checking }]).offboarding;
    let goes_on = live(parked, [Event::PlanningBegun]).offboarding;
    assert_eq!(goes_on.plan, second.plan, "the batches that were checked are kept");
}

fn any_event() -> impl Strategy<Value = Event> {
    let failure = Failure { code: FailureCode::JobCrashed, detail: String::new() };
    prop_oneof![
        Just(Event::Due),
        Just(Event::PlanningBegun),
        (0u32..4, any::<bool>()).prop_map(|(batches, bad)| {
            Event::Planned(plan(batches * 10, batches, if bad { danger(1) } else { vec![] }))
        }),
        Just(Event::NotAMember),
        Just(Event::Duplicate(OffboardingId::new(at(5), [9; 10]))),
        Just(removed(10)),
        Just(Event::SlotsTaken { left: Vec::new() }),
        Just(Event::SlotsReturned),
        Just(Event::OrgRemovalClaimed),
        Just(Event::OrgRemovalUnsafe(danger(2))),
        (1u32..3, 0u32..12).prop_map(|(batches, last)| found(batches, last, vec![])),
        (1u64..4).prop_map(look_again),
        Just(Event::SuspectsCleared { left: vec![] }),
        Just(Event::OrgRemovalDone),
        Just(Event::Returned),
        Just(Event::StillAMember),
        (0i64..200).prop_map(|second| Event::VerifiedGone { asked_at: at(second) }),
        prop::collection::vec((100i64..200).prop_map(|second| Slot(at(second))), 0..3)
            .prop_map(|slots| Event::Parked { slots, until: None, search: Search::default() }),
        Just(Event::Paused { until: at(60), search: Search::default() }),
        Just(Event::Faulted { again_at: at(50), search: Search::default() }),
        Just(Event::Failed(failure)),
        Just(Event::Resent),
        Just(Event::Approved(Decision { hold_id: String::new(), named: Vec::new() })),
        Just(Event::Cancelled),
        (0i64..2_000).prop_map(|second| {
            Event::AskedAgain(Box::new(Request { effective_at: Some(at(second)), ..request() }))
        }),
        Just(Event::Retried),
    ]
}

proptest! {
    /// Whatever happens in whatever order: the organization is only left once every batch is counted, nothing is said to
    /// be removed without a read-back newer than the delete, what is over stays over, and what was called off was never
    /// sent.
    #[test]
    fn no_order_of_events_breaks_a_rule(events in prop::collection::vec(any_event(), 1..80), dry_run: bool) {
        let mut offboarding = accepted(Request { dry_run, ..request() });
        let mut open = 0u32;
        for (event, second) in events.into_iter().zip(1..) {
            let before = offboarding.clone();
            let event = if matches!(event, Event::Approved(_)) { approving(&offboarding) } else { event };
            let Ok(change) = offboarding.apply(event.clone(), at(second)) else { continue };
            offboarding = Offboarding { revision: before.revision + 1, ..change.offboarding };
            match &event {
                Event::Planned(plan) => open = plan.batches,
                Event::SpacesFound { batches, .. } => open += batches,
                Event::BatchCounted(_) => open -= 1,
                Event::Returned => {
                    prop_assert_eq!(&offboarding.state, &before.state);
                    prop_assert_eq!(offboarding.completed_at, before.completed_at);
                    continue;
                }
                Event::SlotsReturned => {
                    prop_assert_eq!((before.state.name(), before.work.slots.is_empty()), ("cancelled", false));
                    let tidied = Offboarding { work: offboarding.work.clone(), revision: offboarding.revision, ..before };
                    prop_assert_eq!((&offboarding, offboarding.work.slots.len()), (&tidied, 0));
                    continue;
                }
                _ => {}
            }
            prop_assert!(!before.state.is_final(), "{:?} after the end", event);
            if matches!(offboarding.state, State::Finalizing | State::Verifying) {
                prop_assert_eq!(open, 0, "left the organization too early");
                prop_assert!(!dry_run);
            }
            if offboarding.state == (State::Completed { outcome: Outcome::Removed }) {
                let Event::VerifiedGone { asked_at } = event else { panic!("completed by {event:?}") };
                prop_assert!(before.last_delete_at.is_some_and(|deleted| asked_at >= deleted));
            }
            if matches!(offboarding.state, State::Cancelled { .. }) {
                prop_assert!(!offboarding.removals_sent);
            }
            let kind = match offboarding.state {
                State::Scheduled => Some(DueKind::Start),
                State::Planning | State::Finalizing | State::Verifying => Some(DueKind::Watch),
                State::Held { .. } => Some(DueKind::Held),
                State::Failed { .. } => Some(DueKind::FailedUnsealed),
                State::Cancelled { .. } => Some(DueKind::Unsealed),
                State::Removing | State::Completed { .. } => None,
            };
            prop_assert_eq!(offboarding.due.map(|due| due.kind), kind, "nothing is in limbo");
        }
    }
}
