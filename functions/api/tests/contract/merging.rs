//! A second request for somebody whose offboarding has not begun.

use jiff::{SignedDuration, Timestamp};
use lambda_http::Body;
use podio_engine::ports::WorkTable;
use podio_lifecycle::{
    hold::{HoldCode, Reason},
    ids::OffboardingId,
    offboarding::{Event, Scheduled, State},
};
use serde_json::{Value, json};

use crate::world::{APPROVER, OTHER_REQUESTER, REQUESTER, Reply, START, World, bearer, jane};

fn on(day: &str) -> Value {
    json!({"user": {"email": "jane@example.com"}, "effective_at": format!("{day}T12:00:00Z")})
}

async fn post(world: &World, token: &str, body: &Value) -> Reply {
    world.call_as(token, "POST", "/offboardings", &body.to_string()).await
}

fn merged(reply: &Reply, state: &str, fields: &[&str]) {
    let body = reply.json();
    assert_eq!((reply.status, &body["state"], &body["merged"]), (200, &json!(state), &json!(fields)), "{body}");
}

/// Once it is known who it is about, its plan waits in the work table for that day, and for nothing else.
async fn starts_on(world: &World, id: &OffboardingId, day: &str) {
    let at: Timestamp = format!("{day}T12:00:00Z").parse().unwrap();
    if let State::Scheduled(Scheduled { looked_up_at: None, .. }) = world.load(id).await.state {
        world.happen(id, Event::Resolved { leaver: None, warning: None }).await;
    }
    let waiting = world.load(id).await.waiting().unwrap();
    assert_eq!(waiting.not_before, Some(at));
    assert_eq!(world.store.ready(at - SignedDuration::from_secs(1), None, 10).await, Ok(vec![]));
    assert_eq!(world.store.ready(at, None, 10).await, Ok(vec![waiting]));
}

#[tokio::test]
async fn a_dismissal_today_starts_what_was_due_next_month() {
    for token in [REQUESTER, OTHER_REQUESTER] {
        let world = World::new();
        let id = world.accepted_as(REQUESTER, &on("2026-04-01")).await;
        assert_eq!(world.wakes.take(), 0);
        world.clock.advance(60);

        let reply = post(&world, token, &jane()).await;
        merged(&reply, "planning", &["effective_at"]);
        assert_eq!((&reply.json()["id"], &reply.json()["effective_at"]), (&json!(id), &json!("2026-03-01T12:01:00Z")));
        assert_eq!(reply.headers["location"], format!("/offboardings/{id}"));
        assert_eq!(world.wakes.take(), 1);
        let waiting = world.store.ready(world.ports.clock.now(), None, 10).await.unwrap();
        assert_eq!(waiting, [world.load(&id).await.waiting().unwrap()], "its plan");

        let view = world.get(&format!("/offboardings/{id}")).await.json();
        assert_eq!((&view["state"], &view["effective_at"]), (&json!("planning"), &json!("2026-03-01T12:01:00Z")));
        assert_eq!(
            (&view["history"][1]["event"], &view["history"][1]["merged"]),
            (&json!("merged"), &json!(["effective_at"]))
        );
    }
}

#[tokio::test]
async fn an_earlier_day_holds_whoever_names_it() {
    let world = World::new();
    let id = world.accepted_as(REQUESTER, &on("2026-04-01")).await;
    merged(&post(&world, OTHER_REQUESTER, &on("2026-03-03")).await, "scheduled", &["effective_at"]);
    assert_eq!(world.load(&id).await.effective_at().to_string(), "2026-03-03T12:00:00Z");
    starts_on(&world, &id, "2026-03-03").await;

    // A later one of the first asker contradicts what the other one asked for.
    let refused = post(&world, REQUESTER, &on("2026-05-01")).await.problem(409);
    assert_eq!(refused["offboarding"], json!(id));
    assert!(refused["detail"].as_str().unwrap().contains("2026-03-03T12:00:00Z"), "{refused}");
    // The one who asked for the earlier day corrects itself, but not behind the day of the first.
    merged(&post(&world, OTHER_REQUESTER, &on("2026-03-20")).await, "scheduled", &["effective_at"]);
    post(&world, OTHER_REQUESTER, &on("2026-06-01")).await.problem(409);
    assert_eq!(world.load(&id).await.effective_at().to_string(), "2026-03-20T12:00:00Z");
}

#[tokio::test]
async fn a_later_day_counts_where_the_same_sender_corrects_itself() {
    let world = World::new();
    let id = world.accepted_as(REQUESTER, &on("2026-04-01")).await;
    post(&world, OTHER_REQUESTER, &on("2026-05-01")).await.problem(409);
    merged(&post(&world, REQUESTER, &on("2026-05-01")).await, "scheduled", &["effective_at"]);
    merged(&post(&world, REQUESTER, &on("2026-05-01")).await, "scheduled", &[]);
    starts_on(&world, &id, "2026-05-01").await;
}

#[tokio::test]
async fn planning_stops_where_the_sender_names_a_later_day() {
    let world = World::new();
    let id = world.accepted_as(REQUESTER, &jane()).await;
    world.happen(&id, Event::PlanningBegun).await;
    world.clock.advance(5);
    post(&world, OTHER_REQUESTER, &on("2026-05-01")).await.problem(409);
    merged(&post(&world, OTHER_REQUESTER, &jane()).await, "planning", &[]);
    post(&world, REQUESTER, &on("2026-05-01")).await.problem(409);

    let world = World::new();
    let id = world.accepted_as(REQUESTER, &jane()).await;
    merged(&post(&world, REQUESTER, &on("2026-05-01")).await, "scheduled", &["effective_at"]);
    assert_eq!(world.load(&id).await.state.plan_number(), None);
    starts_on(&world, &id, "2026-05-01").await;
    let held = World::new();
    let id = held.accepted_as(REQUESTER, &jane()).await;
    held.planned(&id, 3, vec![Reason::general(HoldCode::LastOrgAdmin, "The last admin.")]).await;
    merged(&post(&held, REQUESTER, &on("2026-05-01")).await, "scheduled", &["effective_at"]);
}

#[tokio::test]
async fn the_stricter_flag_and_the_greater_hurry_hold() {
    let world = World::new();
    let id = world.accepted_as(REQUESTER, &on("2026-04-01")).await;
    let mut strict = on("2026-04-01");
    strict["require_approval"] = true.into();
    merged(&post(&world, OTHER_REQUESTER, &strict).await, "scheduled", &["require_approval"]);
    merged(&post(&world, REQUESTER, &on("2026-04-01")).await, "scheduled", &[]);
    strict["priority"] = "urgent".into();
    post(&world, OTHER_REQUESTER, &strict).await.problem(403);
    merged(&post(&world, APPROVER, &strict).await, "scheduled", &["priority"]);
    let view = world.get(&format!("/offboardings/{id}")).await.json();
    assert_eq!((&view["require_approval"], &view["priority"]), (&json!(true), &json!("urgent")));
}

#[tokio::test]
async fn what_is_under_way_is_named_and_left_alone() {
    let world = World::new();
    let id = world.accepted_as(REQUESTER, &jane()).await;
    world.planned(&id, 3, Vec::new()).await;
    let before = world.load(&id).await;
    for body in [jane(), on("2026-05-01")] {
        let reply = post(&world, OTHER_REQUESTER, &body).await;
        assert_eq!((reply.status, &reply.json()["id"], reply.json().get("merged")), (200, &json!(id), None));
    }
    assert_eq!(world.load(&id).await, before);
}

#[tokio::test]
async fn a_rehearsal_stands_beside_what_is_scheduled() {
    let world = World::new();
    let id = world.accepted_as(REQUESTER, &on("2026-04-01")).await;
    let mut rehearsal = jane();
    rehearsal["dry_run"] = true.into();
    assert_ne!(world.accepted_as(REQUESTER, &rehearsal).await, id);
    assert_eq!(world.load(&id).await.state.name(), "scheduled");
}

#[tokio::test]
async fn a_repeated_request_is_not_merged_twice() {
    let world = World::new();
    let send = |key: &'static str, body: Value| {
        let request = bearer("POST", "/offboardings").header("idempotency-key", key);
        world.send(request.body(Body::from(body.to_string())).unwrap())
    };
    send("a", on("2026-04-01")).await;
    merged(&send("b", on("2026-03-10")).await, "scheduled", &["effective_at"]);
    merged(&send("c", on("2026-03-20")).await, "scheduled", &["effective_at"]);
    for (key, day) in [("a", "2026-04-01"), ("b", "2026-03-10")] {
        let again = send(key, on(day)).await;
        assert_eq!((again.status, again.json().get("merged")), (200, None));
        let view = world.get(again.json()["url"].as_str().unwrap()).await.json();
        assert_eq!(view["effective_at"], "2026-03-20T12:00:00Z", "what came later holds");
    }
    send("b", on("2026-03-11")).await.problem(409);
}

#[tokio::test]
async fn a_key_of_a_completed_offboarding_says_when_it_was() {
    let world = World::new();
    let send = || {
        let request = bearer("POST", "/offboardings").header("idempotency-key", "employee 7");
        world.send(request.body(Body::from(jane().to_string())).unwrap())
    };
    let id = send().await.json()["id"].as_str().unwrap().parse().unwrap();
    world.happen(&id, Event::NotAMember { was_known: true }).await;
    world.clock.advance(86_400);
    let again = send().await;
    let body = again.json();
    assert_eq!((again.status, &body["state"], &body["completed_at"]), (200, &json!("completed"), &json!(START)));
}

#[tokio::test]
async fn a_refused_request_is_refused_again_under_its_key() {
    let world = World::new();
    world.accepted_as(REQUESTER, &on("2026-04-01")).await;
    let send = || {
        let request = bearer("POST", "/offboardings").header("idempotency-key", "late");
        world.send(request.body(Body::from(on("2026-05-01").to_string())).unwrap())
    };
    send().await.problem(409);
    send().await.problem(409);
}

#[tokio::test]
async fn a_merge_survives_a_lost_answer() {
    let world = World::new();
    let id = world.accepted_as(REQUESTER, &on("2026-04-01")).await;
    let send = || {
        let request = bearer("POST", "/offboardings").header("idempotency-key", "today");
        world.send(request.body(Body::from(jane().to_string())).unwrap())
    };
    world
        .store
        .faults()
        .decided_by(|operation, moment| operation == "join" && moment == podio_aws::twin::Moment::Before);
    send().await.problem(503);
    world.store.faults().end();
    assert_eq!(world.load(&id).await.state.name(), "scheduled");
    world
        .store
        .faults()
        .decided_by(|operation, moment| operation == "join" && moment == podio_aws::twin::Moment::After);
    send().await.problem(503);
    world.store.faults().end();
    assert_eq!(world.load(&id).await.state.name(), "planning", "stored with its key");
    let again = send().await;
    assert_eq!((again.status, &again.json()["state"]), (200, &json!("planning")));
}
