//! Two requests for one person, before the first one has begun.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a scenario stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::{
    offboarding::{ActKind, Offboarding, Outcome, State, Status},
    ports::ReadOffboardings,
};
use podio_sandbox::{Config, Population, Profile, population::LEAVER};
use stories::{Leaver, Setup, World};

const DAY: SignedDuration = SignedDuration::from_hours(24);

async fn world() -> World {
    let population = Population::new(2).members(20).spaces(8).leaver("Jane Doe", LEAVER, 3);
    let podio = Config { population, ..Config::new(Profile::Documented) };
    World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await
}

fn in_days(world: &World, leaver: Leaver, days: i64) -> Leaver {
    let mut leaver = leaver;
    leaver.request.effective_at = Some(world.clock.read() + DAY * i32::try_from(days).unwrap());
    leaver
}

fn jane(world: &World) -> Leaver {
    Leaver::user(world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap().0)
}

fn was_removed(offboarding: &Offboarding) {
    assert_eq!(offboarding.state.status(), Status::Completed(Outcome::Removed));
}

#[tokio::test]
async fn a_dismissal_today_overtakes_a_resignation_next_month() {
    let mut world = world().await;
    let scheduled = world.post(&in_days(&world, Leaver::of(LEAVER), 30)).await;
    assert_eq!(world.post(&Leaver::of(LEAVER)).await, scheduled);
    was_removed(&world.until_it_rests(&scheduled, SignedDuration::from_hours(2)).await);
    assert_eq!(world.store.list(&Default::default(), 10, None).await.unwrap().offboardings.len(), 1);
}

#[tokio::test]
async fn a_dismissal_by_address_overtakes_a_resignation_by_id() {
    let mut world = world().await;
    let scheduled = world.post(&in_days(&world, jane(&world), 30)).await;
    let today = world.post(&Leaver::of(LEAVER)).await;
    assert_ne!(today, scheduled, "only planning finds out that it is the same person");
    let duplicate = world.until_it_rests(&today, SignedDuration::from_hours(2)).await;
    let State::Cancelled { duplicate_of, .. } = &duplicate.state else { panic!("{:?}", duplicate.state) };
    assert_eq!(duplicate_of.as_ref(), Some(&scheduled));
    let done = world.until_it_rests(&scheduled, SignedDuration::from_hours(2)).await;
    was_removed(&done);
    assert!(done.acts.iter().any(|act| act.event == ActKind::Merged));
}

#[tokio::test]
async fn a_day_that_is_moved_back_stops_a_plan_until_then() {
    let mut world = world().await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    assert_eq!(world.post(&in_days(&world, Leaver::of(LEAVER), 3)).await, id);
    let day = world.clock.read() + DAY * 3;
    while world.clock.read() < day - SignedDuration::from_mins(2) {
        assert_eq!(world.look(&id).await.state.status(), Status::Scheduled);
        world.step().await;
    }
    assert_eq!(world.deletes().len(), 0, "nobody is removed before the day");
    let done = world.until_it_rests(&id, DAY).await;
    was_removed(&done);
    let acts: Vec<_> = done.acts.iter().map(|act| act.event).collect();
    assert_eq!(acts, [ActKind::Requested, ActKind::Merged, ActKind::Started]);
}
