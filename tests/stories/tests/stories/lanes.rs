//! Who goes first: plans before a backlog of removals, and calls of another ceiling before both.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    ids::OffboardingId,
    offboarding::{Event, Outcome, State},
    ports::QuotaLog,
    quota::Ceiling,
};
use podio_sandbox::{
    Config, Population, Profile, Quota, WindowModel,
    population::LEAVER,
    switches::{Exhaustion, HeavyRoutes},
};
use stories::{Leaver, Setup, World};

const LIMIT: u32 = 50;
/// Seconds. Its margin is longer than a batch, since the clock of these stories lets a call that is on its way wait while
/// its neighbours sleep.
const WINDOW: i64 = 1_000;
const DAY: SignedDuration = SignedDuration::from_hours(24);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const PLANNED: State = State::Completed { outcome: Outcome::Planned };
const REMOVED: State = State::Completed { outcome: Outcome::Removed };

fn quota(general_limit: Option<u32>) -> Quota {
    Quota {
        limit: LIMIT,
        general_limit,
        window_seconds: u32::try_from(WINDOW).unwrap(),
        model: WindowModel::Sliding,
        ..Quota::of(Profile::Documented)
    }
}

/// A world with a backlog of leavers, and one more person who is in no hurry to leave.
async fn backlog(quota: Quota, leavers: u64) -> (World, Vec<OffboardingId>) {
    let mails: Vec<String> = (0..leavers).map(|n| format!("leaver{n}@example.com")).collect();
    let population = Population::new(5).members(100).spaces(400).leaver("Jane Doe", LEAVER, 12);
    let population = mails.iter().fold(population, |population, mail| population.leaver("Somebody", mail, 12));
    let mut podio = Config { population, quota, ..Config::new(Profile::Documented) };
    podio.switches.heavy_routes = HeavyRoutes::Removals;
    podio.switches.exhaustion = Exhaustion::BlocksBucket;
    let mut world = World::new(Setup { podio, ceiling: (LIMIT, WINDOW), mass_threshold: 100 }).await;
    let mut ids = Vec::new();
    for mail in &mails {
        ids.push(world.post(&Leaver::of(mail)).await);
    }
    // The plans are made, and what is left is spread by now.
    world.pass(DAY, async |world| (world.deletes().len() >= 120).then_some(())).await;
    (world, ids)
}

/// How long a rehearsal takes whose plan is wanted now.
async fn rehearse(world: &mut World) -> SignedDuration {
    let mut leaver = Leaver::of(LEAVER);
    leaver.request.dry_run = true;
    let start: Timestamp = world.clock.read();
    let id = world.post(&leaver).await;
    assert_eq!(world.until_it_rests(&id, HOUR).await.state, PLANNED);
    world.clock.read().duration_since(start)
}

#[tokio::test]
async fn a_plan_is_not_stuck_behind_a_backlog_of_removals() {
    let (mut world, ids) = backlog(quota(None), 30).await;

    let took = rehearse(&mut world).await;

    // Two calls, each the next there is.
    assert!(took <= SignedDuration::from_secs(WINDOW * 3 / 2), "{took:#} with nine windows full of removals waiting");
    for id in &ids {
        assert_eq!(world.until_it_rests(id, DAY).await.state, REMOVED, "nobody is forgotten who had to step back");
    }
    assert_eq!(world.rejections(), 0);
    assert!(world.most_receives() <= 2, "{}", world.most_receives());
}

#[tokio::test]
async fn calls_of_the_general_ceiling_do_not_wait_behind_the_heavy_one() {
    let (mut world, ids) = backlog(quota(Some(200)), 30).await;
    let (known, _) = world.store.read().await.unwrap();
    let limit = |route: &str| known.routes.get(route).map(|lesson| lesson.limit);
    assert_eq!(
        limit("GET /org/{org_id}/member/{user_id}/end_member_info"),
        Some(200),
        "as the headers say: {:?}",
        known.routes
    );

    let took = rehearse(&mut world).await;

    // No longer than the only worker is busy with the batch before.
    assert!(took <= SignedDuration::from_secs(2), "{took:#}");
    for id in &ids {
        assert_eq!(world.until_it_rests(id, DAY).await.state, REMOVED);
    }
    assert_eq!(world.rejections(), 0);
}

#[tokio::test]
async fn what_a_cancelled_plan_waited_for_goes_to_whoever_is_next() {
    // Given five calls an hour, which somebody's removal has spent.
    let leaver = "leaver0@example.com";
    let population = Population::new(5).members(20).spaces(40).leaver("Jane Doe", LEAVER, 3).leaver("Joe", leaver, 12);
    let podio = Config { population, ..Config::new(Profile::Documented) };
    let mut world = World::new(Setup { podio, ceiling: (5, 3600), mass_threshold: 100 }).await;
    let other = world.post(&Leaver::of(leaver)).await;
    world.pass(DAY, async |world| (!world.deletes().is_empty()).then_some(())).await;
    let plan = world.post(&Leaver::of(LEAVER)).await;
    let slot = world.pass(HOUR, async |world| world.look(&plan).await.work.slots.first().copied()).await;
    let ceiling = Ceiling::new(5, SignedDuration::from_secs(3600)).unwrap();
    let waiting = async |world: &World| {
        let (known, _) = world.store.read().await.unwrap();
        known.log(ceiling).waiting(world.clock.read())
    };
    let before = waiting(&world).await;

    world.operator(&plan, Event::Cancelled).await;
    world.pass(HOUR, async |world| world.look(&plan).await.work.slots.is_empty().then_some(())).await;

    assert!(slot.0 > world.clock.read(), "long before they would have come");
    assert!(waiting(&world).await < before, "nobody holds them any more");
    assert_eq!(world.until_it_rests(&other, DAY).await.state, REMOVED);
}
