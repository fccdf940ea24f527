//! The quota: used to the full, never beyond.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_engine::{ports::QuotaRecord, quota::Ceiling};
use podio_lifecycle::{
    ids::OffboardingId,
    offboarding::{Outcome, Status},
};
use podio_sandbox::{Config, FaultAction, FaultRule, Population, Profile, Quota, WindowModel, population::LEAVER};
use stories::{Fleet, Leaver, Setup, Staff, World, settled_of};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const REMOVED: Status = Status::Completed(Outcome::Removed);

fn tight(model: WindowModel) -> Quota {
    Quota { limit: 20, general_limit: None, window_seconds: 20, model, ..Quota::of(Profile::Documented) }
}

/// Five leavers in twelve spaces each.
fn department() -> (Population, Vec<String>) {
    let mails: Vec<String> = (0..5).map(|n| format!("leaver{n}@example.com")).collect();
    let population = Population::new(5).members(100).spaces(30);
    (mails.iter().fold(population, |population, mail| population.leaver("Somebody", mail, 12)), mails)
}

#[tokio::test]
async fn sixty_removals_at_twenty_calls_in_twenty_seconds_meet_no_420() {
    for model in [WindowModel::Fixed, WindowModel::FirstCall, WindowModel::Sliding] {
        let (population, mails) = department();
        let podio = Config { population, quota: tight(model), ..Config::new(Profile::Documented) };
        let mut world = World::new(Setup { podio, ceiling: (20, 20), mass_threshold: 25 }).await;
        let mut ids = Vec::new();
        for mail in &mails {
            ids.push(world.post(&Leaver::of(mail)).await);
        }
        let start = world.clock.read();
        for id in &ids {
            let done = world.until_it_rests(id, HOUR).await;
            assert_eq!(done.state.status(), REMOVED, "{model:?}");
            assert_eq!(settled_of(&done).removed, 12);
        }
        assert_eq!(world.rejections(), 0, "{model:?}");
        assert!(world.most_receives() <= 1, "a message was received {} times under {model:?}", world.most_receives());
        let calls = world.calls();
        assert!(calls <= 5 * 17, "{calls}, fewer where two leave a space together");
        // 85 calls are four full windows and a rest; a slot of a window and a margin each.
        let took = world.clock.read().duration_since(start);
        assert!(took <= SignedDuration::from_secs(22 * 5), "{calls} calls took {took:#}");
    }
}

#[tokio::test]
async fn a_420_of_somebody_elses_making_is_waited_out_without_counting_as_a_failure() {
    for wait_seconds in [Some(300), None] {
        let podio = Config {
            population: Population::new(2).spaces(30).leaver("Jane Doe", LEAVER, 12),
            ..Config::new(Profile::Documented)
        };
        let mut world = World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await;
        let id = world.post(&Leaver::of(LEAVER)).await;
        world.podio.add_fault(FaultRule::new("DELETE", "/space/*", FaultAction::RateLimit { wait_seconds }).times(1));
        let start = world.clock.read();

        let done = world.until_it_rests(&id, HOUR * 3).await;

        assert_eq!(done.state.status(), REMOVED);
        let (quota, _) = world.store.read().await.unwrap();
        assert_eq!(quota.rejections, 1);
        let waited = world.clock.read().duration_since(start);
        assert!(waited >= SignedDuration::from_secs(wait_seconds.unwrap_or(3600).try_into().unwrap()), "{waited:#}");
        assert!(world.spaces(&id).await.iter().all(|space| space.faults == 0));
    }
}

/// One worker, and a leaver whose 28 spaces take two windows of twenty calls; somebody else was seen to spend in the first.
async fn beside_others(window: i64) -> (Fleet, OffboardingId) {
    let population = Population::new(2).spaces(30).leaver("Jane Doe", LEAVER, 28);
    let podio = Config { population, ..Config::new(Profile::Documented) };
    let setup = Setup { podio, ceiling: (20, window), mass_threshold: 25 };
    let latency = SignedDuration::from_millis(300);
    let staff = Staff { clocks: vec![SignedDuration::ZERO], latency, crashes: Vec::new() };
    let mut fleet = Fleet::new(setup, staff).await;
    fleet.world.podio.with_state(|state| state.switches.rate_limit_headers = podio_sandbox::switches::Part::Absent);
    fleet.world.podio.add_fault(refusal().times(1));
    let id = fleet.world.post(&Leaver::of(LEAVER)).await;
    fleet.run(fleet.world.clock.read() + SignedDuration::from_secs(window / 2), |_| false).await;
    assert_eq!(fleet.world.look(&id).await.state.status(), Status::Removing, "it waits for the next window");
    assert_eq!(refused(&fleet.world), 1);
    (fleet, id)
}

fn refusal() -> FaultRule {
    FaultRule::new("DELETE", "/space/*", FaultAction::RateLimit { wait_seconds: Some(60) })
}

fn refused(world: &World) -> usize {
    world.podio.log().iter().filter(|call| call.status == Some(420)).count()
}

#[tokio::test]
async fn while_others_spend_one_call_finds_out_whether_anything_is_left() {
    let (mut fleet, id) = beside_others(3600).await;
    // By the time that the next ten spaces have their turn, side by side, others have spent that hour.
    fleet.world.podio.add_fault(refusal().times(10));
    let start = fleet.world.clock.read();
    assert!(fleet.run(start + HOUR * 2, |world| refused(world) > 1).await);
    fleet.run(fleet.world.clock.read() + SignedDuration::from_secs(30), |_| false).await;

    assert_eq!(refused(&fleet.world), 2, "the others waited for its answer");
    fleet.world.podio.clear_faults();
    fleet.run(start + HOUR * 9, |_| false).await;
    assert_eq!(fleet.world.look(&id).await.state.status(), REMOVED);
}

#[tokio::test]
async fn whoever_missed_a_slot_while_another_found_out_takes_a_new_one() {
    let (mut fleet, id) = beside_others(600).await;
    fleet.run(fleet.world.clock.read() + SignedDuration::from_secs(290), |_| false).await;
    let silent = FaultAction::Timeout { seconds: worker::FIRST_PATIENCE.as_secs(), after_effect: true };
    fleet.world.podio.add_fault(FaultRule::new("DELETE", "/space/*", silent).times(1));
    let start = fleet.world.clock.read();
    let mut booked = std::collections::BTreeSet::new();
    for second in 0..900 {
        let (quota, _) = fleet.world.store.read().await.unwrap();
        booked.extend(quota.moments.values().flat_map(|moments| moments.all().collect::<Vec<_>>()));
        fleet.run(start + SignedDuration::from_secs(second), |_| false).await;
    }

    assert_eq!(fleet.world.look(&id).await.state.status(), REMOVED);
    let ceiling = Ceiling::new(20, SignedDuration::from_mins(10)).unwrap();
    for call in fleet.world.podio.log().iter().filter(|call| call.time > start) {
        let slot = *booked.range(..=call.time).next_back().unwrap();
        booked.remove(&slot);
        assert!(call.time.duration_since(slot) <= ceiling.margin(), "{} {} without a slot", call.method, call.path);
    }
}

#[tokio::test]
async fn the_token_is_fetched_once_for_all_and_once_more_when_it_is_revoked() {
    let podio = Config {
        population: Population::new(2).spaces(30).leaver("Jane Doe", LEAVER, 12),
        ..Config::new(Profile::Documented)
    };
    let mut world = World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.pass(HOUR, async |world| (world.deletes().len() >= 10).then_some(())).await;
    world.podio.with_state(|state| state.tokens.revoke_access_tokens());

    assert_eq!(world.until_it_rests(&id, HOUR).await.state.status(), REMOVED);
    let token_calls = world.podio.log().iter().filter(|call| call.path.starts_with("/oauth/token")).count();
    assert_eq!(token_calls, 2);
}

#[tokio::test]
async fn ten_removals_take_one_write_to_dispatch_and_one_to_tell_of() {
    let podio = Config {
        population: Population::new(2).spaces(30).leaver("Jane Doe", LEAVER, 10),
        ..Config::new(Profile::Documented)
    };
    let mut world = World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await;
    world.podio.with_state(|state| state.switches.rate_limit_headers = podio_sandbox::switches::Part::Absent);
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.pass(HOUR, async |world| (world.look(&id).await.state.status() == Status::Removing).then_some(())).await;
    let (_, before) = world.store.read().await.unwrap();
    world.pass(HOUR, async |world| (world.deletes().len() == 10).then_some(())).await;
    let (_, after) = world.store.read().await.unwrap();
    assert!(after - before <= 2, "{} writes", after - before);
}
