//! What waits for a person is counted until the person has seen to it, so that an alarm can ring.
#![allow(clippy::unwrap_used, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::{
    offboarding::{Event, Failure, FailureCode},
    ports::Metric,
};
use podio_sandbox::{
    Config, Population, Profile,
    population::{LEAVER, SOLE_MEMBER},
};
use stories::{Leaver, Setup, World};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

async fn world() -> World {
    let population = Population::new(7).leaver("Jane Doe", LEAVER, 3).sole_member("Solomon Lone", SOLE_MEMBER);
    let podio = Config { population, ..Config::new(Profile::Documented) };
    World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await
}

/// Lets that much time pass, with a sweep in each minute of it; how often something was counted meanwhile.
async fn counted_in(world: &mut World, time: SignedDuration, metric: Metric) -> u64 {
    let before = world.counted(metric);
    let end = world.clock.read() + time;
    world.pass(time + HOUR, async |world| (world.clock.read() >= end).then_some(())).await;
    world.counted(metric) - before
}

#[tokio::test]
async fn a_hold_is_told_of_at_once_and_until_somebody_decides() {
    let mut world = world().await;
    let id = world.post(&Leaver::of(SOLE_MEMBER)).await;
    world.until_it_rests(&id, DAY).await;

    let in_an_hour = counted_in(&mut world, HOUR, Metric::Held).await;
    assert!((59..=61).contains(&in_an_hour), "one in each minute, not {in_an_hour}");

    world.operator(&id, Event::Cancelled).await;
    assert_eq!(counted_in(&mut world, HOUR, Metric::Held).await, 0);
    assert_eq!(world.counted(Metric::FailedOffboardings), 0);
}

#[tokio::test]
async fn a_failure_is_told_of_at_once_and_until_somebody_retries() {
    let mut world = world().await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    let failure = Failure { code: FailureCode::MissingRights, detail: "A right is missing.".to_owned() };
    world.operator(&id, Event::Failed(failure)).await;

    let in_an_hour = counted_in(&mut world, HOUR, Metric::FailedOffboardings).await;
    assert!((59..=61).contains(&in_an_hour), "one in each minute, not {in_an_hour}");

    world.operator(&id, Event::Retried).await;
    world.until_it_rests(&id, DAY).await;
    assert_eq!(counted_in(&mut world, HOUR, Metric::FailedOffboardings).await, 0);
    assert_eq!(world.counted(Metric::Held), 0);
}
