//! From the request to the proof.

use podio_lifecycle::{
    hold::{Approval, HoldCode},
    offboarding::{Claim, DueKind, End, OnHold, Outcome, PersonClaim, Refusal, SearchStep, Stage},
};

use super::*;

#[test]
fn a_failure_does_not_forget_that_the_organization_removal_may_have_been_sent() {
    let finalizing = live(accepted(request()), [Event::Planned(plan(0, vec![]))]).offboarding;
    let claimed = live(finalizing, [Event::OrgRemovalClaimed]).offboarding;
    let resumed = live(claimed, [crashed(), Event::Retried]).offboarding;
    assert_eq!(resumed.state.status(), Status::Finalizing);
    assert_eq!(finalizing_of(&resumed).claim, Claim::Uncertain, "it is looked at before it is sent again");
    let verifying = live(resumed, [Event::OrgRemovalDone]).offboarding;
    assert_eq!(verifying.state.status(), Status::Verifying, "nothing is claimed there");
}

#[test]
fn a_leaver_goes_from_plan_to_proof() {
    let offboarding = accepted(request());

    let planned = live(offboarding, [Event::PlanningBegun, Event::Planned(plan(2, vec![]))]);
    assert_eq!(planned.offboarding.state.status(), Status::Removing);
    assert!(!planned.offboarding.awaits_seal());
    assert_eq!(planned.person, PersonClaim::Take, "the account, now that it is known, is claimed too");

    let settled = live(planned.offboarding, [removed(), removed()]);
    assert_eq!(settled.offboarding.state.status(), Status::Finalizing);

    let left = live(settled.offboarding, [Event::OrgRemovalClaimed, Event::OrgRemovalDone]);

    let asked_at = left.offboarding.updated_at;
    let done = live(left.offboarding, [Event::VerifiedGone { asked_at }]);
    assert_eq!(done.offboarding.state.status(), Status::Completed(Outcome::Removed));
    assert!(!done.offboarding.awaits_seal(), "it is sealed as it completes");
    assert_eq!(done.person, PersonClaim::Removed, "who it was is remembered");
    assert_eq!(done.offboarding.due(), None);
    assert_eq!(plan_of(&done.offboarding).spaces.removed, 2);
}

#[test]
fn a_future_leaver_waits_for_the_day() {
    let offboarding = accepted(Request { effective_at: Some(at(1_000)), ..request() });
    assert_eq!(offboarding.state.status(), Status::Scheduled);
    let due = offboarding.due().expect("the sweep must find it");
    assert_eq!((due.kind, due.at), (DueKind::Active, at(0)));

    assert_eq!(
        offboarding.apply(Event::Due, at(999)),
        Err(Refusal::OutOfPlace),
        "a clock that runs ahead starts nothing"
    );
    let started = offboarding.apply(Event::Due, at(1_000)).unwrap();
    assert_eq!(started.offboarding.state.status(), Status::Planning);
}

#[test]
fn a_dry_run_ends_with_the_plan() {
    let offboarding = accepted(Request { dry_run: true, ..request() });
    let done = live(offboarding, [Event::Planned(plan(12, danger(1)))]);
    assert_eq!(done.offboarding.state.status(), Status::Completed(Outcome::Planned));
    let State::Completed { end: End::Planned { plan, would_hold }, .. } = done.offboarding.state else {
        panic!("something was removed")
    };
    assert_eq!((would_hold, plan.spaces.pending), (danger(1), 12));
}

#[test]
fn a_danger_holds_until_each_reason_is_approved_and_then_is_planned_afresh() {
    let reasons = [danger(1), vec![Reason::general(HoldCode::MassOffboarding, "…")]].concat();
    let held = live(accepted(request()), [Event::PlanningBegun, Event::Planned(plan(3, reasons.clone()))]).offboarding;
    let State::Held { reasons: shown, stopped: OnHold::Plan(stands) } = &held.state else { panic!("{:?}", held.state) };
    assert_eq!((shown, stands.spaces.pending), (&reasons, 3));
    let since = held.due();
    assert_eq!(since.map(|due| (due.kind, due.at)), Some((DueKind::Held, at(2))));

    let approved = |named: &[(HoldCode, Option<u64>)]| {
        let named = named
            .iter()
            .map(|&(code, space)| Approval { space_id: space.map(SpaceId), ..Approval::general(code) })
            .collect();
        held.apply(Event::Approved(Decision { hold_id: held.hold_id().unwrap(), named }), at(9)).map(|_| ())
    };
    let (deleted, mass) = ((HoldCode::SpaceWouldBeDeleted, Some(1)), (HoldCode::MassOffboarding, None));
    assert_eq!(approved(&[deleted, mass, (HoldCode::LastOrgAdmin, None)]), Err(Refusal::NoSuchReason));
    assert_eq!(approved(&[deleted]), Err(Refusal::Unnamed), "no blanket");
    assert_eq!(approved(&[(HoldCode::SpaceWouldBeDeleted, None), mass]), Err(Refusal::NoSuchReason), "which space?");
    assert_eq!(approved(&[deleted, mass]), Ok(()));

    let (first, before) = (approving(&held), held.state.plan_number());
    let again = live(held, [first.clone()]);
    assert_eq!(again.offboarding.state.status(), Status::Planning);
    assert_eq!(again.offboarding.state.plan(), None, "days may have gone by");
    assert_ne!(again.offboarding.state.plan_number(), before, "no removal of the plan that was held is meant any more");

    let another = [reasons, danger(2)].concat();
    let held_again = live(again.offboarding, [Event::Planned(plan(4, another))]).offboarding;
    assert_eq!(held_again.apply(first, at(99)), Err(Refusal::AnotherHold), "a repeated approval is of the first hold");
    let State::Held { reasons, .. } = held_again.state else {
        panic!("a new danger is not covered by an old approval")
    };
    assert_eq!(reasons, danger(2));
}

#[test]
fn the_preview_right_before_the_organization_removal_can_still_hold() {
    let events = [Event::Planned(plan(1, vec![])), removed(), Event::OrgRemovalUnsafe(danger(5))];
    let held = live(accepted(request()), events).offboarding;
    let State::Held { reasons, stopped } = &held.state else { panic!("{:?}", held.state) };
    assert_eq!((reasons, stopped.stage()), (&danger(5), Stage::Finalizing));
    assert_eq!(held.apply(Event::Cancelled, at(99)), Err(Refusal::RemovalsSent));
    let approved = approving(&held);
    let released = live(held, [approved, Event::OrgRemovalUnsafe(danger(5))]).offboarding;
    assert_eq!(released.state.status(), Status::Finalizing, "what was approved does not hold again");
}

#[test]
fn who_comes_back_is_recorded_once_and_nothing_else_changes() {
    let events = [Event::Planned(plan(0, vec![])), Event::OrgRemovalClaimed, Event::OrgRemovalDone];
    let verifying = live(accepted(request()), events).offboarding;
    assert_eq!(verifying.apply(Event::Returned, at(99)), Err(Refusal::OutOfPlace));
    let asked_at = verifying.updated_at;
    let done = live(verifying, [Event::VerifiedGone { asked_at }]).offboarding.with_seal(3, sealed());

    let returned = live(done.clone(), [Event::Returned]);
    let state = &returned.offboarding.state;
    assert_eq!(state.returned_at(), Some(returned.offboarding.updated_at));
    assert_eq!(state.completed_at(), done.state.completed_at());
    assert_eq!((state.closing(), returned.person), (done.state.closing(), PersonClaim::Keep));
    assert!(state.closing().is_some_and(|closing| closing.calls == 3));
    assert_eq!(returned.offboarding.apply(Event::Returned, at(99)), Err(Refusal::Known));

    let rehearsed = accepted(Request { dry_run: true, ..request() });
    let rehearsed = live(rehearsed, [Event::Planned(plan(0, vec![]))]).offboarding;
    assert_eq!(rehearsed.apply(Event::Returned, at(99)), Err(Refusal::OutOfPlace), "nobody was removed");
}

#[test]
fn an_old_read_back_proves_nothing() {
    let events = [Event::Planned(plan(0, vec![])), Event::OrgRemovalClaimed, Event::OrgRemovalDone];
    let verifying = live(accepted(request()), events).offboarding;
    let deleted = verifying_of(&verifying).deleted_at;
    let old = Event::VerifiedGone { asked_at: deleted - SignedDuration::from_millis(1) };
    assert_eq!(verifying.apply(old, at(99)), Err(Refusal::StaleProof));
}

#[test]
fn somebody_still_there_is_removed_again_and_then_shown_to_a_person() {
    let events = [Event::Planned(plan(0, vec![])), Event::OrgRemovalDone];
    let mut offboarding = live(accepted(request()), events).offboarding;
    for round in 1..=2 {
        offboarding = live(offboarding, vec![Event::StillAMember; 4]).offboarding;
        assert_eq!(offboarding.state.status(), Status::Finalizing, "round {round}");
        offboarding = live(offboarding, [Event::OrgRemovalDone]).offboarding;
    }
    let failed = live(offboarding, vec![Event::StillAMember; 4]);
    let State::Failed { failure, stopped, .. } = &failed.offboarding.state else { panic!("limbo") };
    assert_eq!((failure.code, stopped.stage()), (FailureCode::StillAMember, Stage::Verifying));
    assert_eq!(failed.person, PersonClaim::Release);
    let resumed = live(failed.offboarding, [Event::Retried]);
    assert_eq!(resumed.offboarding.state.status(), Status::Verifying);
    assert_eq!(resumed.person, PersonClaim::Take);
}

#[test]
fn spaces_settled_while_failed_count_and_retry_resumes_after_them() {
    let events = [Event::Planned(plan(2, vec![])), removed(), crashed()];
    let failed = live(accepted(request()), events).offboarding;
    let since = failed.due();
    assert_eq!(since.map(|due| (due.kind, due.at)), Some((DueKind::Failed, failed.updated_at)));
    let counted = live(failed, [removed()]).offboarding;
    assert_eq!(counted.due(), since, "it failed when it failed");
    assert!(matches!(counted.state, State::Failed { .. }), "only a person resumes it");
    let resumed = live(counted, [Event::Retried]);
    assert_eq!(resumed.offboarding.state.status(), Status::Finalizing);
}

#[test]
fn an_attempt_that_died_does_not_mix_with_the_next() {
    let first = live(accepted(request()), [Event::PlanningBegun]).offboarding;
    let second = live(first.clone(), [Event::PlanningBegun]).offboarding;
    assert_ne!(first.state.plan_number(), second.state.plan_number());

    let checking = Search { step: SearchStep::Check { spaces: 3 }, ..Search::default() };
    let waiting = live(second.clone(), [waits(None, checking)]).offboarding;
    let goes_on = live(waiting, [Event::PlanningBegun]).offboarding;
    assert_eq!(goes_on.state.plan_number(), second.state.plan_number(), "the spaces that were checked are kept");
}

#[test]
fn who_it_was_found_to_be_is_known_while_a_lapsed_plan_is_made_afresh() {
    let held = live(accepted(request()), [Event::PlanningBegun, Event::Planned(plan(3, danger(1)))]).offboarding;
    let approved = approving(&held);
    let planning = live(held.clone(), [approved, Event::PlanningBegun]).offboarding;
    let put_off = Event::AskedAgain(Box::new(Request { effective_at: Some(at(5_000)), ..request() }));
    let scheduled = live(held, [put_off]).offboarding;
    for unplanned in [planning, scheduled] {
        let cancelled = live(unplanned.clone(), [Event::Cancelled]).offboarding;
        for offboarding in [unplanned, cancelled] {
            let state = &offboarding.state;
            assert_eq!(state.leaver().map(|leaver| leaver.user_id), Some(UserId(7)), "{}", state.name());
            assert_eq!(offboarding.person_keys().len(), 2, "both names are claimed, and given back: {}", state.name());
            assert_eq!(state.plan(), None, "{}", state.name());
        }
    }
}
