//! One leaver, from the announcement to the proof.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::{
    evidence::Integrity,
    hold::HoldCode,
    ids::{SpaceId, UserId},
    offboarding::{End, Event, FailureCode, Offboarding, Outcome, Request, State},
    ports::ReadCalls,
    removal::Tally,
};
use podio_sandbox::{
    Config, Effect, Population, Profile,
    population::{ACTING_ADMIN, INVITED, LAST_ADMIN, LEAVER, ORG_ID, SOLE_MEMBER, WITHOUT_PROFILE},
};
use stories::{Leaver, Setup, World, settled_of};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn setup(podio: Config) -> Setup {
    Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }
}

async fn world(profile: Profile) -> World {
    World::new(setup(Config::new(profile))).await
}

/// A small organization with everybody who has a part to play.
fn village() -> Population {
    Population::new(7)
        .leaver("Jane Doe", LEAVER, 3)
        .sole_member("Solomon Lone", SOLE_MEMBER)
        .last_admin("Ada Steward", LAST_ADMIN)
        .invited("Ivy Invited", INVITED)
        .without_profile("Noah Blank", WITHOUT_PROFILE)
}

async fn small_world(profile: Profile) -> World {
    World::new(setup(Config { population: village(), ..Config::new(profile) })).await
}

fn outcome(offboarding: &Offboarding) -> Outcome {
    match &offboarding.state {
        State::Completed { end, .. } => end.outcome(),
        other => panic!("not completed: {other:?}"),
    }
}

fn held_for(offboarding: &Offboarding) -> Vec<HoldCode> {
    match &offboarding.state {
        State::Held { reasons, .. } => reasons.iter().map(|reason| reason.code).collect(),
        other => panic!("not held: {other:?}"),
    }
}

fn failed_with(offboarding: &Offboarding) -> FailureCode {
    match &offboarding.state {
        State::Failed { failure, .. } => failure.code,
        other => panic!("not failed: {other:?}"),
    }
}

/// Everybody else's memberships, to be compared before and after.
fn others(world: &World, leaver: UserId) -> Vec<(u64, u64)> {
    world.podio.with_state(|state| {
        let mut all = Vec::new();
        for (id, space) in &state.spaces {
            let current = space.members.iter().filter(|(_, member)| member.ended_on.is_none());
            all.extend(current.map(|(user, _)| (id.0, user.0)).filter(|(_, user)| *user != leaver.0));
        }
        all
    })
}

fn user(world: &World, mail: &str) -> UserId {
    UserId(world.podio.with_state(|state| state.person_by_mail(mail)).unwrap().0)
}

fn is_member(world: &World, user: UserId) -> bool {
    world.podio.with_state(|state| state.org_member(ORG_ID, podio_sandbox::UserId(user.0)).is_some())
}

/// The organization was left once, after every space.
fn assert_order(world: &World, spaces: usize) {
    let deletes = world.deletes();
    let from_org: Vec<usize> =
        deletes.iter().enumerate().filter(|(_, call)| call.path.starts_with("/org/")).map(|(index, _)| index).collect();
    assert_eq!(from_org, [deletes.len() - 1], "the organization once, and last");
    let ended = deletes
        .iter()
        .flat_map(|call| &call.effects)
        .filter(|effect| matches!(effect, Effect::SpaceMembershipEnded { .. }));
    assert_eq!(ended.count(), spaces);
    assert!(!deletes.iter().flat_map(|call| &call.effects).any(|effect| matches!(effect, Effect::SpaceDeleted { .. })));
}

#[tokio::test]
async fn a_leaver_in_12_of_200_spaces_costs_at_most_17_calls() {
    let mut world = world(Profile::Documented).await;
    let jane = user(&world, LEAVER);
    let before = others(&world, jane);

    let id = world.post(&Leaver::of(LEAVER)).await;
    let done = world.until_it_rests(&id, HOUR).await;

    assert_eq!(outcome(&done), Outcome::Removed);
    assert_eq!(settled_of(&done), Tally { removed: 12, ..Tally::default() });
    assert!(world.calls() <= 17, "{} calls", world.calls());
    assert_eq!(done.state.closing().map(|closing| closing.calls as usize), Some(world.calls()));
    assert_order(&world, 12);
    assert!(!is_member(&world, jane));
    assert_eq!(others(&world, jane), before, "nobody else was touched");
    assert_eq!(world.rejections(), 0);
}

#[tokio::test]
async fn the_evidence_is_sealed_and_names_every_call() {
    let mut world = small_world(Profile::Documented).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.until_it_rests(&id, HOUR).await;

    let calls = world.store.calls(&id).await.unwrap();
    assert_eq!(world.integrity(&id).await, Integrity::Verified);
    let logged: Vec<_> = world.podio.log().into_iter().filter(|call| !call.path.starts_with("/oauth/")).collect();
    let recorded: Vec<_> = calls.iter().map(|call| (call.method.clone(), call.path.clone(), call.status)).collect();
    let by_podio: Vec<_> = logged.iter().map(|call| (call.method.clone(), call.path.clone(), call.status)).collect();
    let sorted = |mut calls: Vec<_>| {
        calls.sort();
        calls
    };
    assert_eq!(sorted(recorded), sorted(by_podio), "the record is Podio's own log");
    assert!(calls.iter().all(|call| call.request_id.is_some()));
}

#[tokio::test]
async fn the_guides_recipe_works_where_podio_offers_nothing_else() {
    let mut world = world(Profile::Guide).await;
    let jane = user(&world, LEAVER);
    let before = others(&world, jane);
    let id = world.post(&Leaver::of(LEAVER)).await;
    let done = world.until_it_rests(&id, HOUR * 3).await;

    assert_eq!(outcome(&done), Outcome::Removed);
    assert_eq!(settled_of(&done).removed, 12);
    assert_order(&world, 12);
    assert_eq!(others(&world, jane), before);
    assert!(world.calls() <= 250, "{} calls do not fit into one hour", world.calls());
    assert_eq!(world.rejections(), 0);
}

#[tokio::test]
async fn everybody_with_a_peculiar_membership_leaves_too() {
    for profile in [Profile::Documented, Profile::Guide] {
        for mail in [INVITED, WITHOUT_PROFILE] {
            let mut world = small_world(profile).await;
            let person = user(&world, mail);
            let id = world.post(&Leaver::user(person.0)).await;
            let done = world.until_it_rests(&id, HOUR).await;
            assert_eq!(outcome(&done), Outcome::Removed, "{mail} in {profile:?}");
            assert!(!is_member(&world, person));
            assert_eq!(world.spaces_of(person), []);
        }
    }
}

#[tokio::test]
async fn a_space_that_would_be_deleted_holds_until_somebody_approves() {
    for profile in [Profile::Documented, Profile::Guide] {
        let mut world = small_world(profile).await;
        let solomon = user(&world, SOLE_MEMBER);
        let id = world.post(&Leaver::of(SOLE_MEMBER)).await;

        let held = world.until_it_rests(&id, HOUR).await;
        assert!(held_for(&held).contains(&HoldCode::SpaceWouldBeDeleted), "{profile:?}");
        assert_eq!(world.deletes().len(), 0, "nothing is removed while it is held");

        world.approve(&id).await;
        let end = world.until_it_rests(&id, HOUR).await;
        assert!(!is_member(&world, solomon));
        match profile {
            Profile::Documented => assert_eq!(outcome(&end), Outcome::Removed),
            // Podio neither lets the last admin go nor ends the space, so Solomon is in it still, and that is said.
            Profile::Guide => assert_eq!(failed_with(&end), FailureCode::StillAMember),
        }
    }
}

#[tokio::test]
async fn a_space_that_would_lose_its_admin_holds() {
    for profile in [Profile::Documented, Profile::Guide] {
        let mut world = small_world(profile).await;
        let id = world.post(&Leaver::of(LAST_ADMIN)).await;
        let held = world.until_it_rests(&id, HOUR).await;
        assert_eq!(held_for(&held), [HoldCode::SpaceWouldLoseItsAdmin], "{profile:?}");
        assert_eq!(world.deletes().len(), 0);
    }
}

#[tokio::test]
async fn the_acting_account_is_held_as_itself_and_as_the_last_admin() {
    let mut world = small_world(Profile::Documented).await;
    let id = world.post(&Leaver::of(ACTING_ADMIN)).await;
    let held = world.until_it_rests(&id, HOUR).await;
    let codes = held_for(&held);
    assert!(codes.contains(&HoldCode::ActingAdmin) && codes.contains(&HoldCode::LastOrgAdmin), "{codes:?}");
    assert_eq!(world.deletes().len(), 0);
}

#[tokio::test]
async fn nobody_counts_as_unknown_unless_two_look_ups_agree() {
    for profile in [Profile::Documented, Profile::Guide] {
        let mut world = small_world(profile).await;
        let id = world.post(&Leaver::of("nobody@example.com")).await;
        let done = world.until_it_rests(&id, HOUR).await;
        assert_eq!(outcome(&done), Outcome::Unknown, "{profile:?}");
        assert_eq!(done.state.search(), None, "the slate is clean afterwards");
        assert!(world.recorded(&id).await >= 2);
        assert!(done.state.closing().is_some());
        assert_eq!(world.deletes().len(), 0);
    }
}

#[tokio::test]
async fn a_wrong_organization_fails_with_what_to_fix() {
    let mut world = small_world(Profile::Documented).await;
    let leaver = Leaver { org: podio_lifecycle::ids::OrgId(999), ..Leaver::of(LEAVER) };
    let id = world.post(&leaver).await;
    let failed = world.until_it_rests(&id, HOUR).await;
    assert_eq!(failed_with(&failed), FailureCode::UnknownOrg);
    assert!(
        world.pass(HOUR, async |world| world.look(&id).await.state.closing().cloned()).await.seal.number > 0,
        "a failure is sealed, too"
    );
    assert_eq!(world.integrity(&id).await, Integrity::Verified);
    assert_eq!(world.deletes().len(), 0);
}

#[tokio::test]
async fn an_acting_account_without_rights_fails_with_what_to_fix_and_resumes() {
    let podio = Config {
        population: village().org_admin("Olga Other", "olga@example.com"),
        ..Config::new(Profile::Documented)
    };
    let mut world = World::new(setup(podio)).await;
    let acting = podio_sandbox::UserId(user(&world, ACTING_ADMIN).0);
    let now = world.clock.read();
    world.podio.with_state(|state| state.set_org_admin(now, ORG_ID, acting, false));

    let id = world.post(&Leaver::of(LEAVER)).await;
    let failed = world.until_it_rests(&id, HOUR).await;
    assert_eq!(failed_with(&failed), FailureCode::MissingRights);

    world.podio.with_state(|state| state.set_org_admin(now, ORG_ID, acting, true));
    world.operator(&id, Event::Retried).await;
    assert_eq!(outcome(&world.until_it_rests(&id, HOUR).await), Outcome::Removed);
}

#[tokio::test]
async fn a_dry_run_previews_and_changes_nothing() {
    let mut world = small_world(Profile::Documented).await;
    let mut leaver = Leaver::of(SOLE_MEMBER);
    leaver.request.dry_run = true;
    let id = world.post(&leaver).await;
    let done = world.until_it_rests(&id, HOUR).await;
    assert_eq!(outcome(&done), Outcome::Planned);
    let State::Completed { end: End::Planned { would_hold, .. }, .. } = &done.state else { panic!("{:?}", done.state) };
    assert_eq!(would_hold.iter().map(|reason| reason.code).collect::<Vec<_>>(), [HoldCode::SpaceWouldBeDeleted]);
    assert_eq!(world.deletes().len(), 0);

    // The real one is not mistaken for the rehearsal.
    let real = world.post(&Leaver::of(SOLE_MEMBER)).await;
    assert_ne!(real, id);
}

#[tokio::test]
async fn a_future_leaver_is_left_alone_until_the_day_and_for_good_if_cancelled() {
    let mut world = small_world(Profile::Documented).await;
    let mut leaver = Leaver::of(LEAVER);
    leaver.request.effective_at = Some(world.clock.read() + HOUR * 30);
    let id = world.post(&leaver).await;
    let other = Leaver {
        request: Request { effective_at: leaver.request.effective_at, ..Leaver::of(LAST_ADMIN).request },
        ..leaver
    };
    let cancelled = world.post(&other).await;
    world.operator(&cancelled, Event::Cancelled).await;
    assert_eq!(world.integrity(&cancelled).await, Integrity::Unsigned);

    let day = world.clock.read() + HOUR * 29;
    world.pass(HOUR * 30, async |world| (world.clock.read() > day).then_some(())).await;
    assert_eq!((world.calls(), world.deletes().len()), (1, 0), "looked up and left alone: its time has not come");

    let done = world.until_it_rests(&id, HOUR * 3).await;
    assert_eq!(outcome(&done), Outcome::Removed);
    let ada = user(&world, LAST_ADMIN);
    assert!(is_member(&world, ada), "cancelled means untouched");
    assert_eq!(world.integrity(&cancelled).await, Integrity::Verified, "the worker has sealed what a door has decided");
}

#[tokio::test]
async fn the_same_person_posted_twice_is_one_offboarding() {
    let mut world = small_world(Profile::Documented).await;
    let first = world.post(&Leaver::of(LEAVER)).await;
    assert_eq!(world.post(&Leaver::of(&LEAVER.to_uppercase())).await, first);

    // Named by id instead, they are recognised as soon as the address has been looked up.
    let by_id = world.post(&Leaver::user(user(&world, LEAVER).0)).await;
    assert_ne!(by_id, first);
    let ends = [world.until_it_rests(&first, HOUR).await, world.until_it_rests(&by_id, HOUR).await];
    let completed = ends.iter().filter(|end| matches!(end.state, State::Completed { .. })).count();
    assert!(completed >= 1);
    assert_order(&world, 3);
}

#[tokio::test]
async fn the_twenty_sixth_leaver_of_an_hour_is_held() {
    let crowd: Vec<String> = (0..6).map(|n| format!("leaver{n}@example.com")).collect();
    let population = crowd.iter().fold(Population::new(3), |population, mail| population.leaver("Somebody", mail, 1));
    let mut world =
        World::new(Setup { mass_threshold: 4, ..setup(Config { population, ..Config::new(Profile::Documented) }) })
            .await;
    let mut ids = Vec::new();
    for mail in &crowd {
        ids.push(world.post(&Leaver::of(mail)).await);
    }
    for (index, id) in ids.iter().enumerate() {
        let rested = world.until_it_rests(id, HOUR).await;
        if index < 4 {
            assert_eq!(outcome(&rested), Outcome::Removed);
        } else {
            assert_eq!(held_for(&rested), [HoldCode::MassOffboarding]);
        }
    }
}

#[tokio::test]
async fn spaces_that_refuse_are_left_to_the_organization_removal() {
    let mut podio = Config { population: village(), ..Config::new(Profile::Documented) };
    podio.switches.set("org-admin-in-foreign-spaces", "forbidden").unwrap();
    let mut world = World::new(setup(podio)).await;
    let jane = user(&world, LEAVER);
    let id = world.post(&Leaver::of(LEAVER)).await;
    let done = world.until_it_rests(&id, HOUR).await;
    assert_eq!(outcome(&done), Outcome::Removed);
    assert!(settled_of(&done).left_to_org_removal > 0);
    assert_eq!(world.spaces_of(jane), Vec::<SpaceId>::new());
}
