//! A second request for a person whose offboarding has not begun, and who did what.
#![allow(clippy::unwrap_used, reason = "a test may stop where its premise fails")]

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    actor::{Actor, ActorKind},
    ids::{ItemId, OffboardingId, OrgId, UserId},
    offboarding::{
        ActKind, Event, Leaver, MergedField, NewPlan, Offboarding, Person, PersonClaim, Priority, Refusal, Request,
        Status,
    },
    source::Source,
    work::JobId,
};
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn of(sender: &str, second: Option<i64>) -> Request {
    let person = Person::Email("jane@example.com".parse().unwrap());
    let source = Source::Sender { name: sender.to_owned() };
    Request { effective_at: second.map(at), ..Request::new(person, source) }
}

fn accepted(request: Request) -> Offboarding {
    Offboarding::accept(OffboardingId::new(at(0), [1; 10]), OrgId(1), request, at(0))
}

fn again(offboarding: &Offboarding, request: &Request, now: i64) -> Result<Offboarding, Refusal> {
    let event = Event::AskedAgain(Box::new(request.clone()));
    offboarding.apply_by(&request.source.actor(), event, at(now)).map(|change| change.offboarding)
}

fn planned(offboarding: &Offboarding, spaces: u32) -> Offboarding {
    let leaver = Leaver { user_id: UserId(7), email: None, name: None };
    let plan = NewPlan { leaver, spaces, previewed: false, reasons: Vec::new(), place: at(20) };
    offboarding.apply(Event::Planned(plan), at(20)).unwrap().offboarding
}

#[test]
fn now_starts_what_was_scheduled() {
    let scheduled = accepted(of("hr", Some(1_000)));
    let request = of("payroll", None);
    let event = Event::AskedAgain(Box::new(request.clone()));
    let change = scheduled.apply_by(&request.source.actor(), event, at(10)).unwrap();
    assert_eq!(change.offboarding.state.status(), Status::Planning);
    assert_eq!(change.offboarding.effective_at(), at(10));
    let waiting = change.offboarding.waiting().unwrap();
    assert_eq!((waiting.job, waiting.not_before), (JobId::new(JobId::OFFBOARDING, &scheduled.id), None));
    assert_eq!(waiting.since, at(10), "the plan waits from now on");
    assert_eq!(change.person, PersonClaim::Keep);
    let act = change.offboarding.acts.last().unwrap();
    assert_eq!((act.event, &act.merged[..]), (ActKind::Merged, &[MergedField::EffectiveAt][..]));
    assert_eq!(act.actor, Actor::new(ActorKind::Sender, "payroll"));
    assert_eq!(change.offboarding.request.source, scheduled.request.source, "it began from the first request");
}

#[test]
fn each_asker_moves_its_own_time_only() {
    let scheduled = accepted(of("hr", Some(1_000)));
    assert_eq!(again(&scheduled, &of("payroll", Some(2_000)), 10), Err(Refusal::EarlierHolds));
    let later = again(&scheduled, &of("hr", Some(2_000)), 10).unwrap();
    assert_eq!(later.effective_at(), at(2_000));
    let earlier = again(&later, &of("payroll", Some(500)), 20).unwrap();
    assert_eq!(earlier.effective_at(), at(500));
    assert_eq!(again(&earlier, &of("hr", Some(600)), 30), Err(Refusal::EarlierHolds));
    let corrected = again(&earlier, &of("payroll", Some(1_500)), 30).unwrap();
    assert_eq!(corrected.effective_at(), at(1_500));
    assert_eq!(
        again(&corrected, &of("payroll", Some(2_500)), 30),
        Err(Refusal::EarlierHolds),
        "hr's time still counts"
    );
}

#[test]
fn an_item_of_the_leavers_app_corrects_itself_by_a_later_revision() {
    let item =
        |revision, second| Request { source: Source::LeaversApp { item: ItemId(5), revision }, ..of("", Some(second)) };
    let scheduled = accepted(item(1, 1_000));
    let moved = again(&scheduled, &item(2, 2_000), 10).unwrap();
    assert_eq!((moved.effective_at(), moved.askers.len()), (at(2_000), 1));
}

#[test]
fn the_same_again_is_no_news() {
    let scheduled = accepted(of("hr", Some(1_000)));
    assert_eq!(again(&scheduled, &of("hr", Some(1_000)), 10).unwrap().acts, scheduled.acts);
    let planning = accepted(of("hr", None));
    assert_eq!(again(&planning, &of("hr", None), 10).unwrap().acts, planning.acts);
    let joined = again(&planning, &of("payroll", Some(5)), 10).unwrap();
    assert_eq!((joined.effective_at(), joined.acts.len()), (planning.effective_at(), 2), "somebody else asks, too");
    assert!(joined.was_asked_by(&Actor::new(ActorKind::Sender, "payroll")));
}

#[test]
fn flags_only_become_stricter() {
    let strict = Request { require_approval: true, priority: Priority::Urgent, ..of("payroll", Some(1_000)) };
    let merged = again(&accepted(of("hr", Some(1_000))), &strict, 10).unwrap();
    assert!(merged.request.require_approval);
    assert_eq!(merged.request.priority, Priority::Urgent);
    let act = merged.acts.last().unwrap();
    assert_eq!(act.merged, [MergedField::RequireApproval, MergedField::Priority]);
    let relaxed = again(&merged, &of("payroll", Some(1_000)), 20).unwrap();
    assert_eq!(relaxed.request, merged.request);
}

#[test]
fn a_rehearsal_and_the_real_thing_do_not_merge() {
    let rehearsal = Request { dry_run: true, ..of("hr", None) };
    let scheduled = accepted(of("hr", Some(1_000)));
    assert_eq!(again(&scheduled, &rehearsal, 10), Err(Refusal::RehearsalAndRemoval));
}

#[test]
fn what_was_sent_is_changed_by_nobody() {
    let removing = planned(&accepted(of("hr", None)), 3);
    assert_eq!(removing.state.status(), Status::Removing);
    assert_eq!(again(&removing, &of("hr", Some(5_000)), 30), Err(Refusal::UnderWay));
    let cancelled = accepted(of("hr", Some(1_000))).apply(Event::Cancelled, at(5)).unwrap().offboarding;
    assert_eq!(again(&cancelled, &of("hr", None), 30), Err(Refusal::Ended));
}

#[test]
fn planning_and_held_wait_for_a_later_day_of_the_same_sender() {
    let strict = Request { require_approval: true, ..of("hr", None) };
    let planning = accepted(strict);
    let held = planned(&planning, 3);
    assert_eq!(held.state.name(), "held");
    for begun in [planning, held] {
        let waiting = again(&begun, &of("hr", Some(5_000)), 30).unwrap();
        assert_eq!(
            (waiting.state.status(), waiting.state.plan(), waiting.state.plan_number()),
            (Status::Scheduled, None, None)
        );
        // Nobody has found out yet who it is: that comes first.
        let known = waiting.state.leaver().is_some();
        assert_eq!(waiting.waiting().unwrap().not_before, known.then_some(at(5_000)));
        let started = waiting.apply_by(&Actor::schedule(), Event::Due, at(5_000)).unwrap().offboarding;
        assert_eq!(started.state.status(), Status::Planning);
        assert_eq!(started.acts.last().unwrap().event, ActKind::Started);
        assert_eq!(again(&begun, &of("payroll", Some(5_000)), 30), Err(Refusal::EarlierHolds));
    }
}

#[test]
fn only_what_an_actor_does_stands_in_the_history() {
    let planning = accepted(of("hr", None));
    let podio = Actor::podio();
    let begun = planning.apply_by(&podio, Event::PlanningBegun, at(1)).unwrap().offboarding;
    assert_eq!(begun.acts, planning.acts);
    let cancelled = begun.apply_by(&podio, Event::Cancelled, at(2)).unwrap().offboarding;
    assert_eq!(cancelled.acts.last().map(|act| (act.event, act.at)), Some((ActKind::Cancelled, at(2))));
}

proptest! {
    /// Whoever asks, in whatever order: the time that holds is the earliest of what each asker has last said, the record
    /// stays small, and the first request is remembered.
    #[test]
    fn the_earliest_last_word_holds(asked in prop::collection::vec((0u8..20, 1_000i64..2_000), 1..120)) {
        let mut offboarding = accepted(of("hr", Some(1_500)));
        let mut now = at(10);
        for (sender, second) in asked {
            let before = offboarding.effective_at();
            match again(&offboarding, &of(&format!("sender-{sender}"), Some(second)), now.as_second()) {
                Ok(after) => {
                    prop_assert!(after.effective_at() <= at(second));
                    offboarding = after;
                }
                Err(refusal) => {
                    prop_assert_eq!(refusal, Refusal::EarlierHolds);
                    prop_assert!(before < at(second));
                }
            }
            let earliest = offboarding.askers.iter().map(|asker| asker.effective_at).min();
            prop_assert_eq!(earliest, Some(offboarding.effective_at()));
            prop_assert!(offboarding.askers.len() <= 16 && offboarding.acts.len() <= 60);
            prop_assert_eq!(offboarding.acts[0].event, ActKind::Requested);
            now += SignedDuration::from_secs(1);
        }
        prop_assert_eq!(&offboarding.askers[0].source, &offboarding.request.source);
    }
}
