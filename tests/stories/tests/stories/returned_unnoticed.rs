//! Somebody who was removed is a member again, and no hook told of it: the next audit sees them.
#![allow(clippy::unwrap_used, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::{
    ids::{OffboardingId, OrgId},
    offboarding::{Filter, Offboarding},
    ports::{Clock, Metric, ReadOffboardings},
    source::Source,
};
use podio_sandbox::{
    Config, Population, Profile,
    population::{LEAVER, ORG_ID},
    state::{SpaceKind, SpaceRole},
};
use stories::{Leaver, Setup, World};
use worker::HookPolicy;

use super::auditing::audit;

const ORG: OrgId = OrgId(ORG_ID.0);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// An organization that Jane has been taken out of, and into which somebody has brought her back without any hook.
async fn jane_is_back(profile: Profile, seen_leaving: bool, remove_returned: bool) -> (World, OffboardingId) {
    let population = Population::new(3).members(40).leaver("Jane Doe", LEAVER, 3);
    let podio = Config { population, ..Config::new(profile) };
    let mut world = World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await;
    world.decide(HookPolicy { org: Some(ORG), remove_returned, leavers_app: None });
    audit(&mut world).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.until_it_rests(&id, DAY).await;
    if seen_leaving {
        audit(&mut world).await;
    }
    let jane = world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap();
    let now = world.clock.now() + SignedDuration::from_secs(60);
    world.pass(DAY, async |world| (world.clock.now() > now).then_some(())).await;
    world.podio.with_state(|state| {
        let space = state.create_space(now, ORG_ID, "Network", SpaceKind::Regular);
        state.join_org(now, ORG_ID, jane);
        state.add_to_space(now, space, jane, SpaceRole::Regular);
    });
    (world, id)
}

#[tokio::test]
async fn somebody_who_was_removed_and_is_back_without_any_hook_is_seen_by_the_next_audit() {
    for profile in [Profile::Documented, Profile::Guide] {
        for seen_leaving in [false, true] {
            let (mut world, id) = jane_is_back(profile, seen_leaving, false).await;
            for _ in 0..2 {
                audit(&mut world).await;
                assert!(world.look(&id).await.state.returned_at().is_some(), "{profile:?} {seen_leaving}");
                assert_eq!(world.counted(Metric::ReturnedLeavers), 1, "told once");
            }
            assert_eq!(offboardings(&world).await.len(), 1, "nobody asked for another removal");
        }
    }
}

#[tokio::test]
async fn somebody_whom_an_audit_sees_again_is_removed_again_once_where_that_is_wanted() {
    let (mut world, id) = jane_is_back(Profile::Documented, false, true).await;
    for _ in 0..2 {
        audit(&mut world).await;
    }
    let all = offboardings(&world).await;
    let again = all.iter().find(|offboarding| offboarding.id != id).unwrap();
    assert_eq!(again.request.source, Source::Returned { offboarding: id });
    world.until_it_rests(&again.id, DAY).await;
    assert_eq!(offboardings(&world).await.len(), 2);
}

async fn offboardings(world: &World) -> Vec<Offboarding> {
    world.store.list(&Filter::default(), 50, None).await.unwrap().offboardings
}
