//! `POST /offboardings`: what is accepted, once and durably.

use std::sync::atomic::Ordering;

use lambda_http::Body;
use podio_aws::twin::Moment;
use podio_lifecycle::{
    job::Job,
    offboarding::{Event, Person},
    ports::ReadOffboardings,
};
use serde_json::json;

use crate::world::{World, bearer, jane};

#[tokio::test]
async fn a_signed_leaver_is_stored_queued_and_told_where_to_look() {
    let world = World::new();
    let reply = world.post_signed("msg_1", &jane().to_string()).await;

    assert_eq!(reply.status, 202);
    let body = reply.json();
    let id = body["id"].as_str().unwrap();
    assert_eq!(body, json!({"id": id, "state": "planning", "url": format!("/offboardings/{id}")}));
    assert_eq!(reply.headers["location"], format!("/offboardings/{id}"));
    assert_eq!(reply.headers["content-type"], "application/json");

    let id = id.parse().unwrap();
    assert_eq!(world.jobs.take(), [Job::Plan { offboarding: id }]);
    let stored = world.load(&body["id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!(stored.org_id.0, 678, "the default");
}

#[tokio::test]
async fn a_token_is_as_good_as_a_signature_and_every_field_arrives() {
    let world = World::new();
    let body = json!({
        "user": {"user_id": 12345}, "org_id": 9, "effective_at": "2026-12-01T17:00:00+01:00", "dry_run": true,
        "require_approval": true, "reason": "left", "requested_by": "HR",
    });
    let reply = world.call("POST", "/offboardings", &body.to_string()).await;
    assert_eq!(reply.status, 202);
    assert_eq!(reply.json()["state"], "scheduled");
    assert_eq!(world.jobs.take(), [], "its time has not come");

    let stored = world.load(&reply.json()["id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!(stored.org_id.0, 9);
    assert_eq!(stored.effective_at(), "2026-12-01T16:00:00Z".parse().unwrap());
    assert!(matches!(stored.request.person, Person::User(user) if user.0 == 12345));
    assert!(stored.request.dry_run && stored.request.require_approval);
    assert_eq!(stored.request.reason.as_deref(), Some("left"));
    assert_eq!(stored.request.requested_by.as_deref(), Some("HR"));
}

#[tokio::test]
async fn the_same_message_again_is_the_same_offboarding() {
    let world = World::new();
    let first = world.post_signed("msg_1", &jane().to_string()).await.json();
    world.clock.advance(3600);
    let again = world.post_signed("msg_1", &jane().to_string()).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.json()["id"], first["id"]);
    assert_eq!(again.headers["location"], first["url"].as_str().unwrap());
    assert_eq!(world.jobs.take().len(), 1);

    // It stands for that offboarding when it is over, too.
    let id = first["id"].as_str().unwrap().parse().unwrap();
    world.happen(&id, Event::Cancelled).await;
    let again = world.post_signed("msg_1", &jane().to_string()).await;
    assert_eq!((again.status, &again.json()["state"]), (200, &json!("cancelled")));
}

#[tokio::test]
async fn a_key_that_was_used_for_something_else_is_a_conflict() {
    let world = World::new();
    let post = |key: &'static str, body: String| {
        world.send(bearer("POST", "/offboardings").header("idempotency-key", key).body(Body::from(body)).unwrap())
    };
    let john = json!({"user": {"email": "john@example.com"}}).to_string();
    assert_eq!(post("key", jane().to_string()).await.status, 202);
    post("key", john.clone()).await.problem(409);
    assert_eq!(post("another", john).await.status, 202);
    // What a caller with a token calls a key is not what a signing sender calls one.
    assert_eq!(world.post_signed("key", &json!({"user": {"user_id": 3}}).to_string()).await.status, 202);
    // After a month a key is forgotten; the person is still being off-boarded.
    world.clock.advance(31 * 86_400);
    let late = post("key", json!({"user": {"user_id": 4}}).to_string()).await;
    assert_eq!(late.status, 202);
}

#[tokio::test]
async fn the_idempotency_key_wins_over_the_message_id() {
    let world = World::new();
    let body = jane().to_string();
    let send = |webhook_id: &'static str| {
        let request = world.signed(webhook_id, "2026-03-01T12:00:00Z".parse().unwrap(), &body);
        world.send(request.header("idempotency-key", "chosen").body(Body::from(body.as_str())).unwrap())
    };
    let first = send("msg_1").await;
    let second = send("msg_2").await;
    assert_eq!((first.status, second.status), (202, 200));
    assert_eq!(first.json()["id"], second.json()["id"]);
}

#[tokio::test]
async fn a_person_is_off_boarded_once_at_a_time() {
    let world = World::new();
    let first = world.accepted(jane()).await;
    let second = world.call("POST", "/offboardings", r#"{"user": {"email": "JANE@example.com"}}"#).await;
    assert_eq!(second.status, 200);
    assert_eq!(second.json()["id"], first.as_str());
    // A dry run claims nobody, and another organization is another matter.
    let mut dry = jane();
    dry["dry_run"] = json!(true);
    assert_ne!(world.accepted(dry).await, first);
    let mut elsewhere = jane();
    elsewhere["org_id"] = json!(1);
    assert_ne!(world.accepted(elsewhere).await, first);
}

#[tokio::test]
async fn with_the_queue_down_it_is_accepted_all_the_same() {
    let world = World::new();
    world.jobs.down.store(true, Ordering::SeqCst);
    let id = world.accepted(jane()).await;
    let stored = world.load(&id).await;
    assert!(stored.due.is_some(), "the sweep will find it");
}

#[tokio::test]
async fn with_the_table_down_nothing_is_half_stored() {
    let world = World::new();
    world.store.faults().fail_next(1);
    let reply = world.post_signed("msg_1", &jane().to_string()).await;
    let problem = reply.problem(503);
    assert_eq!(reply.headers["retry-after"], "5");
    assert!(!problem.to_string().contains("fault"), "nothing of what is inside");
    assert_eq!(world.jobs.take(), []);
    assert_eq!(world.store.list(None, 10, None).await.unwrap().offboardings, []);

    // And when the write did happen, but its answer was lost, the repetition finds it.
    world.store.faults().decided_by(|_, moment| moment == Moment::After);
    world.post_signed("msg_1", &jane().to_string()).await.problem(503);
    world.store.faults().end();
    assert_eq!(world.post_signed("msg_1", &jane().to_string()).await.status, 200);
    assert_eq!(world.store.list(None, 10, None).await.unwrap().offboardings.len(), 1);
}
