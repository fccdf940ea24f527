//! The token that all workers share: who renews it, and what becomes of the jobs while nobody can.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    credentials::{LEASE, TokenRecord},
    ids::OffboardingId,
    offboarding::{Outcome, Status},
    ports::Credentials,
};
use podio_sandbox::{Call, Config, ErrorBody, FaultAction, FaultRule, Population, Profile};
use stories::{Leaver, Setup, World};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const REMOVED: Status = Status::Completed(Outcome::Removed);

fn mail(n: usize) -> String {
    format!("leaver{n}@example.com")
}

/// A world with that many leavers in three spaces each.
async fn world(leavers: usize) -> World {
    let population = Population::new(3).members(50).spaces(12);
    let population = (0..leavers).fold(population, |population, n| population.leaver("Somebody", &mail(n), 3));
    let podio = Config { population, ..Config::new(Profile::Documented) };
    World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await
}

async fn post(world: &World, leavers: std::ops::Range<usize>) -> Vec<OffboardingId> {
    let mut ids = Vec::new();
    for n in leavers {
        ids.push(world.post(&Leaver::of(&mail(n))).await);
    }
    ids
}

fn token_calls(world: &World) -> Vec<Call> {
    world.podio.log().into_iter().filter(|call| call.path.starts_with("/oauth/token")).collect()
}

async fn step_until(world: &mut World, moment: Timestamp) {
    while world.clock.read() < moment {
        world.step().await;
    }
}

/// Another worker has taken the right to renew.
async fn somebody_else_renews(world: &World, until: Timestamp) {
    let record = TokenRecord { leased_until: Some(until), ..TokenRecord::empty("stories") };
    world.credentials.save(&record).await.unwrap();
}

#[tokio::test]
async fn a_refused_token_is_not_used_again_while_the_token_endpoint_is_blocked() {
    let mut world = world(4).await;
    let first = post(&world, 0..1).await.remove(0);
    assert_eq!(world.until_it_rests(&first, DAY).await.state.status(), REMOVED);
    let renewals = token_calls(&world).len();
    world.podio.with_state(|state| state.tokens.revoke_access_tokens());
    let blocked = FaultAction::RateLimit { wait_seconds: Some(1200) };
    world.podio.add_fault(FaultRule::new("POST", "/oauth/token*", blocked).times(1));

    let mut late = post(&world, 1..2).await;
    world.pass(DAY, async |world| (token_calls(world).len() > renewals).then_some(())).await;
    let calls = world.calls();
    let until = token_calls(&world)[renewals].time + SignedDuration::from_secs(1200);
    for n in 2..4 {
        late.extend(post(&world, n..n + 1).await);
        let next = world.clock.read() + SignedDuration::from_mins(8);
        step_until(&mut world, next).await;
    }
    assert!(world.clock.read() < until);
    assert_eq!(world.calls(), calls, "a call with a token that Podio refuses is a call wasted");
    assert_eq!(token_calls(&world).len(), renewals + 1);

    for id in late {
        let done = world.until_it_rests(&id, DAY).await;
        assert_eq!(done.state.status(), REMOVED);
    }
    assert!(token_calls(&world)[renewals + 1].time >= until, "the block was sat out");
}

#[tokio::test]
async fn all_jobs_of_an_event_step_aside_at_once_while_somebody_else_renews() {
    let mut world = world(10).await;
    let start = world.clock.read();
    let until = start + SignedDuration::from_secs(40);
    somebody_else_renews(&world, until).await;
    let ids = post(&world, 0..10).await;

    world.step().await;

    assert_eq!(world.clock.read(), start, "nobody waits in the function");
    for id in &ids {
        let done = world.until_it_rests(id, DAY).await;
        assert_eq!(done.state.status(), REMOVED);
    }
    let asked: Vec<Timestamp> = token_calls(&world).iter().map(|call| call.time).collect();
    let [asked] = asked[..] else { panic!("{asked:?}") };
    assert!(asked >= until && asked <= until + SignedDuration::from_secs(1), "{asked}, and the lease ended at {until}");
}

#[tokio::test]
async fn a_token_that_somebody_else_has_renewed_is_used_at_once_not_when_the_lease_ends() {
    let mut world = world(3).await;
    let start = world.clock.read();
    somebody_else_renews(&world, start + LEASE).await;
    let ids = post(&world, 0..3).await;
    world.step().await;

    // The other one is done, a moment later.
    let record = world.credentials.load().await.unwrap().unwrap();
    world.credentials.save(&TokenRecord { leased_until: None, ..record }).await.unwrap();
    for id in ids {
        assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), REMOVED);
    }

    let asked = token_calls(&world)[0].time;
    assert!(asked < start + SignedDuration::from_secs(5), "{asked}, and the lease began at {start}");
}

#[tokio::test]
async fn a_lease_about_to_end_is_waited_for_in_the_function() {
    let mut world = world(3).await;
    let until = world.clock.read() + SignedDuration::from_millis(1_400);
    somebody_else_renews(&world, until).await;
    let ids = post(&world, 0..3).await;
    for id in ids {
        assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), REMOVED);
    }
    assert_eq!(world.most_receives(), 1);
    let [call] = &token_calls(&world)[..] else { panic!("one renewal is enough") };
    assert!(call.time >= until);
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_is_waited_for_and_asked_once_for_all() {
    let mut world = world(10).await;
    let down = FaultAction::Error { status: 503, body: ErrorBody::Html, after_effect: false };
    world.podio.add_fault(FaultRule::new("POST", "/oauth/token*", down));
    let ids = post(&world, 0..10).await;

    world.pass(DAY, async |world| (!token_calls(world).is_empty()).then_some(())).await;

    assert_eq!(token_calls(&world).len(), 1);
    for id in &ids {
        let offboarding = world.look(id).await;
        assert_eq!((offboarding.state.stage().is_some(), offboarding.state.work().faults), (true, 1));
    }
    let end = world.clock.read() + DAY;
    world.pass(DAY * 2, async |world| (world.clock.read() >= end).then_some(())).await;
    assert_eq!(world.calls(), 0, "nothing was asked without a token");
    world.podio.clear_faults();
    for id in &ids {
        assert_eq!(world.until_it_rests(id, DAY).await.state.status(), REMOVED);
    }
}
