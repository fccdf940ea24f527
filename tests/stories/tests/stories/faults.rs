//! Podio, the queue and the table misbehave; nothing is lost and nothing unsafe is repeated.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use std::time::Duration;

use jiff::SignedDuration;
use podio_aws::twin::Moment;
use podio_client::Timeouts;
use podio_lifecycle::{
    hold::HoldCode,
    offboarding::{Event, FailureCode, Outcome, Stage, State, Status},
    work::JobId,
};
use podio_sandbox::{
    Config, Effect, ErrorBody, FaultAction, FaultRule, Population, Profile,
    population::{LEAVER, ORG_ID},
    state::SpaceRole,
};
use stories::{Leaver, Setup, World, settled_of};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const REMOVED: Status = Status::Completed(Outcome::Removed);

async fn world() -> World {
    let population = Population::new(2).spaces(30).leaver("Jane Doe", LEAVER, 12);
    let podio = Config { population, ..Config::new(Profile::Documented) };
    World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await
}

fn org_deletes(world: &World) -> usize {
    world.deletes().iter().filter(|call| call.path.starts_with("/org/")).count()
}

/// The safety rules, judged by Podio's own log.
fn assert_safe(world: &World) {
    let deletes = world.deletes();
    let last_space = deletes
        .iter()
        .rposition(|call| call.effects.iter().any(|effect| matches!(effect, Effect::SpaceMembershipEnded { .. })));
    let first_org = deletes.iter().position(|call| call.path.starts_with("/org/"));
    assert!(last_space < first_org, "the organization was left before the last space");
    let ended = deletes.iter().flat_map(|call| &call.effects);
    assert_eq!(ended.filter(|effect| matches!(effect, Effect::OrgMembershipEnded { .. })).count(), 1);
    let jane = world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap();
    assert!(world.podio.with_state(|state| state.org_member(ORG_ID, jane).is_none()));
}

#[tokio::test]
async fn every_kind_of_fault_on_every_call_is_outlived() {
    let faults = [
        FaultAction::Error { status: 500, body: ErrorBody::Json, after_effect: false },
        FaultAction::Error { status: 502, body: ErrorBody::Html, after_effect: true },
        FaultAction::Error { status: 503, body: ErrorBody::Empty, after_effect: false },
        FaultAction::DropBeforeEffect,
        FaultAction::DropAfterEffect,
        FaultAction::Html,
    ];
    // A web server in front of Podio answers with pages of its own, and not only with 5xx: they say nothing about Podio.
    let pages = [400, 401, 403, 404, 409, 410];
    let pages = pages.map(|status| FaultAction::Error { status, body: ErrorBody::Html, after_effect: false });
    for fault in faults.into_iter().chain(pages) {
        let mut world = world().await;
        // The first two tries of each call, the token's included, go wrong.
        for (method, path) in [
            ("POST", "/oauth/*"),
            ("GET", "/org/*/member/mail/*"),
            ("GET", "/org/*/end_member_info"),
            ("DELETE", "/space/*"),
            ("DELETE", "/org/*"),
            ("GET", "/org/*"),
            ("GET", "/user/*"),
        ] {
            world.podio.add_fault(FaultRule::new(method, path, fault.clone()).times(2));
        }
        let id = world.post(&Leaver::of(LEAVER)).await;
        let done = world.until_it_rests(&id, DAY).await;
        assert_eq!(done.state.status(), REMOVED, "{fault:?}");
        assert_eq!(settled_of(&done).total(), 12);
        assert_safe(&world);
    }
}

#[tokio::test]
async fn a_podio_that_answers_too_late_is_outlived_whether_or_not_it_did_what_it_was_asked() {
    let population = Population::new(2).spaces(30).leaver("Jane Doe", LEAVER, 2);
    let podio = Config { population, ..Config::new(Profile::Documented) };
    let setup = Setup { podio, ceiling: (250, 3600), mass_threshold: 25 };
    let impatient = Timeouts { whole: Duration::from_secs(1), ..Timeouts::default() };
    let mut world = World::with_timeouts(setup, impatient).await;
    for (method, path, after_effect) in [
        ("GET", "/org/*/end_member_info", false),
        ("DELETE", "/space/*", true),
        ("DELETE", "/org/*", true),
        ("GET", "/org/*", false),
    ] {
        world.podio.add_fault(FaultRule::new(method, path, FaultAction::Timeout { seconds: 4, after_effect }).times(1));
    }
    let id = world.post(&Leaver::of(LEAVER)).await;
    let done = world.until_it_rests(&id, DAY).await;
    assert_eq!(done.state.status(), REMOVED);
    assert_eq!(settled_of(&done).already_gone, 1, "the one whose answer came too late");
    assert_eq!(org_deletes(&world), 1);
    assert_safe(&world);
}

#[tokio::test]
async fn the_organization_is_not_left_a_second_time_when_only_the_answer_was_lost() {
    let mut world = world().await;
    world.podio.add_fault(FaultRule::new("DELETE", "/org/*", FaultAction::DropAfterEffect).times(1));
    let id = world.post(&Leaver::of(LEAVER)).await;
    assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), REMOVED);
    assert_eq!(org_deletes(&world), 1);
    assert_safe(&world);
}

#[tokio::test]
async fn an_outage_of_two_days_is_waited_out_and_nobody_need_do_anything() {
    let mut world = world().await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.pass(DAY, async |world| (world.deletes().len() >= 5).then_some(())).await;
    let down = FaultAction::Error { status: 503, body: ErrorBody::Json, after_effect: false };
    world.podio.add_fault(FaultRule { method: None, ..FaultRule::new("", "/*", down) });
    let (calls, end) = (world.calls(), world.clock.read() + DAY * 2);
    world.pass(DAY * 3, async |world| (world.clock.read() >= end).then_some(())).await;
    assert_eq!(world.look(&id).await.state.status(), Status::Removing);
    let tried = world.calls() - calls;
    assert!((100..1_000).contains(&tried), "{tried} calls in two days: it goes on asking, and not too often");

    world.podio.clear_faults();
    assert_eq!(world.until_it_rests(&id, SignedDuration::from_hours(1)).await.state.status(), REMOVED);
    assert_safe(&world);
}

#[tokio::test]
async fn what_fails_for_a_day_while_others_succeed_is_shown_to_a_person_and_goes_on_when_it_is_mended() {
    let mut world = world().await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.pass(DAY, async |world| (world.look(&id).await.state.status() == Status::Removing).then_some(())).await;
    let space = world.spaces(&id).await[3].key.space;
    let down = FaultAction::Error { status: 502, body: ErrorBody::Html, after_effect: false };
    world.podio.add_fault(FaultRule::new("DELETE", &format!("/space/{space}/*"), down));
    let start = world.clock.read();
    for half_hours in 1..=52 {
        // Somebody else's rehearsal succeeds.
        let mut other = Leaver::user(world.look(&id).await.state.leaver().unwrap().user_id.0);
        other.request.dry_run = true;
        world.post(&other).await;
        let next = start + SignedDuration::from_mins(30 * half_hours);
        world.pass(DAY, async |world| (world.clock.read() >= next).then_some(())).await;
        if half_hours < 46 {
            assert_eq!(world.look(&id).await.state.status(), Status::Removing, "{half_hours} half hours");
        }
    }
    let held = world.look(&id).await;
    let State::Held { reasons, stopped } = &held.state else { panic!("{:?}", held.state) };
    assert_eq!(stopped.stage(), Stage::Removing);
    assert_eq!(reasons[0].code, HoldCode::KeepsFailing);
    assert_eq!(settled_of(&held).removed, 11, "the others are out");

    world.podio.clear_faults();
    world.approve(&id).await;
    assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), REMOVED);
}

#[tokio::test]
async fn messages_delivered_twice_change_nothing() {
    let mut world = world().await;
    world.deliver_everything_twice();
    let id = world.post(&Leaver::of(LEAVER)).await;
    let done = world.until_it_rests(&id, DAY).await;
    assert_eq!(done.state.status(), REMOVED);
    // Two copies of one message may both call, and the one that finds nobody left may be written down first.
    assert_eq!((settled_of(&done).removed + settled_of(&done).already_gone, settled_of(&done).total()), (12, 12));
    assert_eq!(org_deletes(&world), 1);
    assert_safe(&world);
}

#[tokio::test]
async fn late_messages_of_a_finished_offboarding_call_nobody() {
    let mut world = world().await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.until_it_rests(&id, DAY).await;
    let calls = world.calls();
    let space = world.spaces(&id).await.remove(0);
    world.order(space.key.job()).await;
    world.order(JobId::new(JobId::OFFBOARDING, &id)).await;
    world.order(JobId::new("dance", "1")).await;
    let until = world.clock.read() + SignedDuration::from_mins(30);
    world.pass(DAY, async |world| (world.clock.read() > until).then_some(())).await;
    assert_eq!(world.calls(), calls);
    assert_eq!(world.dead_letters(), 0);
}

#[tokio::test]
async fn lost_messages_are_sent_again_by_the_sweep() {
    for lost_after in [0, 1, 5, 14, 15, 16] {
        let mut world = world().await;
        let id = world.post(&Leaver::of(LEAVER)).await;
        world.pass(DAY, async |world| (world.calls() >= lost_after).then_some(())).await;
        world.lose_all_messages();
        assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), REMOVED, "lost after {lost_after} calls");
        assert_safe(&world);
    }
}

#[tokio::test]
async fn a_queue_that_is_down_when_a_leaver_is_posted_only_delays() {
    let mut world = world().await;
    let mut leaver = Leaver::of(LEAVER);
    leaver.request.effective_at = Some(world.clock.read() + SignedDuration::from_mins(2));
    let id = world.post(&leaver).await;
    // The sweep starts it, but cannot send the job.
    world.jobs.faults().fail_next(1);
    assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), REMOVED);
}

#[tokio::test]
async fn a_table_that_fails_now_and_then_loses_nothing() {
    for (every, moment) in [(3, Moment::Before), (4, Moment::After), (7, Moment::Before), (5, Moment::After)] {
        let mut world = world().await;
        let id = world.post(&Leaver::of(LEAVER)).await;
        let mut count = 0;
        world.store.faults().decided_by(move |_, now| {
            if now == moment {
                count += 1;
            }
            now == moment && count % every == 0 && count < 400
        });
        let until = world.clock.read() + SignedDuration::from_hours(2);
        // While the table fails, looking at it fails too; so first let time pass.
        while world.clock.read() < until {
            world.step().await;
        }
        world.store.faults().end();
        let done = world.until_it_rests(&id, DAY).await;
        assert_eq!(done.state.status(), REMOVED, "every {every}th {moment:?}");
        assert_eq!(settled_of(&done).total(), 12);
        assert_safe(&world);
    }
}

#[tokio::test]
async fn one_poisonous_message_harms_neither_its_batch_nor_the_offboarding_for_good() {
    let mut world = world().await;
    world.send_rubbish("not a job");
    let id = world.post(&Leaver::of(LEAVER)).await;
    // From the seventh space on every look for others who leave it panics, again and again.
    let mut looks = 0;
    world.store.faults().decided_by(move |operation, moment| {
        if operation == "waiting_in" && moment == Moment::Before {
            looks += 1;
            assert!(looks < 7, "planted");
        }
        false
    });
    let failed = world
        .pass(DAY, async |world| {
            let offboarding = world.look(&id).await;
            matches!(offboarding.state, State::Failed { .. }).then_some(offboarding)
        })
        .await;
    let State::Failed { failure, stopped, .. } = failed.state else { panic!() };
    assert_eq!((failure.code, stopped.stage()), (FailureCode::JobCrashed, Stage::Removing));
    assert_eq!(settled_of(&world.look(&id).await).removed, 6, "its neighbours were not harmed");

    world.store.faults().end();
    world.operator(&id, Event::Retried).await;
    assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), REMOVED);
    assert!(world.dead_letters() >= 1, "the unreadable message waits for a person");
    assert_safe(&world);
}

#[tokio::test]
async fn a_member_who_comes_back_is_removed_again() {
    let mut world = world().await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.pass(DAY, async |world| (org_deletes(world) == 1).then_some(())).await;
    // Somebody invites the person again before it is verified.
    let now = world.clock.read();
    let jane = world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap();
    world.podio.with_state(|state| {
        let space = *state.spaces.keys().next().unwrap();
        state.add_to_space(now, space, jane, SpaceRole::Regular);
    });
    let done = world.until_it_rests(&id, DAY).await;
    assert_eq!(done.state.status(), REMOVED);
    assert_eq!(org_deletes(&world), 2);
    assert!(world.podio.with_state(|state| state.org_member(ORG_ID, jane).is_none()));
}

#[tokio::test]
async fn who_is_added_again_to_a_space_that_refuses_to_remove_anybody_twice_leaves_it_before_the_organization() {
    let population = Population::new(2).spaces(30).leaver("Jane Doe", LEAVER, 12);
    let mut podio = Config { population, ..Config::new(Profile::Documented) };
    podio.switches.apply("second-delete=forbidden").unwrap();
    let mut world = World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await;
    // Jane is out of the space, but nobody could note that.
    let mut saves = 0;
    world.store.faults().decided_by(move |operation, moment| {
        saves += usize::from(operation == "save" && moment == Moment::Before);
        // The first two are the plan's.
        operation == "save" && moment == Moment::Before && saves == 3
    });
    let id = world.post(&Leaver::of(LEAVER)).await;
    let refused = |world: &World| world.deletes().into_iter().find(|call| call.status == Some(403));
    let refused = world.pass(DAY, async |world| refused(world)).await;
    let now = world.clock.read();
    world.podio.with_state(|state| {
        let jane = state.person_by_mail(LEAVER).unwrap();
        let space = refused.path.split('/').nth(2).unwrap().parse().unwrap();
        state.add_to_space(now, podio_sandbox::SpaceId(space), jane, SpaceRole::Regular);
    });

    let done = world.until_it_rests(&id, DAY).await;

    assert_eq!(done.state.status(), REMOVED);
    let statuses: Vec<_> =
        world.deletes().iter().filter(|call| call.path == refused.path).map(|call| call.status).collect();
    assert_eq!(statuses, [Some(200), Some(403), Some(200)]);
    assert_eq!((settled_of(&done).removed, settled_of(&done).left_to_org_removal), (12, 0));
    assert_safe(&world);
}
