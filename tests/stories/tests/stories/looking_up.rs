//! Telling who somebody is, and that they are gone, where Podio shows little or says odd things.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::{
    hold::HoldCode,
    offboarding::{FailureCode, Offboarding, Outcome, State, Status},
};
use podio_sandbox::{
    Config, ErrorBody, FaultAction, FaultRule, Population, Profile, UserId,
    population::{LEAVER, ORG_ID},
    switches::Route,
};
use serde_json::json;
use stories::{Leaver, Setup, World};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const REMOVED: Status = Status::Completed(Outcome::Removed);
const UNKNOWN: Status = Status::Completed(Outcome::Unknown);
const BOTH: [Profile; 2] = [Profile::Guide, Profile::Documented];

/// Sixty people, Jane among them, and Podio with these switches.
async fn world(profile: Profile, switches: &[&str], ceiling: u32) -> World {
    let population = Population::new(4).members(60).spaces(12).leaver("Jane Doe", LEAVER, 3);
    let mut podio = Config { population, ..Config::new(profile) };
    for switch in switches {
        podio.switches.apply(switch).unwrap();
    }
    World::new(Setup { podio, ceiling: (ceiling, 3600), mass_threshold: 25 }).await
}

fn jane(world: &World) -> UserId {
    world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap()
}

fn is_member(world: &World, user: UserId) -> bool {
    world.podio.with_state(|state| state.org_member(ORG_ID, user).is_some())
}

/// Somebody whose profile shows Jane's address, and whose account has `mail` or, if that is empty, is not shown.
fn add_claimant(world: &World, name: &str, mail: &str) -> UserId {
    let now = world.clock.read();
    world.podio.with_state(|state| {
        let user = state.create_person(now, name, mail);
        state.people.get_mut(&user).unwrap().fields.insert("mail".to_owned(), json!([LEAVER]));
        state.join_org(now, ORG_ID, user);
        user
    })
}

/// From now on Jane's account is not shown, only her profile.
fn hide_account(world: &World) -> UserId {
    let user = jane(world);
    world.podio.with_state(|state| {
        let person = state.people.get_mut(&user).unwrap();
        person.mail.clear();
        person.fields.insert("mail".to_owned(), json!([LEAVER]));
    });
    user
}

fn in_doubt(offboarding: &Offboarding) -> Vec<HoldCode> {
    match &offboarding.state {
        State::Held { reasons, .. } => reasons.iter().map(|reason| reason.code).collect(),
        other => panic!("not held: {other:?}"),
    }
}

fn failure(offboarding: &Offboarding) -> FailureCode {
    match &offboarding.state {
        State::Failed { failure, .. } => failure.code,
        other => panic!("not failed: {other:?}"),
    }
}

/// Offsets of the pages of the list of members, filtered or not, in the order in which they were asked for.
fn offsets(world: &World, after_the_removal: bool) -> Vec<u32> {
    let log = world.podio.log();
    let removal = log.iter().rposition(|call| call.method == "DELETE" && call.path.starts_with("/org/"));
    let from = removal.filter(|_| after_the_removal).unwrap_or(0);
    let pages = log[from..].iter().filter(|call| call.path.contains("/member/?"));
    pages.map(|call| call.path.split("offset=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn a_profile_that_comes_first_does_not_hide_the_account_that_comes_later() {
    let mut world = world(Profile::Guide, &["page-max=20", "over-max=clamp"], 250).await;
    let impostor = add_claimant(&world, "Aaron Aardvark", "");
    let jane = jane(&world);

    let id = world.post(&Leaver::of(LEAVER)).await;

    assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), REMOVED);
    assert!(!is_member(&world, jane));
    assert!(is_member(&world, impostor), "who only claims the address stays");
}

#[tokio::test]
async fn of_two_profiles_with_the_address_neither_is_removed() {
    for account in ["", "zoe@example.com"] {
        let mut world = world(Profile::Guide, &[], 250).await;
        let jane = hide_account(&world);
        add_claimant(&world, "Zoe Zebra", account);

        let id = world.post(&Leaver::of(LEAVER)).await;

        assert_eq!(in_doubt(&world.until_it_rests(&id, DAY).await), [HoldCode::PersonAmbiguous]);
        assert!(is_member(&world, jane));
        assert!(world.deletes().is_empty());
    }
}

#[tokio::test]
async fn the_only_profile_with_the_address_will_do_where_accounts_are_not_shown() {
    for is_denied in [false, true] {
        let mut world = world(Profile::Guide, &[], 250).await;
        let jane = hide_account(&world);
        let path = format!("/org/{ORG_ID}/member/{jane}");
        if is_denied {
            let denied = FaultAction::Error { status: 403, body: ErrorBody::Json, after_effect: false };
            world.podio.add_fault(FaultRule::new("GET", &path, denied).times(1));
        }

        let id = world.post(&Leaver::of(LEAVER)).await;

        assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), REMOVED);
        assert!(!is_member(&world, jane));
        let log = world.podio.log();
        let confirmed = log.iter().position(|call| call.path == path).unwrap();
        let removed = log.iter().position(|call| call.method == "DELETE").unwrap();
        assert!(confirmed < removed, "the member was asked for singly before anything was removed");
    }
}

#[tokio::test]
async fn podios_word_that_no_account_has_the_address_outweighs_a_profile() {
    let mut world = world(Profile::Documented, &["member-query=ignored"], 250).await;
    let jane = hide_account(&world);
    let id = world.post(&Leaver::of(LEAVER)).await;
    assert_eq!(in_doubt(&world.until_it_rests(&id, DAY).await), [HoldCode::PersonAmbiguous]);
    assert!(is_member(&world, jane));
}

#[tokio::test]
async fn a_refused_page_size_is_not_asked_for_again() {
    let mut world = world(Profile::Guide, &["page-max=100", "over-max=refuse"], 250).await;
    let id = world.post(&Leaver::of("nobody@example.com")).await;
    assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), UNKNOWN);
    let refused = world.podio.log().iter().filter(|call| call.path.contains("limit=500")).count();
    assert_eq!(refused, 1, "in neither list, on no page");
}

#[tokio::test]
async fn where_podio_denies_the_read_back_everyone_is_looked_at() {
    for profile in BOTH {
        let mut world = world(profile, &["removed-org-member=forbidden", "page-max=20", "over-max=clamp"], 250).await;
        let jane = jane(&world);

        let id = world.post(&Leaver::of(LEAVER)).await;

        assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), REMOVED, "{profile:?}");
        assert!(!is_member(&world, jane));
        let log = world.podio.log();
        let removal = log.iter().rposition(|call| call.method == "DELETE").unwrap();
        assert!(
            !log[removal..].iter().any(|call| call.path.contains("query=")),
            "{profile:?}: no filter can hide them"
        );
        // Each page begins with the last one of the page before, so that nobody can slip past in between.
        assert_eq!(offsets(&world, true), [0, 19, 38, 57], "{profile:?}: the last page is a shorter one");
    }
}

#[tokio::test]
async fn looking_at_everyone_goes_on_after_a_wait() {
    for profile in BOTH {
        let mut world = world(profile, &["removed-org-member=forbidden", "page-max=7", "over-max=clamp"], 5).await;
        let id = world.post(&Leaver::of(LEAVER)).await;
        assert_eq!(world.until_it_rests(&id, DAY * 3).await.state.status(), REMOVED, "{profile:?}");
        // Where members are looked for one by one, the wait falls between two looks; else more are read again after it.
        let read: &[u32] = match profile {
            Profile::Guide => &[0, 6, 12, 18, 24, 30, 36, 42, 48, 54],
            Profile::Documented => &[0, 6, 12, 18, 24, 30, 36, 42, 48, 54],
        };
        assert_eq!(offsets(&world, true), read, "{profile:?}: everyone, and no more than that");
    }
}

#[tokio::test]
async fn a_member_whose_address_has_changed_is_not_taken_for_gone() {
    let mut world = world(Profile::Documented, &[], 250).await;
    let jane = jane(&world);
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.pass(DAY, async |world| (world.look(&id).await.state.name() == "removing").then_some(())).await;

    // Once they are found, the address changes; then the removal is confirmed but not done, and reading it back is denied.
    world.podio.with_state(|state| state.people.get_mut(&jane).unwrap().mail = "jane.smith@example.com".to_owned());
    let member = format!("/org/{ORG_ID}/member/{jane}");
    let denied = FaultAction::Error { status: 403, body: ErrorBody::Json, after_effect: false };
    let confirmed = FaultAction::Error { status: 204, body: ErrorBody::Empty, after_effect: false };
    world.podio.add_fault(FaultRule::new("GET", &member, denied));
    world.podio.add_fault(FaultRule::new("DELETE", &member, confirmed));

    assert_eq!(failure(&world.until_it_rests(&id, DAY).await), FailureCode::StillAMember);
    assert!(is_member(&world, jane));
}

#[tokio::test]
async fn one_odd_address_does_not_cost_the_others_their_short_cut() {
    let mut world = world(Profile::Documented, &[], 250).await;
    for odd in ["jane/doe@example.com", "jane?doe@example.com", "jane%2fdoe@example.com", "jäne@example.com"] {
        // As if a proxy had bent the path, so that it fits no route.
        world.podio.with_state(|state| state.switches.member_by_mail = Route::Absent);
        let id = world.post(&Leaver::of(odd)).await;
        assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), UNKNOWN, "{odd}");
        world.podio.with_state(|state| state.switches.member_by_mail = Route::Offered);
    }
    let id = world.post(&Leaver::of(LEAVER)).await;
    assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), REMOVED);
    assert!(world.podio.log().iter().any(|call| call.path.ends_with(&format!("/member/mail/{LEAVER}"))));
}

#[tokio::test]
async fn a_former_member_named_by_id_whom_podio_denies_is_not_waited_for() {
    for (profile, switches, end) in [
        (Profile::Documented, vec![], Ok(UNKNOWN)),
        (Profile::Documented, vec!["end-member-info=absent"], Ok(UNKNOWN)),
        (Profile::Guide, vec![], Err(FailureCode::MissingRights)),
    ] {
        let mut world = world(profile, &[&["removed-org-member=forbidden"], switches.as_slice()].concat(), 250).await;
        let jane = jane(&world);
        let now = world.clock.read();
        world.podio.with_state(|state| {
            for space in state.spaces_of_member(ORG_ID, jane) {
                state.remove_from_space(now, space, &[jane]).unwrap();
            }
            state.remove_from_org(now, ORG_ID, jane).unwrap();
        });

        let id = world.post(&Leaver::user(jane.0)).await;
        let rest = world.until_it_rests(&id, SignedDuration::from_mins(2)).await;

        match end {
            Ok(state) => assert_eq!(rest.state.status(), state, "{switches:?}"),
            Err(code) => assert_eq!(failure(&rest), code, "{switches:?}"),
        }
    }
}

#[tokio::test]
async fn who_is_in_no_space_is_planned_with_the_slots_that_are_waited_for() {
    // Given a backlog, and people of whom neither the preview nor a list names a space.
    for switches in [&[][..], &["member-spaces=absent"], &["member-spaces=absent", "all-spaces=absent"]] {
        let mut world = world(Profile::Documented, switches, 5).await;
        let backlog = world.post(&Leaver::of(LEAVER)).await;
        let now = world.clock.read();
        let idle: Vec<String> = (0..3).map(|n| format!("idle.{n}@example.com")).collect();
        world.podio.with_state(|state| {
            for mail in &idle {
                let user = state.create_person(now, "Idle", mail);
                state.join_org(now, ORG_ID, user);
            }
        });
        let mut ids = vec![backlog];
        for mail in &idle {
            ids.push(world.post(&Leaver::of(mail)).await);
        }

        // When five calls an hour are all there is.
        for id in &ids {
            assert_eq!(world.until_it_rests(id, DAY * 2).await.state.status(), REMOVED, "{switches:?}");
        }

        // Then nothing was asked twice but what has to be, right before the organization is left.
        let log = world.podio.log();
        for mail in &idle {
            let user = world.podio.with_state(|state| state.person_by_mail(mail)).unwrap();
            let previews = log.iter().filter(|call| call.path.ends_with(&format!("/{user}/end_member_info"))).count();
            assert!(previews <= 2, "{previews} previews of one, {switches:?}");
        }
    }
}

#[tokio::test]
async fn a_domain_is_found_in_whichever_spelling_podio_has_it() {
    let (own, wire) = ("jane@exämple.de", "jane@xn--exmple-cua.de");
    for profile in BOTH {
        for (stored, posted) in [(own, wire), (wire, own), (own, own)] {
            let mut world = world(profile, &[], 250).await;
            let jane = jane(&world);
            world.podio.with_state(|state| state.people.get_mut(&jane).unwrap().mail = stored.to_owned());

            let id = world.post(&Leaver::of(posted)).await;

            assert_eq!(world.until_it_rests(&id, DAY).await.state.status(), REMOVED, "{profile:?} {stored} {posted}");
            assert!(!is_member(&world, jane));
        }
    }
}
