//! Several leavers out of one space by one call, as long as Podio plays along; and each by their own where it does not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use std::collections::BTreeSet;

use jiff::SignedDuration;
use podio_aws::twin::Moment;
use podio_lifecycle::{
    capability::Capability,
    ids::{OffboardingId, SpaceId, UserId},
    offboarding::{Event, Failure, FailureCode, Offboarding, Outcome, PersonClaim, State},
    ports::{LearnCapabilities, ReadCalls, WriteOffboardings},
    removal::Tally,
};
use podio_sandbox::{
    Call, Config, Effect, ErrorBody, FaultAction, FaultRule, Population, Profile,
    population::{LEAVER, ORG_ID},
    state::SpaceRole,
};
use stories::{Leaver, Setup, World};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const SPACES: usize = 12;
const REMOVED: State = State::Completed { outcome: Outcome::Removed };

fn mails(people: usize) -> Vec<String> {
    (0..people).map(|n| format!("colleague{n}@example.com")).collect()
}

async fn world_with(people: usize, switch: Option<&str>, ceiling: (u32, i64)) -> World {
    let mails = mails(people);
    let population =
        Population::new(11).spaces(30).department(mails.iter().map(String::as_str), SPACES).leaver("Jane", LEAVER, 5);
    let mut podio = Config { population, ..Config::new(Profile::Documented) };
    switch.into_iter().for_each(|switch| podio.switches.apply(switch).unwrap());
    World::new(Setup { podio, ceiling, mass_threshold: 100 }).await
}

async fn world(people: usize, switch: Option<&str>) -> World {
    world_with(people, switch, (1_000, 3600)).await
}

async fn post_all(world: &World, people: usize) -> Vec<OffboardingId> {
    let mut ids = Vec::new();
    for mail in mails(people) {
        ids.push(world.post(&Leaver::of(&mail)).await);
    }
    ids
}

async fn all_rest(world: &mut World, ids: &[OffboardingId]) -> Vec<Offboarding> {
    let mut rested = Vec::new();
    for id in ids {
        rested.push(world.until_it_rests(id, DAY).await);
    }
    rested
}

/// Lets time pass until everybody has planned, and nobody has left a space.
async fn all_planned(world: &mut World, ids: &[OffboardingId]) {
    world
        .pass(DAY, async |world: &World| {
            for id in ids {
                if world.look(id).await.state != State::Removing {
                    return None;
                }
            }
            Some(())
        })
        .await;
    assert_eq!(space_calls(world).len(), 0, "the first jobs are held back");
}

fn user(world: &World, mail: &str) -> UserId {
    UserId(world.podio.with_state(|state| state.person_by_mail(mail)).unwrap().0)
}

fn space_calls(world: &World) -> Vec<Call> {
    world.deletes().into_iter().filter(|call| call.path.starts_with("/space/")).collect()
}

/// Looks at single memberships, which is how sharing is proven.
fn looks(world: &World) -> usize {
    let single = |call: &&Call| call.method == "GET" && call.path.starts_with("/space/") && !call.path.ends_with('/');
    world.podio.log().iter().filter(single).count()
}

fn named(call: &Call) -> Vec<u64> {
    call.path.rsplit('/').next().unwrap().split(',').map(|user| user.parse().unwrap()).collect()
}

/// What Podio itself says: each was in the organization when they left the last of their spaces, each membership ended
/// by a space's own call, and nobody is left.
fn assert_gone(world: &World, mails: &[String]) {
    let deletes = world.deletes();
    for mail in mails {
        let person = user(world, mail);
        let sandbox = podio_sandbox::UserId(person.0);
        let ends =
            |effect: &Effect| matches!(effect, Effect::SpaceMembershipEnded { user_id, .. } if *user_id == sandbox);
        let by_space = deletes.iter().filter(|call| call.path.starts_with("/space/")).flat_map(|call| &call.effects);
        assert_eq!(by_space.filter(|effect| ends(effect)).count(), SPACES, "{mail}");
        let last_space = deletes.iter().rposition(|call| call.effects.iter().any(ends));
        let from_org = deletes.iter().position(|call| call.path == format!("/org/{ORG_ID}/member/{person}"));
        assert!(last_space < from_org, "{mail} left the organization too early");
        assert!(world.podio.with_state(|state| state.org_member(ORG_ID, sandbox).is_none()));
        assert_eq!(world.spaces_of(person), Vec::<SpaceId>::new());
    }
}

fn assert_removed(rested: &[Offboarding]) {
    for offboarding in rested {
        assert_eq!(offboarding.state, REMOVED);
        assert_eq!(offboarding.counted.total() as usize, SPACES, "{:?}", offboarding.counted);
        assert_eq!(offboarding.counted.left_to_org_removal, 0);
    }
}

#[tokio::test]
async fn ten_leavers_of_one_department_leave_each_space_in_one_call() {
    let mut world = world(11, None).await;
    let stays = user(&world, "colleague10@example.com");
    let ids = post_all(&world, 10).await;
    let rested = all_rest(&mut world, &ids).await;

    assert_removed(&rested);
    assert_gone(&world, &mails(10));
    assert!(rested.iter().all(|it| it.counted == Tally { removed: 12, ..Tally::default() }));
    let calls = space_calls(&world);
    assert_eq!(calls.len(), SPACES, "one call for each space");
    assert!(calls.iter().all(|call| named(call).len() == 10));
    assert_eq!(looks(&world), 1, "it is proven once");
    assert_eq!(world.spaces_of(stays).len(), SPACES, "a colleague who stays is not touched");
    for (id, mail) in ids.iter().zip(mails(10)) {
        let recorded = world.store.calls(id).await.unwrap();
        let person = user(&world, &mail).to_string();
        let concerned = recorded.iter().filter(|call| call.method == "DELETE" && call.path.starts_with("/space/"));
        let concerned: Vec<_> = concerned.collect();
        assert_eq!(concerned.len(), SPACES, "each record tells of the shared calls");
        assert!(concerned.iter().all(|call| call.path.rsplit('/').next().unwrap().split(',').any(|id| id == person)));
    }
    // Each is looked up and previewed; previewed again, removed, and read back.
    assert!(world.calls() <= 10 * 5 + SPACES + 3, "{} calls", world.calls());

    // From now on it is believed.
    let later = world.post(&Leaver::of("colleague10@example.com")).await;
    let jane = world.post(&Leaver::of(LEAVER)).await;
    all_rest(&mut world, &[later, jane]).await;
    assert_eq!(looks(&world), 1);
}

#[tokio::test]
async fn a_podio_that_refuses_lists_is_not_asked_again_and_everybody_leaves_alone() {
    for switch in ["plural-user-ids=no-operation", "plural-user-ids=invalid-value"] {
        let mut world = world(5, Some(switch)).await;
        let ids = post_all(&world, 4).await;
        assert_removed(&all_rest(&mut world, &ids).await);
        assert_gone(&world, &mails(4));
        let lists = |world: &World| space_calls(world).iter().filter(|call| named(call).len() > 1).count();
        let tried = lists(&world);
        assert!((1..=10).contains(&tried), "{tried} lists with {switch}: those that were on the way at once");
        assert_eq!(space_calls(&world).len(), tried + 4 * SPACES);
        let known = world.store.capabilities().await.unwrap();
        assert!(!known.may_offer(Capability::PluralSpaceMembers, world.clock.read()));

        let later = [world.post(&Leaver::of("colleague4@example.com")).await, world.post(&Leaver::of(LEAVER)).await];
        all_rest(&mut world, &later).await;
        assert_eq!(lists(&world), tried, "nobody tries again for a week");
    }
}

#[tokio::test]
async fn a_podio_that_fails_at_lists_and_at_nothing_else_is_left_one_by_one() {
    let mut world = world(4, None).await;
    let broken = FaultAction::Error { status: 500, body: ErrorBody::Json, after_effect: false };
    world.podio.add_fault(FaultRule::new("DELETE", "/space/*/member/*,*", broken));
    let ids = post_all(&world, 4).await;
    assert_removed(&all_rest(&mut world, &ids).await);
    assert_gone(&world, &mails(4));

    // Who comes next does not pay for it again.
    let lists = |world: &World| space_calls(world).iter().filter(|call| named(call).len() > 1).count();
    let before = lists(&world);
    let mails = ["late.one@example.com", "late.two@example.com"];
    let (now, joined) = (world.clock.read(), world.spaces_of(user(&world, LEAVER)));
    world.podio.with_state(|state| {
        for mail in mails {
            let late = state.create_person(now, "Late", mail);
            state.join_org(now, ORG_ID, late);
            for space in &joined {
                state.add_to_space(now, podio_sandbox::SpaceId(space.0), late, SpaceRole::Regular);
            }
        }
    });
    let ids = [world.post(&Leaver::of(mails[0])).await, world.post(&Leaver::of(mails[1])).await];
    assert!(all_rest(&mut world, &ids).await.iter().all(|rested| rested.state == REMOVED));
    assert_eq!(lists(&world), before);
}

#[tokio::test]
async fn a_podio_that_reads_a_list_as_its_first_number_is_found_out() {
    let mut world = world(4, Some("plural-user-ids=first-only")).await;
    let ids = post_all(&world, 4).await;
    let rested = all_rest(&mut world, &ids).await;
    assert_removed(&rested);
    assert_gone(&world, &mails(4));
    assert!(rested.iter().all(|it| it.counted.removed == 12), "nobody is said to be out who was not");
    assert!(looks(&world) >= 1);
    let known = world.store.capabilities().await.unwrap();
    assert!(!known.may_offer(Capability::PluralSpaceMembers, world.clock.read()));
}

#[tokio::test]
async fn where_nobody_may_look_into_a_space_the_list_is_not_believed() {
    let mut world = world(3, None).await;
    let hidden = FaultAction::Error { status: 403, body: ErrorBody::Json, after_effect: false };
    world.podio.add_fault(FaultRule::new("GET", "/space/*/member/*", hidden));
    let ids = post_all(&world, 3).await;
    assert_removed(&all_rest(&mut world, &ids).await);
    assert_gone(&world, &mails(3));
    assert!(!world.store.capabilities().await.unwrap().is_proven(Capability::PluralSpaceMembers));
}

#[tokio::test]
async fn a_rider_who_is_called_off_or_held_in_between_is_not_touched() {
    let cancelled = State::Cancelled { duplicate_of: None };
    let held = State::Held { reasons: Vec::new(), resume: podio_lifecycle::offboarding::Stage::Planning };
    for stopped in [cancelled, held] {
        let mut world = world(4, None).await;
        let ids = post_all(&world, 4).await;
        all_planned(&mut world, &ids).await;
        let mut spared = world.look(&ids[2]).await;
        spared.state = stopped.clone();
        world.store.save(spared.revision, &spared, PersonClaim::Keep, None).await.unwrap();

        let others: Vec<_> = ids.iter().filter(|id| **id != ids[2]).cloned().collect();
        assert_removed(&all_rest(&mut world, &others).await);
        let until = world.clock.read() + SignedDuration::from_hours(1);
        world.pass(DAY, async |world| (world.clock.read() > until).then_some(())).await;
        let person = user(&world, &mails(4)[2]);
        assert!(space_calls(&world).iter().all(|call| !named(call).contains(&person.0)), "{stopped:?}");
        assert_eq!(world.spaces_of(person).len(), SPACES);
        assert_eq!(space_calls(&world).len(), SPACES);
    }
}

#[tokio::test]
async fn where_one_of_them_is_no_member_any_more_each_is_asked_for_alone() {
    let mut world = world(4, Some("plural-user-ids=all-members")).await;
    let ids = post_all(&world, 4).await;
    all_planned(&mut world, &ids).await;
    let person = user(&world, &mails(4)[1]);
    let now = world.clock.read();
    for space in world.spaces_of(person).into_iter().take(3) {
        let (space, person) = (podio_sandbox::SpaceId(space.0), podio_sandbox::UserId(person.0));
        world.podio.with_state(|state| state.remove_from_space(now, space, &[person])).unwrap();
    }
    let rested = all_rest(&mut world, &ids).await;
    assert_removed(&rested);
    assert_eq!(rested[1].counted, Tally { removed: 9, already_gone: 3, ..Tally::default() });
    for index in [0, 2, 3] {
        assert_eq!(rested[index].counted.removed, 12);
    }
    assert_eq!(space_calls(&world).len(), SPACES + 3 * 4, "three lists were refused, nine were not");
    assert!(world.store.capabilities().await.unwrap().is_proven(Capability::PluralSpaceMembers));
}

#[tokio::test]
async fn whose_driver_fails_for_good_leaves_alone() {
    let mut world = world(4, None).await;
    let ids = post_all(&world, 4).await;
    all_planned(&mut world, &ids).await;
    // The driver is whoever planned first.
    let mut driver = None;
    for id in &ids {
        if world.batches(id).await.iter().all(|batch| batch.drivers.is_empty()) {
            assert_eq!(driver.replace(id.clone()), None, "there is one driver");
        }
    }
    let driver = driver.unwrap();
    let failure = Failure { code: FailureCode::PodioUnavailable, detail: "Planted.".to_owned() };
    world.operator(&driver, Event::Failed(failure)).await;
    world.lose_all_messages();

    let riders: Vec<_> = ids.iter().filter(|id| **id != driver).cloned().collect();
    assert_removed(&all_rest(&mut world, &riders).await);
    assert_eq!(world.look(&driver).await.state.name(), "failed");
    world.operator(&driver, Event::Retried).await;
    assert_removed(&all_rest(&mut world, &[driver]).await);
    assert_gone(&world, &mails(4));
}

#[tokio::test]
async fn messages_that_are_lost_or_come_twice_change_nothing() {
    for (lost_after, twice) in [(Some(9), false), (Some(12), false), (Some(15), true), (None, true)] {
        let mut world = world(4, None).await;
        if twice {
            world.deliver_everything_twice();
        }
        let ids = post_all(&world, 4).await;
        if let Some(calls) = lost_after {
            world.pass(DAY, async |world| (world.calls() >= calls).then_some(())).await;
            world.lose_all_messages();
        }
        assert_removed(&all_rest(&mut world, &ids).await);
        assert_gone(&world, &mails(4));
        assert_eq!(world.dead_letters(), 0);
    }
}

#[tokio::test]
async fn a_worker_that_dies_anywhere_on_the_way_leaves_nobody_behind() {
    use Moment::{After, Before};
    let all: &[(&str, Moment)] = &[
        ("ride", After),
        ("replace_batch", After),
        ("save", After),
        ("riders", Before),
        ("record", After),
        ("mark_shared", Before),
        ("mark_shared", After),
        ("learned", Before),
        ("learned", After),
        ("settle", Before),
        ("settle", After),
    ];
    for (switch, moments) in [
        ("plural-user-ids=accepted", all),
        ("plural-user-ids=first-only", &[("dismount", Before), ("dismount", After), ("learned", After)]),
        ("plural-user-ids=no-operation", &[("dismount", After), ("riders", Before)]),
    ] {
        for &(operation, moment) in moments {
            let mut world = world(3, Some(switch)).await;
            let mut asked = 0;
            world.store.faults().decided_by(move |name, now| {
                asked += u32::from(name == operation && now == moment);
                // Not the first: that is too often the same one.
                assert!(name != operation || now != moment || !matches!(asked, 2 | 5), "planted");
                false
            });
            let mut ids = Vec::new();
            for mail in mails(3) {
                ids.push(world.post(&Leaver::of(&mail)).await);
            }
            let rested = all_rest(&mut world, &ids).await;
            assert_removed(&rested);
            assert_gone(&world, &mails(3));
        }
    }
}

#[tokio::test]
async fn a_podio_whose_answers_are_lost_takes_nobody_out_of_the_count() {
    for fault in [
        FaultAction::DropBeforeEffect,
        FaultAction::DropAfterEffect,
        FaultAction::Error { status: 502, body: ErrorBody::Html, after_effect: true },
        FaultAction::Error { status: 500, body: ErrorBody::Json, after_effect: false },
    ] {
        let mut world = world(4, None).await;
        for (method, path) in [("DELETE", "/space/*"), ("GET", "/space/*")] {
            world.podio.add_fault(FaultRule::new(method, path, fault.clone()).times(3));
        }
        let ids = post_all(&world, 4).await;
        assert_removed(&all_rest(&mut world, &ids).await);
        assert_gone(&world, &mails(4));
    }
}

#[tokio::test]
async fn under_a_backlog_leavers_of_another_hour_ride_too_and_the_proof_does_not_wait_in_vain() {
    // With the plans of the first four, an hour is nearly over.
    let mut world = world_with(8, None, (9, 3600)).await;
    world.podio.with_state(|state| state.switches.rate_limit_headers = podio_sandbox::switches::Part::Absent);
    let mut ids = post_all(&world, 4).await;
    world.pass(DAY, async |world: &World| (!space_calls(world).is_empty()).then_some(())).await;
    for mail in &mails(8)[4..] {
        ids.push(world.post(&Leaver::of(mail)).await);
    }
    assert_removed(&all_rest(&mut world, &ids).await);
    assert_gone(&world, &mails(8));
    let calls = space_calls(&world);
    let lists: BTreeSet<_> = calls.iter().map(|call| named(call).len()).collect();
    assert!(lists.iter().any(|size| *size > 4), "the second half joined the first: {lists:?}");
    assert!(calls.len() < 3 * SPACES, "{} calls for {} memberships", calls.len(), 8 * SPACES);
}
