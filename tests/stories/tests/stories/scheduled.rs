//! Who a scheduled offboarding is about is found out soon, and nobody else is removed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::{
    hold::HoldCode,
    offboarding::{Outcome, State, Status},
};
use podio_sandbox::{
    Config, ErrorBody, FaultAction, FaultRule, Population, Profile, UserId,
    population::{LEAVER, ORG_ID},
};
use stories::{Leaver, Setup, World};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const BOTH: [Profile; 2] = [Profile::Guide, Profile::Documented];

async fn world(profile: Profile) -> World {
    let population = Population::new(4).members(30).spaces(6).leaver("Jane Doe", LEAVER, 3);
    let podio = Config { population, ..Config::new(profile) };
    World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await
}

fn later(world: &World, leaver: Leaver, wait: SignedDuration) -> Leaver {
    let mut leaver = leaver;
    leaver.request.effective_at = Some(world.clock.read() + wait);
    leaver
}

fn jane(world: &World) -> UserId {
    world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap()
}

fn is_member(world: &World, user: UserId) -> bool {
    world.podio.with_state(|state| state.org_member(ORG_ID, user).is_some())
}

/// Jane's account gets another address, and hers is given to somebody new.
fn give_the_address_away(world: &World, jane: UserId) -> UserId {
    let now = world.clock.read();
    world.podio.with_state(|state| {
        state.people.get_mut(&jane).unwrap().mail = "jane.smith@example.com".to_owned();
        let joiner = state.create_person(now, "Joe New", LEAVER);
        state.join_org(now, ORG_ID, joiner);
        joiner
    })
}

#[tokio::test]
async fn whoever_has_the_address_by_then_stays_and_who_had_it_leaves() {
    for profile in BOTH {
        for wait in [MINUTE, DAY * 3] {
            let mut world = world(profile).await;
            let jane = jane(&world);
            let id = world.post(&later(&world, Leaver::of(LEAVER), wait)).await;
            let known = world.pass(DAY, async |world| world.look(&id).await.state.leaver().cloned()).await;
            assert_eq!(known.user_id.0, jane.0, "found out long before the day");
            assert_eq!(world.look(&id).await.state.status(), Status::Scheduled);
            let joiner = give_the_address_away(&world, jane);

            let end = world.clock.read() + wait + DAY;
            let done = world.pass(wait + DAY * 2, async |world| {
                let offboarding = world.look(&id).await;
                (offboarding.state.is_final() || world.clock.read() > end).then_some(offboarding)
            });

            assert_eq!(done.await.state.outcome(), Some(Outcome::Removed), "{profile:?}");
            assert!(is_member(&world, joiner), "{profile:?}");
            assert!(!is_member(&world, jane), "{profile:?}");
        }
    }
}

#[tokio::test]
async fn an_address_that_nobody_has_is_a_warning_at_once_and_looked_up_again_on_the_day() {
    let mut world = world(Profile::Documented).await;
    let id = world.post(&later(&world, Leaver::of("new.hire@example.com"), DAY)).await;
    let warning = world.pass(DAY, async |world| match &world.look(&id).await.state {
        State::Scheduled(it) => it.warning.clone(),
        other => panic!("{other:?}"),
    });
    assert_eq!(warning.await.code, HoldCode::PersonUnknown);

    let now = world.clock.read();
    let hired = world.podio.with_state(|state| {
        let user = state.create_person(now, "New Hire", "new.hire@example.com");
        state.join_org(now, ORG_ID, user);
        user
    });
    world.pass(DAY * 3, async |world| world.look(&id).await.state.is_final().then_some(())).await;
    assert_eq!(world.look(&id).await.state.outcome(), Some(Outcome::Removed));
    assert!(!is_member(&world, hired));
}

#[tokio::test]
async fn a_podio_that_is_down_before_the_day_delays_nothing_and_fails_nothing() {
    let mut world = world(Profile::Documented).await;
    let down = FaultAction::Error { status: 503, body: ErrorBody::Html, after_effect: false };
    world.podio.add_fault(FaultRule::new("GET", "/org/", down));
    let id = world.post(&later(&world, Leaver::of(LEAVER), DAY * 2)).await;
    let morning = world.clock.read() + DAY * 2 - MINUTE * 30;
    world.pass(DAY * 3, async |world| (world.clock.read() > morning).then_some(())).await;
    assert_eq!(world.look(&id).await.state.status(), Status::Scheduled);

    world.podio.with_state(|state| state.faults.clear());
    world.pass(DAY, async |world| world.look(&id).await.state.is_final().then_some(())).await;
    assert_eq!(world.look(&id).await.state.outcome(), Some(Outcome::Removed));
}

#[tokio::test]
async fn somebody_who_is_asked_for_by_address_and_by_id_is_scheduled_once() {
    let mut world = world(Profile::Documented).await;
    let jane = jane(&world);
    let by_mail = world.post(&later(&world, Leaver::of(LEAVER), DAY * 5)).await;
    world.pass(DAY, async |world| world.look(&by_mail).await.state.leaver().cloned()).await;
    let by_id = world.post(&later(&world, Leaver::user(jane.0), DAY * 3)).await;
    assert_eq!(by_id, by_mail, "who it is, is known by now");
    assert_eq!(world.look(&by_mail).await.state.status(), Status::Scheduled);
}
