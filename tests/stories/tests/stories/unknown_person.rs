//! A mistake of whoever asks: nobody is called gone whom nobody ever knew, and of those who may be meant a person chooses.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::{
    hold::{Approval, Decision, HoldCode, Reason},
    ids::UserId,
    offboarding::{Event, Offboarding, Outcome, State},
    ports::Metric,
};
use podio_sandbox::{
    Config, Population, Profile,
    population::{LEAVER, ORG_ID},
};
use serde_json::json;
use stories::{Leaver, Setup, World};

use crate::auditing;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const TYPO: &str = "jnae.doe@example.com";
const BOTH: [Profile; 2] = [Profile::Guide, Profile::Documented];

async fn world(profile: Profile, switches: &[&str]) -> World {
    let population = Population::new(4).members(30).spaces(6).leaver("Jane Doe", LEAVER, 3);
    let mut podio = Config { population, ..Config::new(profile) };
    for switch in switches {
        podio.switches.apply(switch).unwrap();
    }
    World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await
}

fn outcome(offboarding: &Offboarding) -> Outcome {
    offboarding.state.outcome().unwrap_or_else(|| panic!("not completed: {:?}", offboarding.state))
}

fn held_for(offboarding: &Offboarding) -> &[Reason] {
    match &offboarding.state {
        State::Held { reasons, .. } => reasons,
        other => panic!("not held: {other:?}"),
    }
}

fn is_member(world: &World, user: UserId) -> bool {
    world.podio.with_state(|state| state.org_member(ORG_ID, podio_sandbox::UserId(user.0)).is_some())
}

/// Somebody whose profile shows Jane's address, and whose account has another.
fn add_claimant(world: &World, name: &str, mail: &str) -> UserId {
    let now = world.clock.read();
    world.podio.with_state(|state| {
        let user = state.create_person(now, name, mail);
        state.people.get_mut(&user).unwrap().fields.insert("mail".to_owned(), json!([LEAVER]));
        state.join_org(now, ORG_ID, user);
        UserId(user.0)
    })
}

/// Jane's account has another address from now on; only her profile shows the old one.
fn rename_account(world: &World) -> UserId {
    let user = world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap();
    world.podio.with_state(|state| {
        let person = state.people.get_mut(&user).unwrap();
        person.mail = "jane.smith@example.com".to_owned();
        person.fields.insert("mail".to_owned(), json!([LEAVER]));
    });
    UserId(user.0)
}

#[tokio::test]
async fn a_typing_mistake_ends_as_unknown_and_is_counted() {
    for profile in BOTH {
        for leaver in [Leaver::of(TYPO), Leaver::user(999_999)] {
            let mut world = world(profile, &[]).await;
            let id = world.post(&leaver).await;

            let done = world.until_it_rests(&id, DAY).await;

            assert_eq!(outcome(&done), Outcome::Unknown, "{profile:?}");
            assert_eq!(world.counted(Metric::UnknownPersons), 1, "{profile:?}");
            assert!(done.state.closing().is_some());
            assert_eq!(world.deletes().len(), 0);
        }
    }
}

#[tokio::test]
async fn somebody_who_was_removed_before_is_already_gone() {
    for profile in BOTH {
        for again in [Leaver::of(LEAVER), Leaver::user(0)] {
            let mut world = world(profile, &[]).await;
            let first = world.post(&Leaver::of(LEAVER)).await;
            let removed = world.until_it_rests(&first, DAY).await;
            assert_eq!(outcome(&removed), Outcome::Removed);
            let user = removed.state.leaver().unwrap().user_id;
            let is_by_id = matches!(again.request.person, podio_lifecycle::offboarding::Person::User(_));
            let again = if is_by_id { Leaver::user(user.0) } else { again };

            let second = world.post(&again).await;

            assert_eq!(outcome(&world.until_it_rests(&second, DAY).await), Outcome::AlreadyGone, "{profile:?}");
            assert_eq!(world.counted(Metric::UnknownPersons), 0);
        }
    }
}

#[tokio::test]
async fn somebody_whom_podio_shows_as_a_former_member_is_already_gone() {
    let mut world = world(Profile::Documented, &["removed-org-member=ended"]).await;
    let now = world.clock.read();
    let jane = world.podio.with_state(|state| {
        let jane = state.person_by_mail(LEAVER).unwrap();
        for space in state.spaces_of_member(ORG_ID, jane) {
            state.remove_from_space(now, space, &[jane]).unwrap();
        }
        state.remove_from_org(now, ORG_ID, jane).unwrap();
        jane
    });
    let id = world.post(&Leaver::user(jane.0)).await;
    assert_eq!(outcome(&world.until_it_rests(&id, DAY).await), Outcome::AlreadyGone);
}

#[tokio::test]
async fn somebody_unknown_is_held_where_an_operator_wants_it_so() {
    let mut world = world(Profile::Documented, &[]).await;
    world.hold_unknown();
    let id = world.post(&Leaver::of(TYPO)).await;

    let held = world.until_it_rests(&id, DAY).await;
    assert_eq!(held_for(&held).iter().map(|reason| reason.code).collect::<Vec<_>>(), [HoldCode::PersonUnknown]);
    assert_eq!(world.counted(Metric::UnknownPersons), 0);

    world.approve(&id).await;
    assert_eq!(outcome(&world.until_it_rests(&id, DAY).await), Outcome::Unknown);
}

#[tokio::test]
async fn the_only_one_who_may_be_meant_leaves_once_a_person_says_so() {
    for profile in BOTH {
        let mut world = world(profile, &[]).await;
        let jane = rename_account(&world);
        if profile == Profile::Documented {
            // Podio still finds the account by the old address, and shows the new one alone.
            world.podio.with_state(|state| {
                let person = state.people.get_mut(&podio_sandbox::UserId(jane.0)).unwrap();
                person.other_mails = vec![LEAVER.to_owned()];
                person.fields.clear();
            });
        }
        let id = world.post(&Leaver::of(LEAVER)).await;
        let held = world.until_it_rests(&id, DAY).await;
        assert_eq!(held_for(&held)[0].user_ids, [jane], "{profile:?}");
        assert_eq!(world.deletes().len(), 0);

        world.approve(&id).await;

        assert_eq!(outcome(&world.until_it_rests(&id, DAY).await), Outcome::Removed);
        assert!(!is_member(&world, jane));
    }
}

#[tokio::test]
async fn of_several_who_may_be_meant_the_one_who_is_named_leaves() {
    let mut world = world(Profile::Guide, &[]).await;
    let jane = rename_account(&world);
    let zoe = add_claimant(&world, "Zoe Zebra", "zoe@example.com");
    let id = world.post(&Leaver::of(LEAVER)).await;
    let held = world.until_it_rests(&id, DAY).await;
    let mut expected = vec![jane, zoe];
    expected.sort_unstable();
    assert_eq!(held_for(&held)[0].user_ids, expected);

    let named = Approval { user_id: Some(jane), ..Approval::general(HoldCode::PersonAmbiguous) };
    let decision = Decision { hold_id: held.hold_id().unwrap(), named: vec![named] };
    world.operator(&id, Event::Approved(decision)).await;

    assert_eq!(outcome(&world.until_it_rests(&id, DAY).await), Outcome::Removed);
    assert!(!is_member(&world, jane) && is_member(&world, zoe));
}

#[tokio::test]
async fn the_person_behind_an_address_that_an_identity_provider_has_changed_is_asked_about() {
    for profile in BOTH {
        for tombstone in [
            "283405f5aaaa4bbb8ccc9ddd0eee1fc2jane.doe@example.com",
            "jane.doe_example.com#EXT#@contoso.example.com",
            "xxjane.doe@example.com",
        ] {
            let mut world = world(profile, &[]).await;
            let jane = world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap();
            let id = world.post(&Leaver::of(tombstone)).await;

            let held = world.until_it_rests(&id, DAY).await;

            assert_eq!(held_for(&held)[0].code, HoldCode::PersonAmbiguous, "{profile:?} {tombstone}");
            assert_eq!(held_for(&held)[0].user_ids, [UserId(jane.0)]);
            assert_eq!(world.deletes().len(), 0);
        }
        let mut world = world(profile, &[]).await;
        let id = world.post(&Leaver::of("xxnobody.at.all@example.com")).await;
        assert_eq!(outcome(&world.until_it_rests(&id, DAY).await), Outcome::Unknown);
    }
}

#[tokio::test]
async fn a_typing_mistake_is_asked_about_where_the_audit_knows_somebody_alike() {
    let mut world = world(Profile::Documented, &[]).await;
    let jane = world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap();
    auditing::audit(&mut world).await;
    for (asked, users) in [(TYPO, vec![UserId(jane.0)]), ("jane.doe@example.org", vec![UserId(jane.0)])] {
        let id = world.post(&Leaver::of(asked)).await;
        let held = world.until_it_rests(&id, DAY).await;
        assert_eq!(held_for(&held)[0].code, HoldCode::PersonAmbiguous, "{asked}");
        assert_eq!(held_for(&held)[0].user_ids, users);
    }
    let id = world.post(&Leaver::of("somebody.else.entirely@example.com")).await;
    assert_eq!(outcome(&world.until_it_rests(&id, DAY).await), Outcome::Unknown);
    assert_eq!(world.deletes().len(), 0);
}

#[tokio::test]
async fn somebody_whom_an_audit_knew_is_already_gone() {
    let mut world = world(Profile::Documented, &[]).await;
    auditing::audit(&mut world).await;
    let now = world.clock.read();
    let jane = world.podio.with_state(|state| {
        let jane = state.person_by_mail(LEAVER).unwrap();
        for space in state.spaces_of_member(ORG_ID, jane) {
            state.remove_from_space(now, space, &[jane]).unwrap();
        }
        state.remove_from_org(now, ORG_ID, jane).unwrap();
        jane
    });
    for leaver in [Leaver::of(LEAVER), Leaver::user(jane.0)] {
        let id = world.post(&leaver).await;
        assert_eq!(outcome(&world.until_it_rests(&id, DAY).await), Outcome::AlreadyGone);
    }
}
