//! Nothing is removed while a person has paused the service; everything goes on once it is resumed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::{
    actor::Actor,
    offboarding::{Outcome, Status},
    pause::PauseEvent,
    ports::{ReadPause, WakeWorker, WritePause},
};
use podio_sandbox::{Config, Population, Profile, population::LEAVER};
use stories::{Leaver, Setup, World};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const SPACES: usize = 12;

async fn world(ceiling: u32) -> World {
    let population = Population::new(4).members(30).spaces(20).leaver("Jane Doe", LEAVER, SPACES);
    let podio = Config { population, ..Config::new(Profile::Documented) };
    World::new(Setup { podio, ceiling: (ceiling, 3600), mass_threshold: 25 }).await
}

async fn decide(world: &World, event: PauseEvent) {
    let stored = world.store.pause().await.unwrap();
    let now = world.clock.read();
    world.store.save_pause(&stored.decided(event, Actor::schedule(), None, now).unwrap()).await.unwrap();
    world.jobs.wake().await.unwrap();
}

async fn pass(world: &mut World, time: SignedDuration) {
    let end = world.clock.read() + time;
    world.pass(time + HOUR, async |world| (world.clock.read() >= end).then_some(())).await;
}

#[tokio::test]
async fn somebody_posted_during_a_pause_is_planned_and_waits() {
    let mut world = world(250).await;
    decide(&world, PauseEvent::Paused).await;
    let id = world.post(&Leaver::of(LEAVER)).await;

    pass(&mut world, HOUR * 5).await;

    assert_eq!(world.look(&id).await.state.status(), Status::Removing);
    assert_eq!(world.deletes().len(), 0);
    let calls = world.podio.log().len();
    assert!(calls < 10, "waiting costs no calls, not {calls}");

    decide(&world, PauseEvent::Resumed).await;
    let done = world.until_it_rests(&id, HOUR).await;
    assert_eq!(done.state.status(), Status::Completed(Outcome::Removed));
}

#[tokio::test]
async fn a_pause_in_mid_flight_stops_the_spaces_and_the_organization() {
    // Given a quota that lets a few spaces go in each hour.
    let mut world = world(6).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.pass(HOUR * 10, async |world| (world.deletes().len() >= 3).then_some(())).await;

    decide(&world, PauseEvent::Paused).await;
    let before = world.deletes().len();
    pass(&mut world, HOUR * 24).await;
    assert_eq!(world.deletes().len(), before);

    decide(&world, PauseEvent::Resumed).await;
    let done = world.until_it_rests(&id, HOUR * 24).await;
    assert_eq!(done.state.status(), Status::Completed(Outcome::Removed));
    assert_eq!(world.deletes().len(), SPACES + 1);
}
