//! A space that comes into being while somebody leaves, and a membership that comes back: both are left by their own call
//! before the organization is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::SignedDuration;
use podio_aws::twin::Moment;
use podio_lifecycle::{
    evidence::{Integrity, check::Stored},
    hold::HoldCode,
    ids::{OffboardingId, SpaceId, UserId},
    offboarding::{Event, FailureCode, Offboarding, Outcome, State, Status},
    removal::{Tally, tally},
    work::JobId,
};
use podio_sandbox::{
    Config, Effect, ErrorBody, FaultAction, FaultRule, Population, Profile,
    population::{LEAVER, ORG_ID},
    state::{SpaceKind, SpaceRole},
};
use stories::{Leaver, Setup, World, plan_of, settled_of};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const REMOVED: Status = Status::Completed(Outcome::Removed);
const PROFILES: [Profile; 2] = [Profile::Documented, Profile::Guide];

async fn world(profile: Profile) -> World {
    let population = Population::new(2).members(20).spaces(12).leaver("Jane Doe", LEAVER, 4);
    let podio = Config { population, ..Config::new(profile) };
    World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await
}

fn jane(world: &World) -> podio_sandbox::UserId {
    world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap()
}

/// Somebody makes a space, with the acting admin and others in it, and adds the leaver.
fn new_space(world: &World, name: &str) -> SpaceId {
    let now = world.clock.read();
    let jane = jane(world);
    world.podio.with_state(|state| {
        let others: Vec<_> = state.orgs[&ORG_ID].members.keys().copied().filter(|user| *user != jane).take(3).collect();
        let space = state.create_space(now, ORG_ID, name, SpaceKind::Regular);
        for other in others {
            state.add_to_space(now, space, other, SpaceRole::Admin);
        }
        state.add_to_space(now, space, jane, SpaceRole::Regular);
        SpaceId(space.0)
    })
}

/// What Podio's hook would bring about, where Podio offers no preview.
async fn told(world: &World, id: &OffboardingId, space: SpaceId) {
    world.operator(id, Event::LookAgain { space }).await;
}

/// Lets time pass until the leaver has left so many spaces.
async fn until_left(world: &mut World, spaces: usize) {
    world.pass(DAY, async |world| (ended(world).len() >= spaces).then_some(())).await;
}

/// The spaces that Jane has left by calls of their own, in Podio's words.
fn ended(world: &World) -> Vec<u64> {
    let jane = jane(world);
    let calls = world.deletes().into_iter().filter(|call| call.path.starts_with("/space/"));
    let ended = calls.flat_map(|call| call.effects).filter_map(|effect| match effect {
        Effect::SpaceMembershipEnded { space_id, user_id } if user_id == jane => Some(space_id.0),
        _ => None,
    });
    ended.collect()
}

fn org_deletes(world: &World) -> usize {
    world.deletes().iter().filter(|call| call.path.starts_with("/org/")).count()
}

/// The end as Podio and our own record tell it: so many memberships of spaces by calls of their own, the organization once and
/// last, and a space that was left twice is one space.
async fn assert_left(world: &World, done: &Offboarding, memberships: usize) {
    assert_eq!(done.state.status(), REMOVED);
    assert_eq!(ended(world).len(), memberships);
    let deletes = world.deletes();
    assert!(deletes.last().unwrap().path.starts_with("/org/"), "the organization comes last");
    assert_eq!(org_deletes(world), 1);
    let by_org = deletes.last().unwrap().effects.iter();
    assert_eq!(by_org.filter(|effect| matches!(effect, Effect::SpaceMembershipEnded { .. })).count(), 0);
    let count = u32::try_from(ended(world).into_iter().collect::<BTreeSet<_>>().len()).unwrap();
    // Where the answer to a call was lost, its repetition finds nobody left to remove.
    let Tally { removed, already_gone, .. } = settled_of(done);
    assert_eq!((plan_of(done).spaces.total(), removed + already_gone, settled_of(done).total()), (count, count, count));
    let (own, unannounced) = plan_of(done).split(world.spaces(&done.id).await);
    assert_eq!(tally(&own).total(), count);
    assert_eq!(unannounced, []);
    assert_eq!(world.spaces_of(UserId(jane(world).0)), []);
    assert_eq!(world.rejections(), 0);
}

/// The sealed record names every space, those that were found later too.
async fn assert_sealed(world: &World, done: &Offboarding, spaces: usize) {
    assert_eq!(world.integrity(&done.id).await, Integrity::Verified);
    let record = Stored::read(&*world.store, &done.id, done.state.closing().map(|closing| &closing.seal))
        .await
        .unwrap()
        .readable()
        .unwrap();
    let removed = record.chain.bodies("space").filter(|body| body["state"] == "removed");
    assert_eq!(removed.count(), spaces);
}

#[tokio::test]
async fn a_space_made_in_mid_flight_is_left_before_the_organization() {
    for profile in PROFILES {
        let mut world = world(profile).await;
        let id = world.post(&Leaver::of(LEAVER)).await;
        until_left(&mut world, 2).await;
        let space = new_space(&world, "Farewell party");
        told(&world, &id, space).await;
        let done = world.until_it_rests(&id, DAY).await;
        assert_left(&world, &done, 5).await;
        assert_sealed(&world, &done, 5).await;
        assert_eq!(ended(&world).last(), Some(&space.0), "{profile:?}");
    }
}

#[tokio::test]
async fn a_preview_finds_a_space_of_which_no_hook_told() {
    let mut world = world(Profile::Documented).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    until_left(&mut world, 4).await;
    new_space(&world, "Farewell party");
    let done = world.until_it_rests(&id, DAY).await;
    assert_left(&world, &done, 5).await;
}

#[tokio::test]
async fn a_membership_that_comes_back_is_ended_again() {
    for profile in PROFILES {
        let mut world = world(profile).await;
        let id = world.post(&Leaver::of(LEAVER)).await;
        until_left(&mut world, 2).await;
        let space = SpaceId(ended(&world)[0]);
        let (now, jane) = (world.clock.read(), jane(&world));
        world.podio.with_state(|state| {
            state.add_to_space(now, podio_sandbox::SpaceId(space.0), jane, SpaceRole::Regular);
        });
        told(&world, &id, space).await;
        let done = world.until_it_rests(&id, DAY).await;
        assert_left(&world, &done, 5).await;
        assert_eq!(ended(&world).iter().filter(|left| **left == space.0).count(), 2, "{profile:?}");
    }
}

#[tokio::test]
async fn a_member_who_comes_back_by_a_new_space_leaves_that_one_too() {
    let mut world = world(Profile::Documented).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.pass(DAY, async |world| (org_deletes(world) == 1).then_some(())).await;
    let space = new_space(&world, "Second thoughts");
    let done = world.until_it_rests(&id, DAY).await;
    assert_eq!(done.state.status(), REMOVED);
    assert_eq!(ended(&world).last(), Some(&space.0));
    assert_eq!((org_deletes(&world), settled_of(&done).removed, plan_of(&done).spaces.total()), (2, 5, 5));
    assert_eq!(world.spaces_of(UserId(jane(&world).0)), []);
}

#[tokio::test]
async fn a_suspicion_that_proves_wrong_costs_a_look_and_nothing_else() {
    let mut world = world(Profile::Guide).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    until_left(&mut world, 2).await;
    let mine: Vec<SpaceId> = world.spaces_of(UserId(jane(&world).0));
    let foreign = world.podio.with_state(|state| {
        let foreign = state.spaces.keys().copied().find(|space| !mine.contains(&SpaceId(space.0))).unwrap();
        SpaceId(foreign.0)
    });
    // One that she has left already.
    assert!(ended(&world).contains(&foreign.0) || !mine.contains(&foreign));
    told(&world, &id, foreign).await;
    let done = world.until_it_rests(&id, DAY).await;
    assert_left(&world, &done, 4).await;
    assert_eq!(plan_of(&done).suspects, []);
}

#[tokio::test]
async fn many_suspects_under_a_small_quota_are_looked_into_once_each() {
    let population = Population::new(2).members(20).spaces(30).leaver("Jane Doe", LEAVER, 2);
    let quota = podio_sandbox::Quota { limit: 6, general_limit: None, ..podio_sandbox::Quota::of(Profile::Guide) };
    let podio = Config { population, quota, ..Config::new(Profile::Guide) };
    let mut world = World::new(Setup { podio, ceiling: (6, 3600), mass_threshold: 25 }).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    until_left(&mut world, 1).await;
    let spaces: Vec<SpaceId> =
        world.podio.with_state(|state| state.spaces.keys().map(|space| SpaceId(space.0)).collect());
    for space in &spaces {
        told(&world, &id, *space).await;
    }
    let before = world.calls();
    let done = world.until_it_rests(&id, DAY * 7).await;
    assert_eq!(done.state.status(), REMOVED);
    let calls = world.calls() - before;
    assert!(calls <= spaces.len() + 8, "{calls} calls for {} suspects", spaces.len());
    assert_eq!(world.rejections(), 0);
}

#[tokio::test]
async fn a_space_of_the_leavers_alone_holds() {
    for profile in PROFILES {
        let mut world = world(profile).await;
        let id = world.post(&Leaver::of(LEAVER)).await;
        until_left(&mut world, 2).await;
        let (now, jane) = (world.clock.read(), jane(&world));
        let den = world.podio.with_state(|state| {
            let den = state.create_space(now, ORG_ID, "Den", SpaceKind::Regular);
            state.add_to_space(now, den, jane, SpaceRole::Admin);
            den
        });
        told(&world, &id, SpaceId(den.0)).await;

        let held = world.until_it_rests(&id, DAY).await;
        let State::Held { reasons, .. } = &held.state else { panic!("{profile:?}: {:?}", held.state) };
        assert_eq!(reasons.iter().map(|reason| reason.code).collect::<Vec<_>>(), [HoldCode::SpaceWouldBeDeleted]);
        assert_eq!(reasons[0].space_id, Some(SpaceId(den.0)));
        assert_eq!(org_deletes(&world), 0);
        assert_eq!(ended(&world).len(), 4, "nothing happens to the den");

        world.approve(&id).await;
        let end = world.until_it_rests(&id, DAY).await;
        match profile {
            Profile::Documented => assert_eq!(end.state.status(), REMOVED, "the den is deleted, as approved"),
            // It lets nobody go, and the organization removal ends no space: nobody says that Jane is gone.
            Profile::Guide => {
                let State::Failed { failure, .. } = &end.state else { panic!("{:?}", end.state.status()) };
                assert_eq!(failure.code, FailureCode::StillAMember);
            }
        }
    }
}

#[tokio::test]
async fn whoever_is_added_without_end_leaves_in_the_end() {
    let mut world = world(Profile::Documented).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    let (mut seen, mut made) = (0, 0);
    while org_deletes(&world) == 0 {
        let now = ended(&world).len();
        if now >= 4 && now > seen {
            seen = now;
            made += 1;
            new_space(&world, &format!("Another one {made}"));
        }
        world.step().await;
    }
    let done = world.until_it_rests(&id, DAY).await;
    assert_eq!(done.state.status(), REMOVED);
    assert_eq!(plan_of(&done).extensions, 5, "of {made} spaces");
    assert_eq!((plan_of(&done).spaces.total(), ended(&world).len()), (9, 9));
    assert_eq!(world.spaces_of(UserId(jane(&world).0)), [], "the last one went with the organization");
}

/// The operations of the table from the preview that finds a space to the first of its calls, so that each of them can
/// fail once, before and after it has done its work.
#[tokio::test]
async fn a_worker_may_die_at_any_point_while_it_extends_the_plan() {
    for profile in PROFILES {
        for moment in [Moment::Before, Moment::After] {
            let mut survived = 0;
            for point in 0.. {
                let mut world = world(profile).await;
                let id = world.post(&Leaver::of(LEAVER)).await;
                until_left(&mut world, 4).await;
                let space = new_space(&world, "Farewell party");
                told(&world, &id, space).await;
                let (counter, struck) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
                let (count, strike) = (counter.clone(), struck.clone());
                world.store.faults().decided_by(move |_, now| {
                    if now != moment {
                        return false;
                    }
                    let fails = count.fetch_add(1, Ordering::Relaxed) == point;
                    strike.fetch_add(fails.into(), Ordering::Relaxed);
                    fails
                });
                let until = world.clock.read() + SignedDuration::from_hours(1);
                while world.clock.read() < until {
                    world.step().await;
                }
                world.store.faults().end();
                let done = world.until_it_rests(&id, DAY).await;
                assert_left(&world, &done, 5).await;
                assert_eq!(plan_of(&done).extensions, 1, "{profile:?}, {moment:?} {point}");
                if struck.load(Ordering::Relaxed) == 0 || point > 60 {
                    break;
                }
                survived += 1;
            }
            assert!(survived > 20, "{profile:?}, {moment:?}: only {survived} points");
        }
    }
}

#[tokio::test]
async fn a_message_of_the_end_that_two_workers_have_extends_the_plan_once() {
    for profile in PROFILES {
        let mut world = world(profile).await;
        world.deliver_everything_twice();
        let id = world.post(&Leaver::of(LEAVER)).await;
        until_left(&mut world, 4).await;
        let space = new_space(&world, "Farewell party");
        told(&world, &id, space).await;
        // Late ones of the same kind come as well.
        world.order(JobId::new(JobId::OFFBOARDING, &id)).await;
        let done = world.until_it_rests(&id, DAY).await;
        assert_left(&world, &done, 5).await;
        assert_eq!(plan_of(&done).extensions, 1, "{profile:?}");
    }
}

#[tokio::test]
async fn a_space_that_refuses_is_left_to_the_organization_removal_and_not_tried_again() {
    let mut world = world(Profile::Documented).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    until_left(&mut world, 2).await;
    let space = new_space(&world, "Fortress");
    let refusal = FaultAction::Error { status: 403, body: ErrorBody::Json, after_effect: false };
    world.podio.add_fault(FaultRule::new("DELETE", &format!("/space/{space}/*"), refusal));
    let done = world.until_it_rests(&id, DAY).await;
    assert_eq!(done.state.status(), REMOVED);
    assert_eq!((plan_of(&done).extensions, plan_of(&done).spaces.total()), (1, 5));
    assert_eq!(settled_of(&done), Tally { removed: 4, left_to_org_removal: 1, ..Tally::default() });
}
