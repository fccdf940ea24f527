//! The daily proof that the credential lives, long before somebody leaves.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::ports::Metric;
use podio_sandbox::{Call, Config, ErrorBody, FaultAction, FaultRule, Population, Profile, population::ORG_ID};
use stories::{Setup, World};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A quiet organization, in which nobody leaves.
async fn quiet() -> World {
    let podio = Config { population: Population::new(3).members(20), ..Config::new(Profile::Documented) };
    let mut world = World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await;
    world.keep_credential();
    world
}

async fn wait(world: &mut World, time: SignedDuration) {
    let until = world.clock.read() + time;
    world.pass(time + DAY, async |world| (world.clock.read() >= until).then_some(())).await;
}

/// The calls beside those for tokens.
fn calls(world: &World) -> Vec<Call> {
    world.podio.log().into_iter().filter(|call| !call.path.starts_with("/oauth/")).collect()
}

fn renewals(world: &World) -> usize {
    world.podio.log().len() - calls(world).len()
}

#[tokio::test]
async fn a_good_credential_is_proved_once_a_day_and_nobody_is_told() {
    let mut world = quiet().await;
    wait(&mut world, DAY - SignedDuration::from_mins(5)).await;
    assert_eq!(world.podio.log().len(), 0, "nothing in the first period");
    wait(&mut world, DAY * 3).await;
    let paths: Vec<String> = calls(&world).into_iter().map(|call| format!("{} {}", call.method, call.path)).collect();
    assert_eq!(paths, vec![format!("GET /org/{ORG_ID}/admin/"); 3]);
    assert!(renewals(&world) >= 3, "a token lives for hours, so each proof used the refresh token");
    assert_eq!(world.counted(Metric::CredentialAtRisk), 0);
}

#[tokio::test]
async fn an_acting_account_that_is_no_admin_any_more_is_told_of_until_it_is_one_again() {
    let mut world = quiet().await;
    let acting = world.podio.with_state(|state| state.person_by_mail(podio_sandbox::config::USERNAME)).unwrap();
    let now = world.clock.read();
    world.podio.with_state(|state| state.set_org_admin(now, ORG_ID, acting, false));
    wait(&mut world, DAY + SignedDuration::from_mins(150)).await;
    assert_eq!(world.counted(Metric::CredentialAtRisk), 3, "each hour");

    let now = world.clock.read();
    world.podio.with_state(|state| state.set_org_admin(now, ORG_ID, acting, true));
    wait(&mut world, DAY).await;
    assert_eq!(world.counted(Metric::CredentialAtRisk), 3);
}

#[tokio::test]
async fn a_refresh_token_that_podio_has_ended_is_told_of_at_the_first_failure() {
    let mut world = quiet().await;
    world.podio.with_state(|state| {
        state.tokens.revoke_refresh_tokens();
        state.add_fault(refused_password());
    });
    wait(&mut world, DAY + SignedDuration::from_mins(5)).await;
    assert_eq!(world.counted(Metric::CredentialAtRisk), 1);
}

#[tokio::test]
async fn a_podio_that_is_down_says_nothing_of_the_credential() {
    let mut world = quiet().await;
    let down = FaultAction::Error { status: 503, body: ErrorBody::Json, after_effect: false };
    world.podio.with_state(|state| state.add_fault(FaultRule::new("GET", "*", down)));
    wait(&mut world, DAY + SignedDuration::from_hours(2)).await;
    assert!(calls(&world).len() > 4, "tried again and again: {:?}", calls(&world).len());
    assert_eq!(world.counted(Metric::CredentialAtRisk), 0);
}

/// Every grant is refused.
fn refused_password() -> FaultRule {
    FaultRule::new(
        "POST",
        "/oauth/token*",
        FaultAction::Error { status: 400, body: ErrorBody::Json, after_effect: false },
    )
}
