//! A space that does not let the leaver go: whether leaving the organization would end that membership, who is asked where it
//! would not, and that the space is asked once more when somebody has decided something.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::{
    hold::HoldCode,
    ids::{SpaceId, UserId},
    offboarding::{Event, FailureCode, Offboarding, Outcome, State, Status},
};
use podio_sandbox::{
    Config, ErrorBody, FaultAction, FaultRule, Population, Profile, Quota,
    population::{ACTING_ADMIN, LEAVER, ORG_ID},
    state::SpaceRole,
};
use stories::{Leaver, Setup, World, plan_of, settled_of};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const REMOVED: Status = Status::Completed(Outcome::Removed);

/// Jane is in twelve spaces, of which the acting admin, who is in every fourth, may not take her out unless they are in them.
async fn world(switches: &[&str]) -> World {
    let population = Population::new(2).members(20).spaces(12).leaver("Jane Doe", LEAVER, 12);
    let mut podio = Config { population, ..Config::new(Profile::Documented) };
    podio.switches.apply("org-admin-in-foreign-spaces=forbidden").unwrap();
    for assignment in switches {
        podio.switches.apply(assignment).unwrap();
    }
    World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await
}

fn person(world: &World, mail: &str) -> podio_sandbox::UserId {
    world.podio.with_state(|state| state.person_by_mail(mail)).unwrap()
}

fn spaces_of_jane(world: &World) -> Vec<SpaceId> {
    world.spaces_of(UserId(person(world, LEAVER).0))
}

/// What the operator is asked, by space.
fn asked(offboarding: &Offboarding) -> Vec<(HoldCode, Option<SpaceId>)> {
    match &offboarding.state {
        State::Held { reasons, .. } => reasons.iter().map(|reason| (reason.code, reason.space_id)).collect(),
        other => panic!("not held: {other:?}"),
    }
}

/// The acting admin is let into every space.
fn let_the_acting_admin_in(world: &World) {
    let (now, acting) = (world.clock.read(), person(world, ACTING_ADMIN));
    world.podio.with_state(|state| {
        for space in state.spaces.keys().copied().collect::<Vec<_>>() {
            state.add_to_space(now, space, acting, SpaceRole::Admin);
        }
    });
}

/// How often the spaces were asked to let Jane go.
fn requests(world: &World) -> usize {
    world.deletes().iter().filter(|call| call.path.starts_with("/space/")).count()
}

fn is_member(world: &World) -> bool {
    let jane = person(world, LEAVER);
    world.podio.with_state(|state| state.org_member(ORG_ID, jane).is_some())
}

#[tokio::test]
async fn who_would_stay_in_a_space_is_held_and_leaves_it_once_the_acting_admin_may_take_them_out() {
    let mut world = world(&["org-delete=keeps-spaces"]).await;
    let id = world.post(&Leaver::of(LEAVER)).await;

    let held = world.until_it_rests(&id, DAY).await;
    let kept = spaces_of_jane(&world);
    assert_eq!(kept.len(), 9);
    let reasons: Vec<_> = kept.iter().map(|space| (HoldCode::SpaceWouldKeepTheLeaver, Some(*space))).collect();
    let mut asked = asked(&held);
    asked.sort_unstable();
    assert_eq!(asked, reasons);
    assert!(is_member(&world), "the organization is not left while a space would keep her");

    let_the_acting_admin_in(&world);
    world.approve(&id).await;
    let done = world.until_it_rests(&id, DAY).await;
    assert_eq!((done.state.status(), spaces_of_jane(&world)), (REMOVED, vec![]));
    assert_eq!((plan_of(&done).spaces.total(), settled_of(&done).removed, settled_of(&done).total()), (12, 12, 12));
    assert!(world.deletes().last().unwrap().path.starts_with("/org/"));
}

#[tokio::test]
async fn who_is_approved_to_stay_in_a_space_leaves_the_organization_after_one_more_request_to_each() {
    let mut world = world(&["org-delete=keeps-spaces"]).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.until_it_rests(&id, DAY).await;
    world.approve(&id).await;
    let done = world.until_it_rests(&id, DAY).await;
    assert_eq!((done.state.status(), is_member(&world)), (REMOVED, false));
    assert_eq!(
        (settled_of(&done).left_to_org_removal, settled_of(&done).total()),
        (9, 12),
        "the record says where she stayed"
    );
    assert_eq!(requests(&world), 12 + 9);
}

#[tokio::test]
async fn who_was_taken_out_by_hand_meanwhile_is_nobodys_question() {
    // The preview has named the spaces, so what it does not name any more is over.
    let mut world = world(&[]).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    let (now, jane) = (world.clock.read(), person(&world, LEAVER));
    world.pass(DAY, async |world| (requests(world) >= 12).then_some(())).await;
    world.podio.with_state(|state| {
        for space in state.spaces_of_member(ORG_ID, jane) {
            state.add_to_space(now, space, state.person_by_mail(ACTING_ADMIN).unwrap(), SpaceRole::Admin);
            state.remove_from_space(now, space, &[jane]).unwrap();
        }
    });
    let done = world.until_it_rests(&id, DAY).await;
    assert_eq!((done.state.status(), requests(&world)), (REMOVED, 12));
}

#[tokio::test]
async fn spaces_that_are_not_the_leavers_may_refuse_where_podio_counts_none() {
    // Spaces are listed without their members, and Jane is in none of them.
    let population = Population::new(2).members(20).spaces(12).leaver("Jane Doe", LEAVER, 0);
    let mut podio = Config { population, ..Config::new(Profile::Documented) };
    for assignment in ["org-admin-in-foreign-spaces=forbidden", "member-spaces=absent", "member-shape=nested"] {
        podio.switches.apply(assignment).unwrap();
    }
    let mut world = World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await;
    let refusal = FaultAction::Error { status: 403, body: ErrorBody::Json, after_effect: false };
    world.podio.add_fault(FaultRule::new("DELETE", "/space/*", refusal));
    let id = world.post(&Leaver::of(LEAVER)).await;
    let done = world.until_it_rests(&id, DAY).await;
    assert_eq!((done.state.status(), is_member(&world)), (REMOVED, false));
    assert!(settled_of(&done).left_to_org_removal > 0);
}

#[tokio::test]
async fn a_retry_asks_a_space_that_refused_once_more() {
    for offered in ["end-member-info=offered", "end-member-info=absent"] {
        let mut world = world(&[offered]).await;
        let refusal = FaultAction::Error { status: 403, body: ErrorBody::Json, after_effect: false };
        world.podio.add_fault(FaultRule::new("DELETE", "/org/*", refusal).times(1));
        let id = world.post(&Leaver::of(LEAVER)).await;
        let mut stopped = world.until_it_rests(&id, DAY).await;
        if let State::Held { .. } = stopped.state {
            world.approve(&id).await;
            stopped = world.until_it_rests(&id, DAY).await;
        }
        let State::Failed { failure, .. } = &stopped.state else { panic!("{:?}", stopped.state) };
        assert_eq!(failure.code, FailureCode::MissingRights);

        let_the_acting_admin_in(&world);
        world.operator(&id, Event::Retried).await;
        let done = world.until_it_rests(&id, DAY).await;
        assert_eq!((done.state.status(), spaces_of_jane(&world)), (REMOVED, vec![]));
        assert_eq!(
            (settled_of(&done).removed, settled_of(&done).total()),
            (12, 12),
            "each space by its own call: {offered}"
        );
    }
}

#[tokio::test]
async fn looks_that_a_backlog_cuts_short_are_made_close_together() {
    let population = Population::new(2).members(20).spaces(80).leaver("Jane Doe", LEAVER, 9).leaver(
        "Bob Busy",
        "bob@example.com",
        70,
    );
    let quota = Quota { limit: 30, general_limit: None, ..Quota::of(Profile::Documented) };
    let mut podio = Config { population, quota, ..Config::new(Profile::Documented) };
    podio.switches.apply("end-member-info=absent").unwrap();
    let mut world = World::new(Setup { podio, ceiling: (30, 3600), mass_threshold: 25 }).await;
    let refusal = FaultAction::Error { status: 403, body: ErrorBody::Json, after_effect: false };
    let jane = person(&world, LEAVER);
    for path in [format!("/space/*/member/{jane}"), format!("/space/*/member/{jane},*")] {
        world.podio.add_fault(FaultRule::new("DELETE", &path, refusal.clone()));
    }
    let ids = [world.post(&Leaver::of(LEAVER)).await, world.post(&Leaver::of("bob@example.com")).await];

    let done = world.until_it_rests(&ids[0], DAY * 7).await;

    assert_eq!((done.state.status(), spaces_of_jane(&world)), (REMOVED, vec![]));
    assert_ne!(world.look(&ids[1]).await.state.status(), REMOVED, "a backlog waits still");
    let is_look = |call: &podio_sandbox::Call| call.method == "GET" && call.path.contains("/member/v2/");
    let looks = world.podio.log().iter().filter(|call| is_look(call)).count();
    assert!(looks <= 9 * 2, "{looks} looks: once in vain, once close together");
    assert_eq!(world.rejections(), 0);
}

#[tokio::test]
async fn spaces_that_can_never_all_be_looked_into_are_a_persons_question() {
    // Without a preview, and with six calls an hour: nine looks right before the end cannot be made.
    let population = Population::new(2).members(20).spaces(9).leaver("Jane Doe", LEAVER, 9);
    let quota = Quota { limit: 6, general_limit: None, ..Quota::of(Profile::Guide) };
    let mut podio = Config { population, quota, ..Config::new(Profile::Guide) };
    podio.switches.apply("org-delete=ends-spaces").unwrap();
    let mut world = World::new(Setup { podio, ceiling: (6, 3600), mass_threshold: 25 }).await;
    let refusal = FaultAction::Error { status: 403, body: ErrorBody::Json, after_effect: false };
    world.podio.add_fault(FaultRule::new("DELETE", "/space/*", refusal));
    let id = world.post(&Leaver::of(LEAVER)).await;
    let held = world.until_it_rests(&id, DAY * 7).await;
    assert_eq!(asked(&held).len(), 9);
    assert!(asked(&held).iter().all(|(code, space)| *code == HoldCode::SpaceWouldBeDeleted && space.is_some()));
    world.approve(&id).await;
    let done = world.until_it_rests(&id, DAY * 7).await;
    assert_eq!((done.state.status(), spaces_of_jane(&world)), (REMOVED, vec![]));
    assert_eq!((requests(&world), world.rejections()), (9 + 9, 0));
}
