//! A hook is verified, and what else Podio posts is passed on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use std::collections::BTreeMap;

use jiff::SignedDuration;
use podio_client::Timeouts;
use podio_lifecycle::{
    hooks::{Delivery, DeliveryState, HookRef},
    ids::SpaceId,
    work::JobId,
};
use podio_sandbox::{Config, ErrorBody, FaultAction, FaultRule, HookId, Population, Profile, population::LEAVER};
use stories::{Leaver, Setup, World};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const VALIDATE: &str = "/verify/validate";

async fn world(ceiling: (u32, i64)) -> World {
    let population = Population::new(7).leaver("Jane Doe", LEAVER, 12);
    let podio = Config { population, ..Config::new(Profile::Documented) };
    let timeouts = Timeouts::default();
    World::with_timeouts(Setup { podio, ceiling, mass_threshold: 25 }, timeouts).await
}

/// A space of the leaver's.
fn space(world: &World) -> HookRef {
    let space = world.podio.with_state(|state| {
        let leaver = state.person_by_mail(LEAVER).unwrap();
        state.spaces_of_member(podio_sandbox::population::ORG_ID, leaver)[0]
    });
    HookRef::space(SpaceId(space.0))
}

/// A hook of ours that was never verified.
fn hook(world: &World, on: &HookRef) -> HookId {
    world.register_hook(on, "member.add", &world.hook_address(on))
}

fn verification(hook: HookId, code: &str) -> String {
    format!("type=hook.verify&hook_id={hook}&code={code}")
}

/// Lets time pass until no delivery has anything to come.
async fn until_all_have_ended(world: &mut World) -> Vec<Delivery> {
    world
        .pass(HOUR, async |world: &World| {
            let all: Vec<Delivery> = world.store.deliveries().into_values().collect();
            all.iter().all(|delivery| delivery.state.is_final()).then_some(all)
        })
        .await
}

fn refused_for(delivery: &Delivery) -> &str {
    match &delivery.state {
        DeliveryState::Refused { reason, .. } => &reason.code,
        other => panic!("not refused: {other:?}"),
    }
}

/// Something happens to what validates hooks.
fn fault(action: FaultAction) -> FaultRule {
    FaultRule::new("POST", "*/verify/validate", action)
}

#[tokio::test]
async fn the_right_code_activates_a_hook() {
    let mut world = world((250, 3600)).await;
    let on = space(&world);
    let hook = hook(&world, &on);
    let code = world.request_verification(hook);
    assert_eq!(world.podio_posts(&on, &verification(hook, &code)).await, 200);
    let ended = until_all_have_ended(&mut world).await;
    assert!(matches!(ended[..], [Delivery { state: DeliveryState::Handled { .. }, code: None, .. }]), "{ended:?}");
    assert!(world.is_active(hook));
}

#[tokio::test]
async fn a_stale_code_is_recorded_and_not_tried_again() {
    let mut world = world((250, 3600)).await;
    let on = space(&world);
    let hook = hook(&world, &on);
    let stale = world.request_verification(hook);
    let fresh = world.request_verification(hook);
    world.podio_posts(&on, &verification(hook, &stale)).await;
    let ended = until_all_have_ended(&mut world).await;
    assert_eq!(refused_for(&ended[0]), "wrong_code");
    world.clock.reach(world.clock.read() + HOUR);
    for _ in 0..10 {
        world.step().await;
    }
    assert_eq!((world.calls_to("POST", VALIDATE), world.is_active(hook)), (1, false));

    world.podio_posts(&on, &verification(hook, &fresh)).await;
    until_all_have_ended(&mut world).await;
    assert!(world.is_active(hook));
}

#[tokio::test]
async fn a_hook_that_podio_does_not_know_is_refused() {
    let mut world = world((250, 3600)).await;
    let on = space(&world);
    world.podio_posts(&on, &verification(HookId(404_404), "b9079247")).await;
    assert_eq!(refused_for(&until_all_have_ended(&mut world).await[0]), "unknown_hook");
}

#[tokio::test]
async fn a_verification_that_comes_again_and_again_is_sent_back_once() {
    let mut world = world((250, 3600)).await;
    let on = space(&world);
    let hook = hook(&world, &on);
    let form = verification(hook, &world.request_verification(hook));
    for _ in 0..3 {
        assert_eq!(world.podio_posts(&on, &form).await, 200);
    }
    let ended = until_all_have_ended(&mut world).await;
    // The queue, too, may hand over a job twice.
    world.order(JobId::new(JobId::DELIVERY, &ended[0].id)).await;
    world.podio_posts(&on, &form).await;
    for _ in 0..5 {
        world.step().await;
    }
    assert_eq!((world.calls_to("POST", VALIDATE), world.store.deliveries().len()), (1, 1));
    assert!(world.is_active(hook));
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    // An answer that was lost after its effect shows in the list of hooks, and need not be asked for.
    for (action, answers) in
        [(FaultAction::DropAfterEffect, 1), (FaultAction::DropBeforeEffect, 2), (FaultAction::Unauthorized, 2)]
    {
        let mut world = world((250, 3600)).await;
        let on = space(&world);
        let hook = hook(&world, &on);
        let code = world.request_verification(hook);
        world.podio.add_fault(fault(action.clone()).times(1));
        world.podio_posts(&on, &verification(hook, &code)).await;
        let ended = until_all_have_ended(&mut world).await;
        assert!(matches!(ended[0].state, DeliveryState::Handled { .. }), "{action:?}: {ended:?}");
        assert_eq!(world.calls_to("POST", VALIDATE), answers, "{action:?}");
        assert!(world.is_active(hook));
    }
}

#[tokio::test]
async fn where_podio_stays_away_for_a_day_the_delivery_waits_and_is_dealt_with() {
    let mut world = world((250, 3600)).await;
    let on = space(&world);
    let hook = hook(&world, &on);
    let code = world.request_verification(hook);
    let error = FaultAction::Error { status: 503, body: ErrorBody::Html, after_effect: false };
    world.podio.add_fault(fault(error));
    world.podio_posts(&on, &verification(hook, &code)).await;
    let back = world.clock.read() + HOUR * 24;
    world.pass(HOUR * 25, async |world| (world.clock.read() >= back).then_some(())).await;
    assert!(world.calls_to("POST", VALIDATE) < 250, "it asks less and less often");
    world.podio.clear_faults();
    let ended = until_all_have_ended(&mut world).await;
    assert!(matches!(ended[0].state, DeliveryState::Handled { .. }), "{ended:?}");
}

#[tokio::test]
async fn a_verification_does_not_wait_behind_a_backlog_of_removals() {
    // Twelve spaces and what goes with them, at six calls a minute.
    let mut world = world((6, 60)).await;
    let on = space(&world);
    let leaver = world.post(&Leaver::of(LEAVER)).await;
    world.pass(HOUR, async |world| (world.deletes().len() >= 2).then_some(())).await;
    let hook = hook(&world, &on);
    let code = world.request_verification(hook);
    world.podio_posts(&on, &verification(hook, &code)).await;
    let ended = until_all_have_ended(&mut world).await;
    assert!(matches!(ended[0].state, DeliveryState::Handled { .. }), "{ended:?}");
    assert!(world.deletes().len() < 12, "the removals are not through yet");
    world.until_it_rests(&leaver, HOUR).await;
    assert_eq!(world.rejections(), 0);
}

#[tokio::test]
async fn events_are_published_once_each_however_often_they_come() {
    let mut world = world((250, 3600)).await;
    let bus = world.publish();
    bus.faults().fail_next(2);
    let on = space(&world);
    let forms = [
        "type=member.remove&hook_id=7&user_id=3",
        "type=task.create&hook_id=8&task_id=4",
        "type=rating.add&hook_id=9",
        "type=space.update&hook_id=10&space_id=5",
    ];
    for form in [&forms[..], &forms[..2]].concat() {
        assert_eq!(world.podio_posts(&on, form).await, 200);
    }
    until_all_have_ended(&mut world).await;
    let mut published: BTreeMap<String, usize> = BTreeMap::new();
    for event in bus.published() {
        assert_eq!(event.source, format!("/podio/{on}"));
        *published.entry(event.kind).or_default() += 1;
    }
    let expected = ["member.remove", "task.create", "rating.add", "space.update"];
    assert_eq!(published, expected.map(|kind| (format!("com.podio.{kind}"), 1)).into());
    assert_eq!(world.calls(), 0, "and Podio is not asked for any of it");
}
