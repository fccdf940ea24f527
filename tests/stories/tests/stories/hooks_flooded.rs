//! Everybody who may list a space's hooks can post in Podio's name. However much they post, leavers go first.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::{SignedDuration, Timestamp};
use podio_engine::ports::{Claimed, WorkTable};
use podio_lifecycle::{
    hooks::{DeliveryState, HookRef},
    ids::{OrgId, SpaceId},
    offboarding::{Offboarding, Outcome, Status},
    ports::Metric,
    work::{JobId, Priority},
};
use podio_sandbox::{
    Config, HookId, Population, Profile,
    population::{LEAVER, ORG_ID},
};
use stories::{Leaver, Setup, World, plan_of};
use worker::HookPolicy;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Calls in an hour.
const CEILING: u32 = 100;
/// A tenth of them.
const BUDGET: usize = 10;
const FOREIGN: &str = "http://127.0.0.1:9/somebody/else";
const VALIDATE: &str = "/verify/validate";

/// An organization with a leaver in forty spaces, and the first of these.
async fn given_a_leaver_in_forty_spaces() -> (World, HookRef) {
    let population = Population::new(7).spaces(60).leaver("Jane Doe", LEAVER, 40);
    let podio = Config { population, ..Config::new(Profile::Documented) };
    let mut world = World::new(Setup { podio, ceiling: (CEILING, 3600), mass_threshold: 25 }).await;
    world.decide(HookPolicy { org: Some(OrgId(ORG_ID.0)), ..HookPolicy::default() });
    let space = world.podio.with_state(|state| {
        let leaver = state.person_by_mail(LEAVER).unwrap();
        state.spaces_of_member(ORG_ID, leaver)[0]
    });
    (world, HookRef::space(SpaceId(space.0)))
}

/// A hook of ours that was never verified.
fn given_a_sleeping_hook(world: &World, on: &HookRef) -> HookId {
    world.register_hook(on, "member.add", &world.hook_address(on))
}

async fn when_a_verification_comes(world: &World, on: &HookRef, hook: HookId, code: &str) {
    assert_eq!(world.podio_posts(on, &format!("type=hook.verify&hook_id={hook}&code={code}")).await, 200);
}

async fn when_events_come(world: &World, on: &HookRef, forms: impl IntoIterator<Item = String>) {
    for form in forms {
        assert_eq!(world.podio_posts(on, &form).await, 200);
    }
}

async fn when_time_passes(world: &mut World, time: SignedDuration) {
    let until = world.clock.read() + time;
    world.pass(time * 2, async |world: &World| (world.clock.read() >= until).then_some(())).await;
}

async fn when_the_leaver_has_left(world: &mut World) -> Offboarding {
    let id = world.post(&Leaver::of(LEAVER)).await;
    let done = world.until_it_rests(&id, HOUR * 5).await;
    assert_eq!(done.state.status(), Status::Completed(Outcome::Removed));
    done
}

/// Lets time pass until every delivery has ended; how they have.
async fn when_all_have_ended(world: &mut World, within: SignedDuration) -> Vec<DeliveryState> {
    world
        .pass(within, async |world: &World| {
            let states: Vec<_> = world.store.deliveries().into_values().map(|delivery| delivery.state).collect();
            states.iter().all(DeliveryState::is_final).then_some(states)
        })
        .await
}

fn refused_for(state: &DeliveryState) -> &str {
    match state {
        DeliveryState::Refused { reason, .. } => &reason.code,
        other => panic!("not refused: {other:?}"),
    }
}

/// Calls about hooks that Podio was sent.
fn hook_calls(world: &World) -> usize {
    world.podio.log().iter().filter(|call| call.path.starts_with("/hook/")).count()
}

/// The most calls that lie in one hour.
fn most_in_an_hour(times: &[Timestamp]) -> usize {
    times
        .iter()
        .map(|first| times.iter().filter(|time| *first <= **time && **time < *first + HOUR).count())
        .max()
        .unwrap_or(0)
}

#[tokio::test]
async fn forged_verifications_do_not_delay_a_leaver() {
    let (mut world, _) = given_a_leaver_in_forty_spaces().await;
    when_the_leaver_has_left(&mut world).await;
    let alone = world.calls();
    assert!(alone > 40 && alone + BUDGET <= CEILING as usize, "{alone}");

    for knows_our_hook in [false, true] {
        let (mut world, on) = given_a_leaver_in_forty_spaces().await;
        let ours = given_a_sleeping_hook(&world, &on);
        for n in 0..150 {
            let hook = if knows_our_hook { ours } else { HookId(900_000 + n) };
            when_a_verification_comes(&world, &on, hook, &format!("forged{n}")).await;
        }
        when_time_passes(&mut world, SignedDuration::from_mins(10)).await;
        when_the_leaver_has_left(&mut world).await;

        // Then all of her calls were among the first hundred: she did not wait for another hour.
        let forged = hook_calls(&world);
        assert!(forged <= BUDGET, "{forged} calls for what was forged");
        assert_eq!(world.calls() - forged, alone, "the leaver's own calls");
        assert!(world.calls() <= CEILING as usize);
        assert!(!world.is_active(ours));
    }
}

#[tokio::test]
async fn forged_hooks_cost_one_list_and_are_refused() {
    let (mut world, on) = given_a_leaver_in_forty_spaces().await;
    for n in 0..150 {
        when_a_verification_comes(&world, &on, HookId(900_000 + n), "forged").await;
    }
    let states = when_all_have_ended(&mut world, HOUR).await;

    assert_eq!(states.len(), 150, "none is dropped");
    assert!(states.iter().all(|state| refused_for(state) == "unknown_hook"));
    assert_eq!(world.counted(Metric::RefusedDeliveries), 150, "and none in silence");
    assert_eq!((world.calls(), world.calls_to("POST", VALIDATE)), (1, 0));
}

#[tokio::test]
async fn verification_of_a_foreign_hook_is_never_answered() {
    let (mut world, on) = given_a_leaver_in_forty_spaces().await;
    let elsewhere = HookRef::space(SpaceId(on.ref_id + 1));
    let foreign = world.register_hook(&on, "member.add", FOREIGN);
    let misplaced = world.register_hook(&elsewhere, "member.add", &world.hook_address(&elsewhere));
    let ours = given_a_sleeping_hook(&world, &on);
    for hook in [foreign, misplaced, ours] {
        let code = world.request_verification(hook);
        when_a_verification_comes(&world, &on, hook, &code).await;
    }
    let mut states = when_all_have_ended(&mut world, HOUR).await;

    assert_eq!([foreign, misplaced, ours].map(|hook| world.is_active(hook)), [false, false, true]);
    states.retain(|state| !matches!(state, DeliveryState::Handled { .. }));
    let mut reasons: Vec<&str> = states.iter().map(refused_for).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["not_ours", "unknown_hook"]);
    assert_eq!((world.calls_to("POST", VALIDATE), world.calls()), (1, 2), "one list, and one answer to ours");
}

#[tokio::test]
async fn active_hook_needs_no_answer() {
    let (mut world, on) = given_a_leaver_in_forty_spaces().await;
    let hook = given_a_sleeping_hook(&world, &on);
    let code = world.request_verification(hook);
    for code in [&code, "forged1", "forged2"] {
        when_a_verification_comes(&world, &on, hook, code).await;
    }
    when_all_have_ended(&mut world, HOUR).await;
    assert!(world.is_active(hook));
    let answers = world.calls_to("POST", VALIDATE);
    for n in 3..40 {
        when_a_verification_comes(&world, &on, hook, &format!("forged{n}")).await;
    }
    when_all_have_ended(&mut world, HOUR).await;
    assert_eq!(world.calls_to("POST", VALIDATE), answers);
}

#[tokio::test]
async fn forty_events_of_a_space_take_one_check() {
    let (mut world, on) = given_a_leaver_in_forty_spaces().await;
    let added = (0..20).map(|n| format!("type=member.add&hook_id=7&profile_id={n}"));
    let created = (0..20).map(|n| format!("type=space.create&hook_id=8&app_id={n}"));
    when_events_come(&world, &on, added.chain(created)).await;
    let states = when_all_have_ended(&mut world, HOUR).await;

    assert_eq!(states.len(), 40);
    assert!(states.iter().all(|state| matches!(state, DeliveryState::Handled { .. })), "{states:?}");
    assert_eq!(world.calls(), 1, "one list of the space's members");
}

#[tokio::test]
async fn delivery_of_a_dead_worker_runs_alone() {
    let (mut world, on) = given_a_leaver_in_forty_spaces().await;
    when_events_come(&world, &on, (0..3).map(|n| format!("type=member.add&hook_id=7&profile_id={n}"))).await;
    let waiting = world.waiting();
    let first = waiting.iter().min_by_key(|job| (job.place, job.job.clone())).unwrap();
    let attempt = world.clock.read() - SignedDuration::from_secs(1);
    assert_eq!(world.store.claim(&first.job, attempt).await, Ok(Claimed::Yes { deaths: 0 }));
    when_all_have_ended(&mut world, HOUR).await;
    assert_eq!(world.calls(), 2, "one check for the delivery that may be the cause, one for the others");
}

#[tokio::test]
async fn events_beyond_the_budget_wait_and_none_is_lost() {
    let (mut world, on) = given_a_leaver_in_forty_spaces().await;
    let removed = when_the_leaver_has_left(&mut world).await;
    let user = removed.state.leaver().unwrap().user_id;
    when_time_passes(&mut world, HOUR * 2).await;
    let before = world.calls();
    // Her membership is read for each of them, since no two come together.
    for n in 0..3 * BUDGET {
        when_events_come(&world, &on, [format!("type=member.add&hook_id=7&user_id={user}&profile_id={n}")]).await;
        when_time_passes(&mut world, SignedDuration::from_secs(70)).await;
    }
    assert_eq!(world.calls() - before, BUDGET, "of one hour");
    let waiting: Vec<_> = world.waiting().into_iter().filter(|job| job.job.kind == JobId::DELIVERY).collect();
    assert_eq!(waiting.len(), 2 * BUDGET);
    assert!(waiting.iter().all(|job| job.priority == Priority::Background && job.not_before.is_some()));

    let states = when_all_have_ended(&mut world, HOUR * 4).await;
    assert!(states.iter().all(|state| matches!(state, DeliveryState::Handled { .. })), "{states:?}");
    assert_eq!(states.len(), 3 * BUDGET);
    let times: Vec<_> = world.podio.log().iter().skip(before).map(|call| call.time).collect();
    assert!(most_in_an_hour(&times) <= BUDGET, "{}", most_in_an_hour(&times));
}

#[tokio::test]
async fn forged_spaces_are_charged_for_the_plans() {
    let (mut world, on) = given_a_leaver_in_forty_spaces().await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.pass(HOUR, async |world| (!world.deletes().is_empty()).then_some(())).await;
    // Each would have her plan look into another space.
    when_events_come(&world, &on, (0..60).map(|n| format!("type=space.create&hook_id=7&space_id={}", 800_000 + n)))
        .await;
    world
        .pass(HOUR, async |world| {
            world.look(&id).await.state.plan().is_some_and(|plan| !plan.suspects.is_empty()).then_some(())
        })
        .await;
    when_time_passes(&mut world, SignedDuration::from_mins(3)).await;
    assert!(plan_of(&world.look(&id).await).suspects.len() <= BUDGET);
    let left = world.waiting().into_iter().filter(|job| job.job.kind == JobId::DELIVERY).count();
    assert_eq!(left, 60 - BUDGET, "the others wait");
}
