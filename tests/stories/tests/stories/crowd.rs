//! A department that leaves: found and read back in the list of members, and each singly where the list does not do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    ids::{OffboardingId, UserId},
    offboarding::{Offboarding, Outcome, State},
    ports::ReadCalls,
};
use podio_sandbox::{
    Call, Config, ErrorBody, FaultAction, FaultRule, Population, Profile, Quota, population::ORG_ID, state::SpaceRole,
};
use stories::{Leaver, Setup, World};
use worker::HookPolicy;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const SPACES: usize = 12;
const CROWD: usize = 10;
const LIMIT: u32 = 70;
const REMOVED: State = State::Completed { outcome: Outcome::Removed };

fn mail(n: usize) -> String {
    format!("colleague{n}@example.com")
}

async fn department(members: usize) -> (World, Vec<OffboardingId>) {
    department_at(members, &[]).await
}

async fn department_at(members: usize, switches: &[&str]) -> (World, Vec<OffboardingId>) {
    let mails: Vec<String> = (0..CROWD).map(mail).collect();
    let population =
        Population::new(11).members(members).spaces(30).department(mails.iter().map(String::as_str), SPACES);
    // So few that a department makes them scarce.
    let quota = Quota { limit: LIMIT, general_limit: None, ..Quota::of(Profile::Documented) };
    let mut podio = Config { population, quota, ..Config::new(Profile::Documented) };
    switches.iter().for_each(|switch| podio.switches.apply(switch).unwrap());
    let world = World::new(Setup { podio, ceiling: (LIMIT, 3_600), mass_threshold: 100 }).await;
    (world, Vec::new())
}

async fn post_all(world: &World, ids: &mut Vec<OffboardingId>) {
    for n in 0..CROWD {
        ids.push(world.post(&Leaver::of(&mail(n))).await);
    }
}

async fn all_removed(world: &mut World, ids: &[OffboardingId]) -> Vec<Offboarding> {
    let mut rested = Vec::new();
    for id in ids {
        let offboarding = world.until_it_rests(id, DAY).await;
        assert_eq!(offboarding.state, REMOVED);
        rested.push(offboarding);
    }
    rested
}

fn user(world: &World, n: usize) -> UserId {
    UserId(world.podio.with_state(|state| state.person_by_mail(&mail(n))).unwrap().0)
}

fn is_gone(world: &World, user: UserId) -> bool {
    world.podio.with_state(|state| state.org_member(ORG_ID, podio_sandbox::UserId(user.0)).is_none())
}

fn pages(world: &World) -> usize {
    world.podio.log().iter().filter(|call| is_page(&call.path)).count()
}

fn is_page(path: &str) -> bool {
    path.starts_with(&format!("/org/{ORG_ID}/member/?"))
}

/// Looks at single members of the organization, by id or by address.
fn singles(world: &World) -> Vec<Call> {
    let members = format!("/org/{ORG_ID}/member/");
    let single = |call: &Call| {
        call.method == "GET"
            && call.path.strip_prefix(&members).is_some_and(|rest| !rest.starts_with('?') && !rest.ends_with("_info"))
    };
    world.podio.log().into_iter().filter(single).collect()
}

fn removals_from_org(world: &World, user: UserId) -> Vec<Timestamp> {
    let path = format!("/org/{ORG_ID}/member/{user}");
    world.deletes().iter().filter(|call| call.path == path).map(|call| call.time).collect()
}

#[tokio::test]
async fn ten_leavers_are_found_and_read_back_by_the_pages_of_one_list() {
    let (mut world, mut ids) = department(700).await;
    post_all(&world, &mut ids).await;
    let rested = all_removed(&mut world, &ids).await;

    // The drivers of the shared calls are through before the others, and are read back by themselves.
    let alone = rested.iter().filter(|offboarding| !offboarding.rides).count();
    assert!(alone <= 2, "{alone}");
    assert_eq!(singles(&world).len(), alone);
    assert!(pages(&world) <= 2 * 3, "{} pages of a list of two and its end, twice", pages(&world));
    // Two previews and the removal.
    assert!(world.calls() <= CROWD * 3 + SPACES + alone + 6 + 3, "{} calls", world.calls());

    for (n, (id, offboarding)) in ids.iter().zip(&rested).enumerate() {
        let leaver = user(&world, n);
        assert!(is_gone(&world, leaver));
        let removed = removals_from_org(&world, leaver);
        assert_eq!(removed.len(), 1);
        // Its own record tells how that is known: all pages of a list that was read after the removal.
        let recorded = world.store.calls(id).await.unwrap();
        let proof = recorded.iter().filter(|call| is_page(&call.path) && call.at > removed[0]).count();
        assert_eq!(proof > 0, offboarding.rides, "{recorded:?}");
        assert!(offboarding.completed_at.unwrap() > removed[0]);
    }
}

#[tokio::test]
async fn whoever_is_added_again_before_the_list_is_read_is_not_called_gone() {
    let (mut world, mut ids) = department(100).await;
    post_all(&world, &mut ids).await;
    let returning = user(&world, CROWD - 1);
    let space = world.spaces_of(returning)[0];
    world.pass(DAY, async |world| (!removals_from_org(world, returning).is_empty()).then_some(())).await;
    let now = world.clock.read();
    world.podio.with_state(|state| {
        let user = podio_sandbox::UserId(returning.0);
        state.join_org(now, ORG_ID, user);
        state.add_to_space(now, podio_sandbox::SpaceId(space.0), user, SpaceRole::Regular);
    });

    all_removed(&mut world, &ids).await;

    assert!(removals_from_org(&world, returning).len() > 1, "removed once more");
    assert!((0..CROWD).all(|n| is_gone(&world, user(&world, n))));
}

#[tokio::test]
async fn where_podio_denies_the_list_each_is_asked_for_singly() {
    let (mut world, mut ids) = department(100).await;
    let denied = FaultAction::Error { status: 403, body: ErrorBody::Json, after_effect: false };
    world.podio.add_fault(FaultRule::new("GET", "/org/*/member/", denied));
    post_all(&world, &mut ids).await;
    all_removed(&mut world, &ids).await;
    assert_eq!(singles(&world).len(), 2 * CROWD, "once to find and once to read back");
    assert_eq!(pages(&world), 1, "nobody tries again");
}

#[tokio::test]
async fn a_podio_that_refuses_large_pages_is_asked_for_smaller_ones() {
    let (mut world, mut ids) = department_at(60, &["page-max=100", "over-max=refuse"]).await;
    post_all(&world, &mut ids).await;
    let leavers: Vec<UserId> = (0..CROWD).map(|n| user(&world, n)).collect();
    let left = |world: &World| leavers.iter().all(|leaver| !removals_from_org(world, *leaver).is_empty());
    world.pass(DAY, async |world| left(world).then_some(())).await;
    // Another worker reads back, who has not learned of it.
    world.decide(HookPolicy::default());
    let rested = all_removed(&mut world, &ids).await;
    let read_back = || rested.iter().filter(|offboarding| offboarding.rides).map(|it| it.completed_at.unwrap());
    let all_at_once = read_back().max().unwrap().duration_since(read_back().min().unwrap());
    assert!(all_at_once < SignedDuration::from_secs(10), "{all_at_once:#} from the first to the last");
    assert!(singles(&world).len() <= 2);
    assert!(pages(&world) <= 8, "{} pages, the first of them refused", pages(&world));
    assert!((0..CROWD).all(|n| is_gone(&world, user(&world, n))));
}

#[tokio::test]
async fn where_there_is_plenty_nobody_waits_to_be_read_back_with_others() {
    let mails: Vec<String> = (0..CROWD).map(mail).collect();
    let population = Population::new(11).members(100).spaces(30).department(mails.iter().map(String::as_str), SPACES);
    let podio = Config { population, ..Config::new(Profile::Documented) };
    let mut world = World::new(Setup { podio, ceiling: (250, 3_600), mass_threshold: 100 }).await;
    let mut ids = Vec::new();
    post_all(&world, &mut ids).await;
    let start = world.clock.read();
    all_removed(&mut world, &ids).await;
    let took = world.clock.read().duration_since(start);
    assert!(took < SignedDuration::from_mins(2), "{took:#}");
}

#[tokio::test]
async fn three_leavers_do_not_read_a_list() {
    let (mut world, mut ids) = department(100).await;
    for n in 0..3 {
        ids.push(world.post(&Leaver::of(&mail(n))).await);
    }
    all_removed(&mut world, &ids).await;
    assert_eq!((pages(&world), singles(&world).len()), (0, 6));
}
