//! Many leavers at once: each finds a place that leaves room for whoever comes a little later.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::{
    ids::OffboardingId,
    work::{JobId, Priority, Waiting},
};
use podio_sandbox::{Config, Population, Profile};
use stories::{Leaver, Setup, World};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Leavers of an hour that are believed.
const BELIEVED: usize = 4;

fn mail(n: usize) -> String {
    format!("leaver{n}@example.com")
}

/// A company of which so many may leave, each out of one space.
async fn world(leavers: usize, limit: u32, mass_threshold: usize) -> World {
    let company = (0..leavers).fold(Population::new(3), |company, n| company.leaver("Somebody", &mail(n), 1));
    let podio = Config { population: company, ..Config::new(Profile::Documented) };
    World::new(Setup { podio, ceiling: (limit, 3_600), mass_threshold }).await
}

/// Posts those at once.
async fn post(world: &World, leavers: std::ops::Range<usize>) -> Vec<OffboardingId> {
    let mut ids = Vec::new();
    for n in leavers {
        ids.push(world.post(&Leaver::of(&mail(n))).await);
    }
    ids
}

/// Whether each of them was taken for one of a crowd, in the end.
async fn crowds(world: &mut World, ids: &[OffboardingId]) -> Vec<bool> {
    let mut crowds = Vec::new();
    for id in ids {
        crowds.push(world.until_it_rests(id, DAY).await.crowd);
    }
    crowds
}

async fn wait(world: &mut World, time: SignedDuration) {
    let end = world.clock.read() + time;
    world.pass(time + HOUR, async |world| (world.clock.read() >= end).then_some(())).await;
}

fn job(world: &World, id: &OffboardingId) -> Option<Waiting> {
    let id = JobId::new(JobId::OFFBOARDING, id);
    world.waiting().into_iter().find(|job| job.job == id)
}

#[tokio::test]
async fn who_comes_after_a_crowd_is_none_of_it() {
    let mut world = world(8, 250, BELIEVED).await;
    let mut ids = post(&world, 0..6).await;
    wait(&mut world, SignedDuration::from_secs(30)).await;
    ids.extend(post(&world, 6..7).await);
    wait(&mut world, SignedDuration::from_secs(31)).await;
    ids.extend(post(&world, 7..8).await);
    let expected = [false, false, false, false, true, true, true, false];
    assert_eq!(crowds(&mut world, &ids).await, expected, "a minute is at once");
}

#[tokio::test]
async fn who_comes_behind_more_plans_than_an_hour_has_room_for_is_one_of_a_crowd() {
    // Eight of ten calls are four plans.
    let mut world = world(6, 10, 2).await;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.extend(post(&world, n..n + 1).await);
        wait(&mut world, SignedDuration::from_secs(61)).await;
    }
    assert_eq!(crowds(&mut world, &ids).await, [false, false, false, false, true, true]);
}

#[tokio::test]
async fn one_of_a_crowd_waits_behind_what_the_others_need() {
    let mut world = world(5, 250, BELIEVED).await;
    let ids = post(&world, 0..5).await;
    let last = ids.last().unwrap();
    let placed = world.pass(HOUR, async |world| job(world, last).filter(|job| job.priority == Priority::Removal)).await;
    let created_at = world.look(last).await.created_at;
    // Four leavers of twelve spaces, seventeen calls each, at five quarters of an even pace.
    assert_eq!(placed.place.duration_since(created_at), SignedDuration::from_secs(4 * 17 * 18));
}

#[tokio::test]
async fn plans_that_are_posted_at_once_leave_room_between_them() {
    let mut world = world(12, 24, 25).await;
    let ids = post(&world, 0..12).await;
    let created_at = world.look(&ids[0]).await.created_at;
    assert!(world.waiting().iter().all(|job| job.place == created_at), "nobody has looked at them yet");
    let placed = world.pass(HOUR, async |world| {
        let jobs = ids[10..].iter().filter_map(|id| job(world, id).filter(|job| job.place != created_at));
        Some(jobs.collect::<Vec<_>>()).filter(|jobs| jobs.len() == 2)
    });
    for (job, before) in placed.await.iter().zip(10..) {
        // So many plans of two calls, at five quarters of an even pace.
        let behind = SignedDuration::from_secs(150 * 2 * before) * 5 / 4;
        assert_eq!((job.priority, job.place.duration_since(created_at)), (Priority::Interactive, behind));
    }
    for id in &ids {
        let offboarding = world.look(id).await;
        assert!(!offboarding.crowd && offboarding.created_at == created_at);
    }
}

#[tokio::test]
async fn a_few_are_many_in_a_small_company_once_its_size_is_known() {
    let held = async |world: &mut World, ids: &[OffboardingId]| {
        let mut held = Vec::new();
        for id in ids {
            held.push(world.until_it_rests(id, DAY).await.state.name() == "held");
        }
        held
    };
    for is_audited in [false, true] {
        let mut world = world(8, 250, 25).await;
        let most = match is_audited {
            true => (crate::auditing::audit(&mut world).await.members as usize / 10).max(3),
            false => 25,
        };
        let ids = post(&world, 0..7).await;
        let expected: Vec<bool> = (0..7).map(|n| n >= most).collect();
        assert_eq!(held(&mut world, &ids).await, expected);
    }
}
