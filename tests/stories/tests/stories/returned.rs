//! What Podio's hooks say of spaces and their members: plans are looked at again, and who comes back is noticed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::{
    hooks::{DeliveryId, DeliveryState, HookRef},
    ids::{OffboardingId, OrgId, SpaceId, UserId},
    offboarding::{Offboarding, Outcome, Status},
    ports::{Metric, ReadOffboardings},
};
use podio_sandbox::{
    Config, ErrorBody, FaultAction, FaultRule, Population, Profile,
    population::{LEAVER, ORG_ID},
    state::{SpaceKind, SpaceRole},
};
use stories::{Leaver, Setup, World, plan_of, settled_of};
use worker::HookPolicy;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const REMOVED: Status = Status::Completed(Outcome::Removed);

async fn world(profile: Profile, remove_returned: bool) -> World {
    under((250, 3600), profile, remove_returned).await
}

/// The same where Podio allows no more calls than that.
async fn under(ceiling: (u32, i64), profile: Profile, remove_returned: bool) -> World {
    let population = Population::new(2).members(20).spaces(8).leaver("Jane Doe", LEAVER, 3);
    let podio = Config { population, ..Config::new(profile) };
    let mut world = World::new(Setup { podio, ceiling, mass_threshold: 25 }).await;
    world.decide(HookPolicy { org: Some(OrgId(ORG_ID.0)), remove_returned, leavers_app: None });
    world
}

fn jane(world: &World) -> UserId {
    UserId(world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap().0)
}

/// Somebody adds Jane to a space that others are in.
fn add_jane(world: &World) -> SpaceId {
    let (now, jane) = (world.clock.read(), podio_sandbox::UserId(jane(world).0));
    world.podio.with_state(|state| {
        let others: Vec<_> = state.orgs[&ORG_ID].members.keys().copied().filter(|user| *user != jane).take(3).collect();
        let space = state.create_space(now, ORG_ID, "Alumni", SpaceKind::Regular);
        for other in others {
            state.add_to_space(now, space, other, SpaceRole::Admin);
        }
        state.add_to_space(now, space, jane, SpaceRole::Regular);
        SpaceId(space.0)
    })
}

async fn member_added(world: &World, space: SpaceId, user: Option<UserId>) -> DeliveryId {
    let mut fields = vec![("type", "member.add".to_owned()), ("hook_id", "7".to_owned())];
    fields.extend(user.map(|user| ("user_id", user.to_string())));
    world.deliver(HookRef::space(space), &fields).await
}

async fn removed(world: &mut World) -> OffboardingId {
    let id = world.post(&Leaver::of(LEAVER)).await;
    assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), REMOVED);
    id
}

async fn all(world: &World) -> Vec<Offboarding> {
    world.store.list(&podio_lifecycle::offboarding::Filter::default(), 50, None).await.unwrap().offboardings
}

fn note(state: &DeliveryState) -> &str {
    match state {
        DeliveryState::Noted { reason, .. } => &reason.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_hook_has_a_new_space_left_where_podio_previews_nothing() {
    for kind in ["space.create", "app.create", "member.add"] {
        // A quota that is spent in the middle: her last spaces are left an hour later.
        let mut world = under((18, 3600), Profile::Guide, false).await;
        let id = world.post(&Leaver::of(LEAVER)).await;
        world.pass(DAY, async |world| (!world.deletes().is_empty()).then_some(())).await;
        assert_eq!(world.look(&id).await.state.status(), Status::Removing);
        let space = add_jane(&world);
        let fields = [("type", kind.to_owned()), ("hook_id", "7".to_owned())];
        world.deliver(HookRef::space(space), &fields).await;
        let done = world.until_it_rests(&id, DAY).await;
        assert_eq!(
            (done.state.status(), plan_of(&done).spaces.total(), settled_of(&done).removed),
            (REMOVED, 4, 4),
            "{kind}"
        );
        let deletes = world.deletes();
        assert!(deletes.last().unwrap().path.starts_with("/org/"));
        let own = deletes.iter().filter(|call| call.path.starts_with(&format!("/space/{space}/")));
        assert_eq!(own.count(), 1, "{kind}");
        assert_eq!(world.counted(Metric::ReturnedLeavers), 0);
    }
}

#[tokio::test]
async fn another_person_in_a_space_is_no_reason_to_look() {
    let mut world = world(Profile::Guide, false).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.pass(DAY, async |world| (!world.deletes().is_empty()).then_some(())).await;
    let space = add_jane(&world);
    let somebody = UserId(jane(&world).0 + 1_000_000);
    let delivery = member_added(&world, space, Some(somebody)).await;
    world.until_it_is_dealt_with(&delivery).await;
    assert_eq!(plan_of(&world.look(&id).await).suspects, []);
}

#[tokio::test]
async fn who_comes_back_is_recorded_and_the_alarm_rings_once() {
    for named in [true, false] {
        let mut world = world(Profile::Documented, false).await;
        let id = removed(&mut world).await;
        let completed_at = world.look(&id).await.state.completed_at();
        world.pass(DAY, async |world| (Some(world.clock.read()) > completed_at).then_some(())).await;
        let space = add_jane(&world);
        let user = named.then(|| jane(&world));
        let delivery = member_added(&world, space, user).await;
        let state = world.until_it_is_dealt_with(&delivery).await;
        assert!(matches!(state, DeliveryState::Handled { .. }), "{state:?}");

        let done = world.look(&id).await;
        assert!(done.state.returned_at() > completed_at);
        assert_eq!((done.state.status(), done.state.completed_at()), (REMOVED, completed_at));
        assert_eq!(world.counted(Metric::ReturnedLeavers), 1);

        // Another space, a little later, and the same delivery once more.
        let again = add_jane(&world);
        for space in [again, space] {
            let delivery = member_added(&world, space, user).await;
            world.until_it_is_dealt_with(&delivery).await;
        }
        assert_eq!(world.counted(Metric::ReturnedLeavers), 1);
        assert_eq!(world.look(&id).await.state.returned_at(), done.state.returned_at());
        assert_eq!(all(&world).await.len(), 1, "nobody asked for another removal");
    }
}

#[tokio::test]
async fn who_comes_back_is_found_on_whatever_page_of_the_space_they_are() {
    for (most, over) in [(500, "clamp"), (30, "clamp"), (100, "refuse")] {
        let population = Population::new(2).members(150).spaces(8).leaver("Jane Doe", LEAVER, 3);
        let mut podio = Config { population, ..Config::new(Profile::Documented) };
        for switch in [format!("page-max={most}"), format!("over-max={over}")] {
            podio.switches.apply(&switch).unwrap();
        }
        let mut world = World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await;
        world.decide(HookPolicy { org: Some(OrgId(ORG_ID.0)), remove_returned: false, leavers_app: None });
        let id = removed(&mut world).await;
        world
            .pass(DAY, async |world| {
                (Some(world.clock.read()) > world.look(&id).await.state.completed_at()).then_some(())
            })
            .await;
        let space = add_jane(&world);
        let now = world.clock.read();
        world.podio.with_state(|state| {
            let all: Vec<_> = state.orgs[&ORG_ID].members.keys().copied().collect();
            all.into_iter().take(120).for_each(|user| {
                state.add_to_space(now, podio_sandbox::SpaceId(space.0), user, SpaceRole::Regular);
            });
        });

        let delivery = member_added(&world, space, None).await;

        world.until_it_is_dealt_with(&delivery).await;
        assert!(world.look(&id).await.state.returned_at().is_some(), "pages of {most}, {over}");
    }
}

#[tokio::test]
async fn an_event_that_is_older_than_the_removal_rings_no_alarm() {
    let mut world = world(Profile::Documented, true).await;
    let space = world.spaces_of(jane(&world))[0];
    let id = removed(&mut world).await;
    let delivery = member_added(&world, space, Some(jane(&world))).await;
    world.until_it_is_dealt_with(&delivery).await;
    assert_eq!((world.look(&id).await.state.returned_at(), world.counted(Metric::ReturnedLeavers)), (None, 0));
    assert_eq!(all(&world).await.len(), 1);
}

#[tokio::test]
async fn who_comes_back_leaves_again_where_that_is_wanted() {
    for profile in [Profile::Documented, Profile::Guide] {
        let mut world = world(profile, true).await;
        let first = removed(&mut world).await;
        let space = add_jane(&world);
        let delivery = member_added(&world, space, Some(jane(&world))).await;
        world.until_it_is_dealt_with(&delivery).await;

        let second = all(&world).await.into_iter().find(|other| other.id != first).expect("another removal");
        assert_eq!(second.request.reason, Some(format!("returned after {first}")));
        assert_eq!(world.until_it_rests(&second.id, DAY).await.state.status(), REMOVED);
        assert_eq!(world.spaces_of(jane(&world)), []);

        // And a third time: it is the second removal that she returns from.
        let space = add_jane(&world);
        let delivery = member_added(&world, space, Some(jane(&world))).await;
        world.until_it_is_dealt_with(&delivery).await;
        assert!(world.look(&second.id).await.state.returned_at().is_some());
        assert_eq!(all(&world).await.len(), 3, "{profile:?}");
    }
}

#[tokio::test]
async fn a_table_that_fails_at_any_point_leaves_one_removal_of_who_came_back() {
    for point in 0..14 {
        let mut world = world(Profile::Documented, true).await;
        let first = removed(&mut world).await;
        let space = add_jane(&world);
        let delivery = member_added(&world, space, Some(jane(&world))).await;
        let mut count = 0;
        world.store.faults().decided_by(move |_, _| {
            count += 1;
            count == 5 + point
        });
        let until = world.clock.read() + SignedDuration::from_mins(20);
        while world.clock.read() < until {
            world.step().await;
        }
        world.store.faults().end();
        let state = world.until_it_is_dealt_with(&delivery).await;
        assert!(matches!(state, DeliveryState::Handled { .. }), "{point}: {state:?}");
        assert!(world.look(&first).await.state.returned_at().is_some(), "{point}");
        assert_eq!(all(&world).await.len(), 2, "{point}");
        assert!(world.counted(Metric::ReturnedLeavers) >= 1);
    }
}

#[tokio::test]
async fn members_that_podio_hides_are_not_guessed() {
    let mut world = world(Profile::Documented, true).await;
    removed(&mut world).await;
    let space = add_jane(&world);
    let refusal = FaultAction::Error { status: 403, body: ErrorBody::Json, after_effect: false };
    world.podio.add_fault(FaultRule::new("GET", &format!("/space/{space}/member/*"), refusal));
    let delivery = member_added(&world, space, None).await;
    assert_eq!(note(&world.until_it_is_dealt_with(&delivery).await), "members_hidden");
    assert_eq!(all(&world).await.len(), 1);
}

#[tokio::test]
async fn somebody_who_is_added_twice_within_ten_minutes_is_removed_both_times() {
    let mut world = world(Profile::Documented, true).await;
    removed(&mut world).await;
    let began = world.clock.read();
    world.pass(DAY, async |world| (world.clock.read() > began + SignedDuration::from_secs(5)).then_some(())).await;
    let mut space = None;
    for times in 2..=3 {
        match space {
            None => space = Some(add_jane(&world)),
            Some(SpaceId(known)) => {
                let (now, jane) = (world.clock.read(), podio_sandbox::UserId(jane(&world).0));
                let known = podio_sandbox::SpaceId(known);
                world.podio.with_state(|state| state.add_to_space(now, known, jane, SpaceRole::Regular));
            }
        }
        let form = format!("type=member.add&hook_id=7&user_id={}", jane(&world));
        for _ in 0..2 {
            // Podio sends it twice.
            assert_eq!(world.podio_posts(&HookRef::space(space.unwrap()), &form).await, 200);
        }
        let is_through =
            |all: &[Offboarding]| all.len() >= times && all.iter().all(|one| one.state.status() == REMOVED);
        world.pass(DAY, async |world| is_through(&all(world).await).then_some(())).await;
        assert_eq!(all(&world).await.len(), times);
    }
    assert!(world.clock.read() < began + SignedDuration::from_mins(9), "the same words, within ten minutes");
}
