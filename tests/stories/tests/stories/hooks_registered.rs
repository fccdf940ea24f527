//! The hooks that an operator lists are there, verified, once each; and nobody else's are touched.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::{hooks::HookRef, ids::SpaceId};
use podio_sandbox::{
    Config, FaultAction, FaultRule, HookId, Population, Profile, population::LEAVER, switches::HookVerification,
};
use stories::{Leaver, Setup, World};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const FOREIGN: &str = "http://127.0.0.1:9/somebody/else";

async fn world(ceiling: (u32, i64)) -> World {
    let population = Population::new(7).leaver("Jane Doe", LEAVER, 12);
    let mut podio = Config { population, ..Config::new(Profile::Documented) };
    podio.switches.hook_verification = HookVerification::OnCreate;
    World::new(Setup { podio, ceiling, mass_threshold: 25 }).await
}

/// A space of the leaver's.
fn space(world: &World) -> HookRef {
    let space = world.podio.with_state(|state| {
        let leaver = state.person_by_mail(LEAVER).unwrap();
        state.spaces_of_member(podio_sandbox::population::ORG_ID, leaver)[0]
    });
    HookRef::space(SpaceId(space.0))
}

/// The hooks of our address, with their types.
fn ours(world: &World, on: &HookRef) -> Vec<(HookId, String)> {
    let address = world.hook_address(on);
    let ours = world.podio_hooks().into_iter().filter(|(_, hook)| hook.url == address);
    ours.map(|(id, hook)| (id, hook.event)).collect()
}

/// Lets the hours pass in which the sweep and the worker look.
async fn hours(world: &mut World, hours: i64) {
    let until = world.clock.read() + HOUR * i32::try_from(hours).unwrap();
    world.pass(HOUR * 100, async |world: &World| (world.clock.read() >= until).then_some(())).await;
}

/// Posts the code that Podio has made up for a hook.
async fn verify(world: &mut World, on: &HookRef, hook: HookId) {
    let code = world.podio.with_state(|state| state.hooks.all[&hook].code.clone()).unwrap();
    world.podio_posts(on, &format!("type=hook.verify&hook_id={hook}&code={code}")).await;
    world.pass(HOUR, async |world: &World| world.is_active(hook).then_some(())).await;
}

#[tokio::test]
async fn what_misses_is_created_once_and_verified() {
    let mut world = world((250, 3600)).await;
    let on = space(&world);
    world.want_hooks(&format!("{on}:member.add+space.update"));
    hours(&mut world, 1).await;
    let created = ours(&world, &on);
    let types: Vec<&str> = created.iter().map(|(_, event)| event.as_str()).collect();
    assert_eq!(types, ["member.add", "space.update"]);
    for (hook, _) in &created {
        verify(&mut world, &on, *hook).await;
    }
    let calls = world.calls();
    hours(&mut world, 5).await;
    assert_eq!(ours(&world, &on), created);
    assert_eq!(world.calls() - calls, 5, "one look an hour, and nothing to do");
}

#[tokio::test]
async fn where_podio_sends_no_code_by_itself_a_new_hook_is_asked_for_within_minutes() {
    let mut world = world((250, 3600)).await;
    world.podio.with_state(|state| state.switches.hook_verification = HookVerification::OnRequest);
    let on = space(&world);
    world.want_hooks(&format!("{on}:member.add"));
    let until = world.clock.read() + SignedDuration::from_mins(5);
    world.pass(HOUR, async |world: &World| (world.clock.read() >= until).then_some(())).await;
    let hook = ours(&world, &on)[0].0;
    assert_eq!(world.calls_to("POST", "/verify/request"), 1);
    verify(&mut world, &on, hook).await;
    hours(&mut world, 3).await;
    assert_eq!(world.calls_to("POST", "/verify/request"), 1, "and not again once it is active");
}

#[tokio::test]
async fn a_hook_that_podio_switched_off_is_verified_again() {
    let mut world = world((250, 3600)).await;
    let on = space(&world);
    world.want_hooks(&format!("{on}:member.add"));
    hours(&mut world, 1).await;
    let hook = ours(&world, &on)[0].0;
    verify(&mut world, &on, hook).await;
    world.podio.with_state(|state| {
        let hook = state.hooks.all.get_mut(&hook).unwrap();
        (hook.active, hook.code) = (false, None);
    });
    hours(&mut world, 2).await;
    verify(&mut world, &on, hook).await;
    assert_eq!(ours(&world, &on).len(), 1);
    assert!(world.calls_to("POST", "/verify/request") >= 1);
}

#[tokio::test]
async fn our_duplicates_are_deleted_and_nobody_elses() {
    let mut world = world((250, 3600)).await;
    let on = space(&world);
    let address = world.hook_address(&on);
    let oldest = world.register_hook(&on, "member.add", &address);
    let active = world.register_hook(&on, "member.add", &address);
    let newest = world.register_hook(&on, "member.add", &address);
    world.podio.with_state(|state| state.hooks.all.get_mut(&active).unwrap().active = true);
    let foreign = [world.register_hook(&on, "member.add", FOREIGN), world.register_hook(&on, "member.add", FOREIGN)];
    let unwanted = world.register_hook(&on, "task.create", &address);
    world.want_hooks(&format!("{on}:member.add"));
    hours(&mut world, 2).await;
    let left: Vec<HookId> = world.podio_hooks().into_iter().map(|(id, _)| id).collect();
    assert_eq!(left, [active, foreign[0], foreign[1], unwanted], "not {oldest} and {newest}");
}

#[tokio::test]
async fn where_others_fill_the_object_nothing_is_created_and_nothing_deleted() {
    let mut world = world((250, 3600)).await;
    let on = space(&world);
    let foreign: Vec<HookId> = (0..10).map(|_| world.register_hook(&on, "member.add", FOREIGN)).collect();
    world.want_hooks(&format!("{on}:member.add+space.update"));
    hours(&mut world, 2).await;
    let left = world.podio_hooks();
    assert_eq!(left.iter().filter(|(_, hook)| hook.event == "member.add").count(), 10);
    assert!(foreign.iter().all(|id| left.iter().any(|(left, _)| left == id)));
    assert_eq!(ours(&world, &on).len(), 1, "the other type has room");
    assert_eq!(world.deletes().len(), 0);
}

#[tokio::test]
async fn a_lost_answer_does_not_make_two_of_one() {
    let mut world = world((250, 3600)).await;
    let on = space(&world);
    let lost = FaultRule::new("POST", &format!("/hook/{on}/"), FaultAction::DropAfterEffect).times(1);
    world.podio.add_fault(lost);
    world.want_hooks(&format!("{on}:member.add"));
    hours(&mut world, 3).await;
    assert_eq!(ours(&world, &on).len(), 1);
    assert_eq!(world.calls_to("POST", &format!("/hook/{on}/")), 1);
}

#[tokio::test]
async fn hooks_wait_while_leavers_need_the_quota() {
    let mut world = world((10, 600)).await;
    let on = space(&world);
    let leaver = world.post(&Leaver::of(LEAVER)).await;
    world.pass(HOUR, async |world| (!world.deletes().is_empty()).then_some(())).await;
    world.want_hooks(&format!("{on}:member.add"));
    world.until_it_rests(&leaver, HOUR * 5).await;
    let last_delete = world.podio.log().iter().rposition(|call| call.method == "DELETE").unwrap();
    let log = world.podio.log();
    let in_the_background = log[..last_delete].iter().filter(|call| call.path.starts_with("/hook/")).count();
    assert!(in_the_background <= 2, "{in_the_background} calls: a twentieth of the quota is owed to the background");
    hours(&mut world, 3).await;
    assert_eq!(ours(&world, &on).len(), 1);
    assert_eq!(world.rejections(), 0);
}
