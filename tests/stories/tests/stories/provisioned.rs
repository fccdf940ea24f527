//! Identity providers' requests, and what Podio shows afterwards: precisely those are gone who were to go.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use std::collections::BTreeSet;

use jiff::SignedDuration;
use lambda_http::{Body, http};
use podio_lifecycle::{
    hold::HoldCode,
    ids::{OffboardingId, OrgId},
    offboarding::{Offboarding, Outcome, State},
    ports::ScimUsers,
};
use podio_sandbox::{
    Config, Population, Profile,
    population::{ACTING_ADMIN, LEAVER, ORG_ID},
};
use podio_signatures::bearer::Tokens;
use serde_json::{Value, json};
use stories::{Setup, World};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const TOKEN: &str = "a-token-of-okta-0123456789";

async fn company(mass_threshold: usize) -> World {
    let population = Population::new(7).members(30).spaces(8).leaver("Jane Doe", LEAVER, 3);
    let podio = Config { population, ..Config::new(Profile::Documented) };
    World::new(Setup { podio, ceiling: (250, 3600), mass_threshold }).await
}

/// Asks the SCIM door.
async fn ask(world: &World, method: &str, path: &str, body: Value) -> (u16, Value) {
    let api = world.api();
    let ports = scim::Ports {
        users: world.store.clone(),
        accept: api.accept,
        read: api.read,
        write: api.write,
        wake: api.wake,
        clock: api.clock,
        random: api.random,
        metrics: api.metrics,
    };
    let tokens = Tokens::parse_named([format!("okta:{TOKEN}").as_str()]).unwrap();
    let settings = scim::Settings { tokens: Some(tokens), organization: OrgId(ORG_ID.0) };
    let request = http::Request::builder().method(method).uri(format!("https://doors.example.com/scim/v2{path}"));
    let request =
        request.header("authorization", format!("Bearer {TOKEN}")).body(Body::from(body.to_string())).unwrap();
    let answer = scim::handle(&ports, &settings, request).await;
    let text = String::from_utf8(answer.body().to_vec()).unwrap();
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
}

/// Provisions the person with that address; the user's path.
async fn provision(world: &World, mail: &str) -> String {
    let emails = json!([{"value": mail, "type": "work", "primary": true}]);
    let (status, user) =
        ask(world, "POST", "/Users", json!({"userName": mail, "emails": emails, "active": true})).await;
    assert_eq!(status, 201, "{user}");
    format!("/Users/{}", user["id"].as_str().unwrap())
}

async fn set_active(world: &World, path: &str, active: bool) -> (u16, Value) {
    let active = if active { "True" } else { "False" };
    let operations = json!([{"op": "Replace", "path": "active", "value": active}]);
    ask(world, "PATCH", path, json!({"Operations": operations})).await
}

async fn deactivate(world: &World, path: &str) -> OffboardingId {
    let (status, user) = set_active(world, path, false).await;
    assert_eq!((status, &user["active"]), (200, &json!(false)), "{user}");
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    world.store.scim_user(&id).await.unwrap().unwrap().departure.unwrap().offboarding
}

/// Everybody in the organization, by address.
fn members(world: &World) -> BTreeSet<String> {
    world
        .podio
        .with_state(|state| state.org_members(ORG_ID).iter().map(|user| state.people[user].mail.clone()).collect())
}

/// Some members who are nobody in particular.
fn ordinary(world: &World, count: usize) -> Vec<String> {
    let of_interest = |mail: &String| mail != LEAVER && mail != podio_sandbox::config::USERNAME;
    members(world).into_iter().filter(of_interest).filter(|mail| mail != ACTING_ADMIN).take(count).collect()
}

fn codes(offboarding: &Offboarding) -> Vec<HoldCode> {
    match &offboarding.state {
        State::Held { reasons, .. } => reasons.iter().map(|reason| reason.code).collect(),
        other => panic!("not held: {other:?}"),
    }
}

#[tokio::test]
async fn precisely_those_who_were_deactivated_are_gone() {
    let mut world = company(25).await;
    let before = members(&world);
    let staying = ordinary(&world, 2);
    let jane = provision(&world, LEAVER).await;
    let (renamed, back) = (provision(&world, &staying[0]).await, provision(&world, &staying[1]).await);
    let stranger = provision(&world, "nobody@elsewhere.example").await;

    let leaver = deactivate(&world, &jane).await;
    deactivate(&world, &jane).await;
    let unknown = deactivate(&world, &stranger).await;
    let rename = json!({"userName": "renamed@example.com", "active": true});
    assert_eq!(ask(&world, "PUT", &renamed, rename).await.0, 200);
    let undone = deactivate(&world, &back).await;
    assert_eq!(set_active(&world, &back, true).await.0, 200);

    let done = world.until_it_rests(&leaver, HOUR).await;
    assert_eq!(done.state.outcome(), Some(Outcome::Removed));
    assert_eq!(world.until_it_rests(&unknown, HOUR).await.state.outcome(), Some(Outcome::Unknown));
    assert_eq!(world.until_it_rests(&undone, HOUR).await.state.name(), "cancelled");
    let gone: Vec<_> = before.difference(&members(&world)).cloned().collect();
    assert_eq!(gone, [LEAVER]);

    let (status, refused) = set_active(&world, &jane, true).await;
    assert_eq!(status, 403, "{refused}");
    assert_eq!(ask(&world, "DELETE", &jane, Value::Null).await.0, 204);
    assert_eq!(ask(&world, "DELETE", &jane, Value::Null).await.0, 404);
    assert_eq!(before.len() - members(&world).len(), 1);
}

#[tokio::test]
async fn acting_account_is_held_inside() {
    let mut world = company(25).await;
    let before = members(&world);
    let acting = world.podio.with_state(|state| {
        let user = state.person_by_mail(podio_sandbox::config::USERNAME).unwrap();
        state.people[&user].mail.clone()
    });
    let path = provision(&world, &acting).await;
    let id = deactivate(&world, &path).await;
    let held = world.until_it_rests(&id, HOUR).await;
    assert!(codes(&held).contains(&HoldCode::ActingAdmin), "{:?}", held.state);
    assert_eq!(set_active(&world, &path, true).await.0, 200, "the provider can take it back");
    assert_eq!(world.look(&id).await.state.name(), "cancelled");
    assert_eq!(members(&world), before);
}

#[tokio::test]
async fn burst_is_held_and_the_provider_sees_200() {
    let mut world = company(3).await;
    let before = members(&world);
    let mut ids = Vec::new();
    for mail in ordinary(&world, 6) {
        let path = provision(&world, &mail).await;
        ids.push(deactivate(&world, &path).await);
    }
    let mut held = 0;
    for id in &ids {
        let rested = world.until_it_rests(id, HOUR).await;
        held += usize::from(matches!(rested.state, State::Held { .. }));
    }
    assert!(held >= 3, "{held} are held");
    assert!(before.len() - members(&world).len() <= 3);
}
