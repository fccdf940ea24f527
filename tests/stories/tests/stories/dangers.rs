//! What must never happen, in the circumstances in which it nearly would.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::{
    hold::HoldCode,
    ids::UserId,
    offboarding::{Event, FailureCode, Offboarding, Outcome, State, Status},
};
use podio_sandbox::{
    Config, Effect, ErrorBody, FaultAction, FaultRule, Population, Profile, Quota,
    population::{ACTING_ADMIN, LAST_ADMIN, LEAVER, ORG_ID, SOLE_MEMBER},
    state::{SpaceKind, SpaceRole},
};
use stories::{Leaver, Setup, World, settled_of};

const WEEK: SignedDuration = SignedDuration::from_hours(24 * 7);
const REMOVED: Status = Status::Completed(Outcome::Removed);

async fn world(podio: Config, ceiling: (u32, i64)) -> World {
    World::new(Setup { podio, ceiling, mass_threshold: 25 }).await
}

fn held_for(offboarding: &Offboarding) -> Vec<HoldCode> {
    match &offboarding.state {
        State::Held { reasons, .. } => reasons.iter().map(|reason| reason.code).collect(),
        other => panic!("not held: {other:?}"),
    }
}

fn deleted_spaces(world: &World) -> usize {
    let effects = world.podio.log().into_iter().flat_map(|call| call.effects);
    effects.filter(|effect| matches!(effect, Effect::SpaceDeleted { .. })).count()
}

#[tokio::test]
async fn the_organization_is_not_left_early_when_leaving_the_spaces_takes_days() {
    // Most spaces turn out not to be the leaver's, and the sweep comes by a thousand times before the last one is left.
    let quota = Quota { limit: 20, general_limit: None, ..Quota::of(Profile::Guide) };
    let population = Population::new(9).members(60).spaces(120).leaver("Jane Doe", LEAVER, 30);
    let mut world = world(Config { population, quota, ..Config::new(Profile::Guide) }, (20, 3600)).await;
    let id = world.post(&Leaver::of(LEAVER)).await;

    let done = world.until_it_rests(&id, WEEK).await;

    assert_eq!(done.state.status(), REMOVED);
    assert_eq!(settled_of(&done).removed, 30);
    let deletes = world.deletes();
    assert!(deletes.last().unwrap().path.starts_with("/org/"));
    assert_eq!(deletes.iter().filter(|call| call.path.starts_with("/space/")).count(), 30);
    assert_eq!(world.rejections(), 0);
    let calls = world.calls();
    assert!(calls <= 180, "{calls} calls: no call is made twice because of a wait");
}

#[tokio::test]
async fn a_space_that_podio_does_not_show_is_not_deleted_by_surprise() {
    let population = Population::new(7).sole_member("Solomon Lone", SOLE_MEMBER);
    let mut podio = Config { population, ..Config::new(Profile::Guide) };
    for assignment in ["org-spaces=own", "org-delete=ends-spaces", "member-shape=nested"] {
        podio.switches.apply(assignment).unwrap();
    }
    let mut world = world(podio, (250, 3600)).await;
    let id = world.post(&Leaver::of(SOLE_MEMBER)).await;
    let held = world.until_it_rests(&id, WEEK).await;
    assert_eq!(held_for(&held), [HoldCode::SpaceWouldBeDeleted]);
    assert_eq!(deleted_spaces(&world), 0);
}

#[tokio::test]
async fn the_last_two_of_a_space_do_not_take_it_with_them() {
    let population = Population::new(7).leaver("Ann", "ann@example.com", 1).leaver("Bob", "bob@example.com", 1);
    let mut podio = Config { population, ..Config::new(Profile::Documented) };
    podio.switches.apply("end-member-info=absent").unwrap();
    let mut world = world(podio, (250, 3600)).await;
    let now = world.clock.read();
    world.podio.with_state(|state| {
        let [ann, bob] = ["ann@example.com", "bob@example.com"].map(|mail| state.person_by_mail(mail).unwrap());
        let den = state.create_space(now, ORG_ID, "Den", SpaceKind::Regular);
        state.add_to_space(now, den, ann, SpaceRole::Admin);
        state.add_to_space(now, den, bob, SpaceRole::Admin);
    });
    // Both plans see the other one. Bob is delayed, and nobody may be removed from a space.
    let fault = |status| FaultAction::Error { status, body: ErrorBody::Json, after_effect: false };
    let bob = world.podio.with_state(|state| state.person_by_mail("bob@example.com")).unwrap();
    world.podio.add_fault(FaultRule::new("DELETE", &format!("/space/*/member/{bob}"), fault(503)).times(4));
    world.podio.add_fault(FaultRule::new("DELETE", "/space/*", fault(403)));
    let ann = world.post(&Leaver::of("ann@example.com")).await;
    let bob = world.post(&Leaver::of("bob@example.com")).await;
    assert_eq!(world.until_it_rests(&ann, WEEK).await.state.status(), REMOVED);
    assert_eq!(held_for(&world.until_it_rests(&bob, WEEK).await), [HoldCode::SpaceWouldBeDeleted]);
    assert_eq!(deleted_spaces(&world), 0);
}

#[tokio::test]
async fn the_last_two_of_a_space_do_not_leave_the_organization_at_the_same_moment() {
    for preview in ["offered", "absent"] {
        let population = Population::new(7).leaver("Ann", "ann@example.com", 1).leaver("Bob", "bob@example.com", 1);
        let mut podio = Config { population, ..Config::new(Profile::Documented) };
        podio.switches.apply(&format!("end-member-info={preview}")).unwrap();
        let mut world = world(podio, (250, 3600)).await;
        let now = world.clock.read();
        world.podio.with_state(|state| {
            let two = ["ann@example.com", "bob@example.com"].map(|mail| state.person_by_mail(mail).unwrap());
            let den = state.create_space(now, ORG_ID, "Den", SpaceKind::Regular);
            for person in two {
                state.add_to_space(now, den, person, SpaceRole::Admin);
            }
        });
        // Nobody may be removed from a space; and at first not from the organization either, so that a person resumes both.
        let denied = || FaultAction::Error { status: 403, body: ErrorBody::Json, after_effect: false };
        world.podio.add_fault(FaultRule::new("DELETE", "/space/*", denied()));
        world.podio.add_fault(FaultRule::new("DELETE", "/org/*", denied()).times(2));
        let both = [world.post(&Leaver::of("ann@example.com")).await, world.post(&Leaver::of("bob@example.com")).await];
        for id in &both {
            assert!(matches!(world.until_it_rests(id, WEEK).await.state, State::Failed { .. }));
        }
        for id in &both {
            world.operator(id, Event::Retried).await;
        }

        let mut ends = Vec::new();
        for id in &both {
            ends.push(world.until_it_rests(id, WEEK).await);
        }

        assert_eq!(deleted_spaces(&world), 0, "preview {preview}");
        let held: Vec<&Offboarding> = ends.iter().filter(|end| end.state.status() != REMOVED).collect();
        assert_eq!(held.len(), 1, "one of them, whoever comes first, is removed");
        assert_eq!(held_for(held[0]), [HoldCode::SpaceWouldBeDeleted]);
    }
}

#[tokio::test]
async fn who_is_still_in_a_space_that_let_nobody_go_is_not_said_to_be_gone() {
    // The guide's Podio refuses to let a space's last admin go, and ends no space with the organization.
    let population = Population::new(7).last_admin("Ada Steward", LAST_ADMIN);
    let mut world = world(Config { population, ..Config::new(Profile::Guide) }, (250, 3600)).await;
    let id = world.post(&Leaver::of(LAST_ADMIN)).await;
    let held = world.until_it_rests(&id, WEEK).await;
    assert_eq!(held_for(&held), [HoldCode::SpaceWouldLoseItsAdmin]);
    world.approve(&id).await;
    let stuck = world.until_it_rests(&id, WEEK).await;
    let State::Failed { failure, .. } = &stuck.state else { panic!("{:?}", stuck.state) };
    assert_eq!(failure.code, FailureCode::StillAMember);

    // The operator does what the failure asks for.
    let ada = world.podio.with_state(|state| state.person_by_mail(LAST_ADMIN)).unwrap();
    let now = world.clock.read();
    world.podio.with_state(|state| {
        for space in state.spaces_of_member(ORG_ID, ada) {
            let other = state.spaces[&space].active_members().map(|(user, _)| user).find(|user| *user != ada).unwrap();
            state.set_space_role(space, other, SpaceRole::Admin);
            state.remove_from_space(now, space, &[ada]).unwrap();
        }
    });
    world.operator(&id, Event::Retried).await;
    assert_eq!(world.until_it_rests(&id, WEEK).await.state.status(), REMOVED);
}

#[tokio::test]
async fn the_service_does_not_remove_itself_where_podio_does_not_say_who_it_is() {
    let population = Population::new(7).org_admin("Olga Other", "olga@example.com");
    let mut world = world(Config { population, ..Config::new(Profile::Guide) }, (250, 3600)).await;
    let id = world.post(&Leaver::of(ACTING_ADMIN)).await;
    let held = world.until_it_rests(&id, WEEK).await;
    assert!(held_for(&held).contains(&HoldCode::ActingAdmin));
    assert_eq!(world.deletes().len(), 0);
}

#[tokio::test]
async fn a_message_that_two_workers_have_at_once_spends_one_slot() {
    let quota = Quota { limit: 20, general_limit: None, window_seconds: 20, ..Quota::of(Profile::Documented) };
    let population = Population::new(5).members(100).spaces(70).leaver("Jane Doe", LEAVER, 60);
    let mut world = world(Config { population, quota, ..Config::new(Profile::Documented) }, (20, 20)).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    // Time passes only when there is nothing to do: the first twenty calls are made, and every other message has a slot
    // to wait for.
    let start = world.clock.read();
    world.pass(WEEK, async |world| (world.clock.read() > start).then_some(())).await;
    world.deliver_everything_twice();
    let done = world.until_it_rests(&id, WEEK).await;
    assert_eq!(done.state.status(), REMOVED);
    assert_eq!(world.rejections(), 0);
    let jane = UserId(world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap().0);
    assert_eq!(world.spaces_of(jane), []);
}

#[tokio::test]
async fn a_slow_podio_does_not_make_a_plan_outlast_its_function() {
    let population = Population::new(9).members(60).spaces(150).leaver("Jane Doe", LEAVER, 12);
    let mut world = world(Config { population, ..Config::new(Profile::Guide) }, (1000, 3600)).await;
    world.clock.slow_down(SignedDuration::from_secs(1));
    let id = world.post(&Leaver::of(LEAVER)).await;
    let done = world.until_it_rests(&id, WEEK).await;
    assert_eq!(done.state.status(), REMOVED);
    let longest = world.longest_run();
    assert!(longest < SignedDuration::from_secs(45), "a worker was busy for {longest:#}");
    assert!(world.calls() < 200, "{} calls: nothing is done again", world.calls());
}
