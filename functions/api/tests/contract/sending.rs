//! `/senders/{name}`: HR systems and identity providers in their own ways.

use std::collections::BTreeSet;

use lambda_http::{Body, http};
use podio_lifecycle::{
    offboarding::{Event, Filter, Offboarding, Person, Status},
    ports::{Metric, ReadOffboardings},
    source::Source,
};
use podio_signatures::senders::Directory;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::world::{Reply, World};

const KEY: &str = "flow-key-0123456789abcdef";
const TOKEN: &str = "okta-token-0123456789abcdef";

/// A world with senders: `flow` shows its key in the body, the others are presets.
fn world() -> World {
    let mut world = World::new();
    let senders = json!([
        {"name": "flow", "preset": "rippling_workflow", "secrets": [KEY, "flow-key-that-is-the-next-one"],
         "match": {"/what": "left"}, "announce": {"/what": "leaves"}, "cancel": {"/what": "stays"}, "rehire": {"/what": "back"},
         "map": {"email": "/email", "effective_at": "/day", "time_zone": "Europe/Berlin", "key": "/id"}},
        {"name": "other", "preset": "rippling_workflow", "secrets": [KEY],
         "cancel": {"/what": "stays"}, "match": {"/what": "left"}, "require_approval": true, "org_id": 9},
        {"name": "third", "preset": "rippling_workflow", "secrets": [KEY],
         "cancel": {"/what": "stays"}, "match": {"/what": "left"}},
        {"name": "okta", "preset": "okta", "secrets": [TOKEN]},
        {"name": "entra", "preset": "graph", "secrets": [TOKEN]},
        {"name": "gusto", "preset": "gusto", "secrets": [TOKEN]},
        {"name": "bob", "preset": "hibob", "secrets": [TOKEN]},
    ]);
    world.settings.directory = Directory::parse(&senders.to_string()).unwrap();
    world
}

async fn post(world: &World, name: &str, body: &Value) -> Reply {
    let request = http::Request::post(format!("/senders/{name}")).body(Body::from(body.to_string()));
    world.send(request.unwrap()).await
}

/// An event of the sender `flow`, on the first of April, a month after the world began.
fn event(what: &str, id: &str, mail: &str) -> Value {
    json!({"key": KEY, "what": what, "id": id, "email": mail, "day": "2026-04-01"})
}

fn outcome(reply: &Reply) -> (u16, String) {
    let body = reply.json();
    (reply.status, body["events"][0]["outcome"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned())
}

fn is(status: u16, outcome: &str) -> (u16, String) {
    (status, outcome.to_owned())
}

async fn all(world: &World) -> Vec<Offboarding> {
    world.store.list(&Filter::default(), 10_000, None).await.unwrap().offboardings
}

#[tokio::test]
async fn announced_leaver_waits_for_the_end_of_the_local_day() {
    let world = world();
    let reply = post(&world, "flow", &event("leaves", "1", "Jane@Example.com")).await;
    assert_eq!(outcome(&reply), is(202, "accepted"), "{reply:?}");
    let [stored] = &all(&world).await[..] else { panic!("one") };
    assert_eq!(reply.headers["location"], format!("/offboardings/{}", stored.id));
    assert_eq!(stored.effective_at(), "2026-04-01T22:00:00Z".parse().unwrap());
    assert_eq!(stored.request.source, Source::Sender { name: "flow".into() });
    assert_eq!((stored.state.status(), stored.org_id.0), (Status::Scheduled, 678));
    // The day itself comes as another event; it says nothing new.
    assert_eq!(outcome(&post(&world, "flow", &event("left", "2", "jane@example.com")).await), is(200, "merged"));
    assert_eq!(all(&world).await.len(), 1);
    let other = json!({"key": KEY, "what": "left", "email": "jane@example.com"});
    assert_eq!(outcome(&post(&world, "other", &other).await), is(202, "accepted"), "in another organization");
    let found = all(&world).await.into_iter().find(|found| found.org_id.0 == 9).unwrap();
    assert!(found.request.require_approval && found.request.effective_at.is_none());
}

#[tokio::test]
async fn delivery_without_proof_gets_the_one_answer() {
    let world = world();
    let wrong = json!({"key": "a-guess-0123456789abcdefgh", "what": "left", "email": "jane@example.com"});
    let first = post(&world, "flow", &wrong).await.problem(401);
    let bodies = [json!({}), json!([]), json!(null), json!({"key": 1}), json!({"key": "flow-key-0123456789abcdeg"})];
    for name in ["flow", "nobody", "okta", "entra", "gusto", "bob"] {
        for body in &bodies {
            assert_eq!(post(&world, name, body).await.problem(401), first, "{name}: {body}");
        }
        let request = http::Request::post(format!("/senders/{name}")).body(Body::from("{")).unwrap();
        assert_eq!(world.send(request).await.problem(401), first, "{name}");
    }
    assert!(all(&world).await.is_empty() && world.wakes.take() == 0);
    let next = json!({"key": "flow-key-that-is-the-next-one", "what": "other"});
    assert_eq!(post(&world, "flow", &next).await.status, 200, "secrets are in rotation");
}

#[tokio::test]
async fn handshake_is_answered_without_effect() {
    let world = world();
    let send =
        async |request: http::request::Builder, body: &str| world.send(request.body(Body::from(body)).unwrap()).await;
    let okta = http::Request::get("/senders/okta").header("x-okta-verification-challenge", "a \"challenge\"");
    assert_eq!(send(okta, "").await.json(), json!({"verification": "a \"challenge\""}));
    let graph = send(http::Request::post("/senders/entra?validationToken=Validation%3A+%3Cb%3E%2B1"), "").await;
    assert_eq!((graph.status, graph.text.as_str()), (200, "Validation: <b>+1"));
    assert_eq!(graph.headers["content-type"], "text/plain");
    assert_eq!(send(http::Request::post("/senders/gusto"), r#"{"verification_token": "t"}"#).await.status, 200);
    assert_eq!(send(http::Request::post("/senders/bob"), "Ping test").await.status, 200);
    assert_eq!(send(http::Request::post("/senders/bob"), r#"{"text":"Ping test"}"#).await.status, 200);
    // The handshake of one maker opens no other's door.
    assert_eq!(send(http::Request::post("/senders/flow?validationToken=x"), "Ping test").await.status, 401);
    let get = http::Request::get("/senders/flow").header("x-okta-verification-challenge", "x");
    assert_eq!(send(get, "").await.problem(405)["status"], 405);
    let gusto = http::Request::post("/senders/gusto").header("x-gusto-signature", "00");
    assert_eq!(send(gusto, r#"{"verification_token": "t"}"#).await.status, 401);
    assert!(all(&world).await.is_empty());
}

#[tokio::test]
async fn event_about_something_else_is_ignored_and_counted() {
    let world = world();
    let reply = post(&world, "flow", &event("moved", "1", "jane@example.com")).await;
    assert_eq!((reply.status, reply.json()), (200, json!({"events": [], "ignored": 1})));
    assert_eq!((world.counted.of(Metric::IgnoredEvents), world.counted.of(Metric::RefusedEvents)), (1, 0));
    assert!(all(&world).await.is_empty());
}

#[tokio::test]
async fn leaver_that_cannot_be_read_is_refused_and_counted() {
    let world = world();
    let with = |field: &str, value: Value| {
        let mut body = event("left", "1", "jane@example.com");
        body[field] = value;
        body
    };
    for (body, pointer) in [
        (with("email", json!(null)), "/email"),
        (with("email", json!("jane")), "/email"),
        (with("day", json!("soon")), "/day"),
        (with("day", json!("2028-01-01")), "/day"),
    ] {
        assert_eq!(post(&world, "flow", &body).await.errors(422, "pointer"), [pointer]);
    }
    // The event names its person by the maker's id only.
    let body = json!({"value": [{"clientState": TOKEN, "changeType": "deleted", "resourceData": {"id": "a1"}}]});
    assert_eq!(post(&world, "entra", &body).await.errors(422, "pointer"), ["/value/0/resourceData/id"]);
    let okta = http::Request::post("/senders/okta").header("authorization", TOKEN).body(Body::from("hush")).unwrap();
    assert!(!world.send(okta).await.problem(400).to_string().contains("hush"));
    assert_eq!(world.counted.of(Metric::RefusedEvents), 6);
    assert!(all(&world).await.is_empty() && world.wakes.take() == 0);
}

#[tokio::test]
async fn one_bad_leaver_of_a_batch_stores_none() {
    let world = world();
    let leaver = |id: &str, mail: &str| json!({"uuid": id, "eventType": "user.lifecycle.deactivate", "target": [{"type": "User", "alternateId": mail}]});
    let send = async |mails: [&str; 2]| {
        let body = json!({"data": {"events": [leaver("1", mails[0]), leaver("2", mails[1])]}}).to_string();
        let request = http::Request::post("/senders/okta").header("authorization", TOKEN);
        world.send(request.body(Body::from(body)).unwrap()).await
    };
    send(["jane@example.com", "svc-backup"]).await.problem(422);
    assert!(all(&world).await.is_empty());
    let both = send(["jane@example.com", "john@example.com"]).await;
    assert_eq!((both.status, both.json()["events"].as_array().unwrap().len()), (202, 2));
    assert_eq!(outcome(&send(["jane@example.com", "john@example.com"]).await), is(200, "repeated"));
    assert_eq!(all(&world).await.len(), 2);
}

#[tokio::test]
async fn sender_withdraws_only_what_it_alone_announced() {
    let world = world();
    let stays = |id: &str| event("stays", id, "jane@example.com");
    assert_eq!(outcome(&post(&world, "flow", &stays("0")).await), is(200, "nothing_to_cancel"));
    post(&world, "flow", &event("leaves", "1", "jane@example.com")).await;
    let foreign = json!({"key": KEY, "what": "stays", "email": "jane@example.com"});
    post(&world, "third", &foreign).await.problem(409);
    assert_eq!(outcome(&post(&world, "other", &foreign).await), is(200, "nothing_to_cancel"), "another organization");
    assert_eq!(outcome(&post(&world, "flow", &stays("2")).await), is(200, "cancelled"));
    let first = all(&world).await.remove(0);
    assert_eq!(first.acts.last().unwrap().actor.name, "flow");

    // Announced anew: a late repetition of the withdrawal does not touch it, a withdrawal of its own does.
    post(&world, "flow", &event("leaves", "3", "jane@example.com")).await;
    assert_eq!(outcome(&post(&world, "flow", &stays("2")).await), is(200, "repeated"));
    let open = all(&world).await.into_iter().find(|found| !found.state.is_final()).unwrap();
    assert_ne!(open.id, first.id);
    assert_eq!(outcome(&post(&world, "flow", &event("back", "4", "jane@example.com")).await), is(200, "cancelled"));

    // Somebody else asks for it, too: now it is not the sender's alone.
    post(&world, "flow", &event("leaves", "5", "jane@example.com")).await;
    assert_eq!(
        post(&world, "third", &json!({"key": KEY, "what": "left", "email": "jane@example.com"})).await.status,
        200
    );
    post(&world, "flow", &stays("6")).await.problem(409);
    assert!(all(&world).await.iter().any(|found| !found.state.is_final()));
}

#[tokio::test]
async fn removal_under_way_is_not_withdrawn() {
    let world = world();
    let mut left = event("left", "1", "jane@example.com");
    left["day"] = json!("2026-02-01");
    assert_eq!(outcome(&post(&world, "flow", &left).await), is(202, "accepted"));
    let id = all(&world).await[0].id.clone();
    world.planned(&id, 3, Vec::new()).await;
    post(&world, "flow", &event("stays", "2", "jane@example.com")).await.problem(409);
    assert_eq!(world.load(&id).await.state.status(), Status::Removing);
}

#[tokio::test]
async fn same_event_id_for_another_person_is_a_conflict() {
    let world = world();
    assert_eq!(outcome(&post(&world, "flow", &event("left", "1", "jane@example.com")).await), is(202, "accepted"));
    post(&world, "flow", &event("left", "1", "john@example.com")).await.problem(409);
    assert_eq!(all(&world).await.len(), 1);
    // Keys of different senders never meet, nor do repetitions wake what is over.
    let id = all(&world).await[0].id.clone();
    world.happen(&id, Event::Cancelled).await;
    world.clock.advance(300 * 86_400);
    assert_eq!(outcome(&post(&world, "flow", &event("left", "1", "jane@example.com")).await), is(200, "repeated"));
}

#[tokio::test]
async fn storage_that_is_down_stores_nothing_and_asks_to_come_again() {
    let world = world();
    world.store.faults().fail_next(1);
    let reply = post(&world, "flow", &event("left", "1", "jane@example.com")).await;
    reply.problem(503);
    assert_eq!(reply.headers["retry-after"], "5");
    assert!(all(&world).await.is_empty());
    assert_eq!(outcome(&post(&world, "flow", &event("left", "1", "jane@example.com")).await), is(202, "accepted"));
}

#[tokio::test]
async fn a_thousand_deliveries_in_any_order_are_one_offboarding_each() {
    let world = world();
    let all_of_them = (0..1_000).chain((0..1_000).filter(|n| n % 10 < 3));
    // In an order without meaning, and the same in each run.
    let mut deliveries: Vec<(Vec<u8>, usize)> =
        all_of_them.enumerate().map(|(at, n)| (Sha256::digest(at.to_be_bytes()).to_vec(), n)).collect();
    deliveries.sort();
    for (at, (_, n)) in deliveries.iter().enumerate() {
        let body = event("left", &format!("event-{n}"), &format!("person{n}@example.com"));
        let reply = post(&world, "flow", &body).await;
        assert!([200, 202].contains(&reply.status), "{reply:?}");
        if at % 100 == 0 {
            world.clock.advance(60);
        }
    }
    let stored = all(&world).await;
    assert_eq!(stored.len(), 1_000);
    let mails: BTreeSet<_> = stored
        .iter()
        .map(|found| match &found.request.person {
            Person::Email(mail) => mail.as_str().to_owned(),
            Person::User(user) => panic!("{user}"),
        })
        .collect();
    assert_eq!(mails.len(), 1_000);
}
