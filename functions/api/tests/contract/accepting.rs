//! `POST /offboardings`: what is accepted, once and durably.

use std::sync::atomic::Ordering;

use lambda_http::{Body, http};
use podio_aws::twin::Moment;
use podio_engine::ports::WorkTable;
use podio_lifecycle::{
    offboarding::{Event, Person},
    ports::ReadOffboardings,
};
use podio_signatures::standard_webhooks::{Secret, sign};
use serde_json::json;

use crate::world::{SECRET, World, bearer, jane};

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

    assert_eq!(world.wakes.take(), 1);
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
    assert_eq!(world.wakes.take(), 0, "its time has not come");

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
    assert_eq!(world.wakes.take(), 1);

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
async fn an_unsigned_key_does_not_renew_a_signed_message() {
    let world = World::new();
    let body = jane().to_string();
    let send = |key: Option<&'static str>| {
        let mut request = world.signed("msg_1", "2026-03-01T12:00:00Z".parse().unwrap(), &body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        world.send(request.body(Body::from(body.as_str())).unwrap())
    };
    let first = send(None).await;
    assert_eq!(first.status, 202);
    let id = first.json()["id"].as_str().unwrap().parse().unwrap();
    world.happen(&id, Event::Cancelled).await;
    // Somebody who has seen the signed bytes sends them again under a key of their own.
    let replayed = send(Some("fresh")).await;
    assert_eq!((replayed.status, &replayed.json()["state"]), (200, &json!("cancelled")));
    assert_eq!(replayed.json()["id"], first.json()["id"]);
}

#[tokio::test]
async fn a_sender_run_by_svix_is_taken_under_its_own_header_names() {
    let world = World::new();
    let body = jane().to_string();
    let secret: Secret = SECRET.parse().unwrap();
    let now = world.ports.clock.now();
    let send = |names: [&'static str; 3], signature: String| {
        let request = http::Request::post("/offboardings")
            .header(names[0], "msg_1")
            .header(names[1], now.as_second().to_string())
            .header(names[2], signature);
        world.send(request.body(Body::from(body.as_str())).unwrap())
    };
    let svix = ["svix-id", "svix-timestamp", "svix-signature"];
    let signature = sign(&secret, "msg_1", now, body.as_bytes());
    send(["webhook-id", "webhook-timestamp", "svix-signature"], signature.clone()).await.problem(401);
    send(svix, sign(&secret, "msg_2", now, body.as_bytes())).await.problem(401);
    let first = send(svix, signature.clone()).await;
    assert_eq!(first.status, 202);
    // The same signature fits both sets of names, so it is the same message under either.
    let id = first.json()["id"].as_str().unwrap().parse().unwrap();
    world.happen(&id, Event::Cancelled).await;
    let renamed = send(["webhook-id", "webhook-timestamp", "webhook-signature"], signature).await;
    assert_eq!((renamed.status, &renamed.json()["id"]), (200, &first.json()["id"]));
}

#[tokio::test]
async fn a_parameter_that_no_route_declares_is_refused_before_anything_happens() {
    let world = World::new();
    let (id, body) = (world.accepted(json!({"user": {"user_id": 9}})).await, jane().to_string());
    let path = |rest: &str| format!("/offboardings/{id}{rest}");
    for (method, path, parameter) in [
        ("POST", "/offboardings?dry_run=true".to_owned(), "dry_run"),
        ("GET", "/offboardings?status=held".to_owned(), "status"),
        ("GET", path("?fields=summary&verbose"), "verbose"),
        ("POST", path("/approve?reasons=approval_required"), "reasons"),
        ("POST", path("/cancel?force=1"), "force"),
        ("POST", path("/retry?x"), "x"),
        ("GET", path("/evidence?format=html"), "format"),
        ("HEAD", "/quota?now=1".to_owned(), ""),
        ("GET", "/quota?now=1".to_owned(), "now"),
        ("GET", "/health?x=1".to_owned(), "x"),
    ] {
        let reply = world.call(method, &path, &body).await;
        assert_eq!(reply.status, 400, "{method} {path}");
        if method != "HEAD" {
            assert_eq!(reply.errors(400, "parameter"), [parameter], "{method} {path}");
        }
    }
    assert_eq!(world.call("POST", "/offboardings", &body).await.status, 202, "nothing was stored before");
    // A caller without a token or a signature learns nothing of parameters.
    let stranger = http::Request::post("/offboardings?dry_run=true").body(Body::from(body)).unwrap();
    world.send(stranger).await.problem(401);
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
    elsewhere["org_id"] = json!(9);
    assert_ne!(world.accepted(elsewhere).await, first);
}

#[tokio::test]
async fn with_the_queue_down_it_is_accepted_all_the_same() {
    let world = World::new();
    world.wakes.down.store(true, Ordering::SeqCst);
    let id = world.accepted(jane()).await;
    let stored = world.load(&id).await;
    let waiting = world.store.ready(world.ports.clock.now(), None, 10).await.unwrap();
    assert_eq!(waiting, [stored.waiting().unwrap()], "the sweep will find it");
}

#[tokio::test]
async fn with_the_table_down_nothing_is_half_stored() {
    let world = World::new();
    world.store.faults().fail_next(1);
    let reply = world.post_signed("msg_1", &jane().to_string()).await;
    let problem = reply.problem(503);
    assert_eq!(reply.headers["retry-after"], "5");
    assert!(!problem.to_string().contains("fault"), "nothing of what is inside");
    assert_eq!(world.wakes.take(), 0);
    assert_eq!(
        world.store.list(&podio_lifecycle::offboarding::Filter::default(), 10, None).await.unwrap().offboardings,
        []
    );

    // And when the write did happen, but its answer was lost, the repetition finds it.
    world.store.faults().decided_by(|_, moment| moment == Moment::After);
    world.post_signed("msg_1", &jane().to_string()).await.problem(503);
    world.store.faults().end();
    assert_eq!(world.post_signed("msg_1", &jane().to_string()).await.status, 200);
    assert_eq!(
        world.store.list(&podio_lifecycle::offboarding::Filter::default(), 10, None).await.unwrap().offboardings.len(),
        1
    );
}
