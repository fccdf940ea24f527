//! `approve`, `cancel` and `retry`: what a person decides.

use std::sync::atomic::Ordering;

use podio_aws::twin::Moment;
use podio_engine::ports::WorkTable;
use podio_lifecycle::{
    hold::{HoldCode, Reason},
    ids::{OffboardingId, SpaceId},
    offboarding::{Event, Failure, FailureCode},
    ports::SpaceRemovals,
    removal::RemovalState,
    work::{Calls, JobId},
};
use serde_json::{Value, json};

use crate::world::{START, World, jane, key_of};

fn failure() -> Failure {
    Failure { code: FailureCode::MissingRights, detail: "Grant the right.".into() }
}

/// An offboarding that is held for two reasons.
async fn held(world: &World) -> OffboardingId {
    let id = world.accepted(jane()).await;
    let deleted = Reason::of_space(HoldCode::SpaceWouldBeDeleted, SpaceId(1), "Alone.");
    let admin = Reason::general(HoldCode::LastOrgAdmin, "The last admin.");
    world.planned(&id, 3, vec![deleted, admin]).await;
    world.wakes.take();
    id
}

#[tokio::test]
async fn an_approval_names_its_hold_and_every_reason() {
    let world = World::new();
    let id = held(&world).await;
    let approve = format!("/offboardings/{id}/approve");
    let hold = world.call("GET", &format!("/offboardings/{id}"), "").await.json()["hold"].clone();
    assert_eq!(hold["since"], START, "{hold}");
    let decision = |hold_id: &Value, reasons: Value| json!({"hold_id": hold_id, "reasons": reasons}).to_string();
    let deleted = json!({"code": "space_would_be_deleted", "space_id": 1});

    for incomplete in [
        json!([deleted]),
        json!(["last_org_admin"]),
        json!(["space_would_be_deleted", "last_org_admin"]),
        json!([{"code": "space_would_be_deleted", "space_id": 2}, "last_org_admin"]),
    ] {
        let refused = world.call("POST", &approve, &decision(&hold["hold_id"], incomplete.clone())).await;
        assert_eq!(refused.errors(422, "pointer"), ["/reasons"], "{incomplete}");
    }
    for (blanket, pointers) in
        [("", &["/hold_id", "/reasons"][..]), (r#"{"reasons": ["last_org_admin"]}"#, &["/hold_id"])]
    {
        assert_eq!(world.call("POST", &approve, blanket).await.errors(422, "pointer"), pointers, "{blanket}");
    }
    let all = json!([deleted, "last_org_admin"]);
    let stale = world.call("POST", &approve, &decision(&json!("hold_0"), all.clone())).await.problem(409);
    assert!(stale["detail"].as_str().unwrap().starts_with("Another hold"), "{stale}");
    assert_eq!(world.wakes.take(), 0, "nothing was approved");

    let rest = world.call("POST", &approve, &decision(&hold["hold_id"], all.clone())).await;
    assert_eq!((rest.status, &rest.json()["state"]), (202, &json!("planning")));
    assert_eq!(rest.json().get("spaces"), None, "a summary");
    assert_eq!(rest.headers["location"], format!("/offboardings/{id}"));
    assert_eq!(world.wakes.take(), 1);

    let again = world.call("POST", &approve, &decision(&hold["hold_id"], all.clone())).await.problem(409);
    assert!(again["detail"].as_str().unwrap().contains("not held"), "{again}");

    // A new plan finds another space that would be deleted: the first approval, repeated, is not of that hold.
    world.clock.advance(60);
    world.happen(&id, Event::Failed(failure())).await;
    world.happen(&id, Event::Retried).await;
    world.planned(&id, 3, vec![Reason::of_space(HoldCode::SpaceWouldBeDeleted, SpaceId(9), "Alone.")]).await;
    world.call("POST", &approve, &decision(&hold["hold_id"], all)).await.problem(409);
}

#[tokio::test]
async fn an_unknown_reason_or_field_is_pointed_at() {
    let world = World::new();
    let approve = format!("/offboardings/{}/approve", held(&world).await);
    let unknown = world.call("POST", &approve, r#"{"hold_id": "h", "reasons": ["everything"], "force": true}"#).await;
    assert_eq!(unknown.errors(422, "pointer"), ["/force", "/reasons/0"]);
    world.call("POST", &approve, "yes").await.problem(400);
}

#[tokio::test]
async fn cancelling_is_possible_until_a_removal_was_sent() {
    let world = World::new();
    let cancel = |id: &OffboardingId| format!("/offboardings/{id}/cancel");
    let scheduled = world.accepted(json!({"user": {"user_id": 9}, "effective_at": "2027-01-01T00:00:00Z"})).await;
    let held = held(&world).await;
    for id in [&scheduled, &held] {
        let reply = world.call("POST", &cancel(id), "").await;
        assert_eq!((reply.status, &reply.json()["state"]), (202, &json!("cancelled")));
        let again = world.call("POST", &cancel(id), "{}").await.problem(409);
        assert!(again["detail"].as_str().unwrap().contains("ended"), "{again}");
    }
    assert_eq!(world.store.claims().len(), 0, "the persons are free again");

    let removing = world.accepted(jane()).await;
    world.planned(&removing, 3, Vec::new()).await;
    let refused = world.call("POST", &cancel(&removing), "").await.problem(409);
    assert!(refused["detail"].as_str().unwrap().starts_with("Removals were already sent"), "{refused}");
    assert_eq!(world.call("POST", &cancel(&removing), r#"{"why": 1}"#).await.errors(422, "pointer"), ["/why"]);
}

#[tokio::test]
async fn what_was_called_off_is_left_to_the_worker_to_seal() {
    let world = World::new();
    let id = held(&world).await;
    let integrity = async || world.get(&format!("/offboardings/{id}/evidence")).await.json()["integrity"].clone();
    assert_eq!(world.call("POST", &format!("/offboardings/{id}/cancel"), "").await.status, 202);
    assert_eq!((world.wakes.take(), integrity().await), (1, json!("unsigned")), "the door holds no key");
    waits_without_a_call(&world, &id).await;
    world.ledger(&World::key()).seal(&world.load(&id).await, world.ports.clock.now()).await.unwrap();
    assert_eq!(integrity().await, "verified");
    assert_eq!(world.store.ready(world.ports.clock.now(), None, 10).await, Ok(vec![]));

    // With the queue down it waits all the same.
    let id = world.accepted(json!({"user": {"user_id": 9}, "effective_at": "2027-01-01T00:00:00Z"})).await;
    world.wakes.down.store(true, Ordering::SeqCst);
    assert_eq!(world.call("POST", &format!("/offboardings/{id}/cancel"), "").await.status, 202);
    waits_without_a_call(&world, &id).await;
}

#[tokio::test]
async fn a_failed_plan_is_planned_again() {
    let world = World::new();
    let id = world.accepted(jane()).await;
    world.happen(&id, Event::Failed(failure())).await;
    world.wakes.take();
    let retry = format!("/offboardings/{id}/retry");
    let reply = world.call("POST", &retry, "").await;
    assert_eq!((reply.status, &reply.json()["state"]), (202, &json!("planning")));
    assert_eq!(world.wakes.take(), 1);
    world.call("POST", &retry, "").await.problem(409);
}

/// An offboarding of three spaces that failed with one of them settled, the others out of the work table, and its evidence
/// sealed.
async fn failed_half_way(world: &World) -> OffboardingId {
    let id = world.accepted(jane()).await;
    world.planned(&id, 3, Vec::new()).await;
    world.settle(&id, SpaceId(1), RemovalState::Removed).await;
    for space in [2, 3] {
        let key = key_of(&world.load(&id).await, SpaceId(space));
        world.store.leave(&key.job()).await.unwrap();
        assert!(world.store.space(&key).await.unwrap().is_some(), "its record stays");
    }
    let failed = world.happen(&id, Event::Failed(failure())).await;
    world.ledger(&World::key()).seal(&failed, world.ports.clock.now()).await.unwrap();
    world.wakes.take();
    id
}

/// The offboarding's own job waits, without a call: to put the spaces back, or to seal the evidence.
async fn waits_without_a_call(world: &World, id: &OffboardingId) {
    let waiting = world.store.ready(world.ports.clock.now(), None, 10).await.unwrap();
    let waiting: Vec<_> = waiting.into_iter().map(|job| (job.job, job.calls)).collect();
    assert_eq!(waiting, [(JobId::new(JobId::OFFBOARDING, id), Calls::default())]);
}

#[tokio::test]
async fn a_retry_has_the_spaces_put_back_that_are_left() {
    let world = World::new();
    let id = failed_half_way(&world).await;
    assert_eq!(world.store.ready(world.ports.clock.now(), None, 10).await, Ok(vec![]));
    let reply = world.call("POST", &format!("/offboardings/{id}/retry"), "").await;
    assert_eq!((reply.status, &reply.json()["state"]), (202, &json!("removing")));
    assert_eq!(reply.json()["progress"]["spaces_pending"], 2);
    assert_eq!(world.wakes.take(), 1);
    waits_without_a_call(&world, &id).await;
}

#[tokio::test]
async fn a_retry_survives_a_queue_that_is_down_and_a_death_half_way() {
    let world = World::new();
    let id = failed_half_way(&world).await;
    // Storage dies right after the change was stored: whoever asked is told to come again, and nothing is lost.
    world.store.faults().decided_by(|operation, moment| operation == "save" && moment == Moment::After);
    world.call("POST", &format!("/offboardings/{id}/retry"), "").await.problem(503);
    world.store.faults().end();
    assert_eq!(world.load(&id).await.state.name(), "removing");
    waits_without_a_call(&world, &id).await;

    let world = World::new();
    let id = failed_half_way(&world).await;
    world.wakes.down.store(true, Ordering::SeqCst);
    let reply = world.call("POST", &format!("/offboardings/{id}/retry"), "").await;
    assert_eq!((reply.status, &reply.json()["state"]), (202, &json!("removing")));
    waits_without_a_call(&world, &id).await;
}

#[tokio::test]
async fn a_step_that_keeps_failing_goes_on_once_approved() {
    let world = World::new();
    let id = world.accepted(jane()).await;
    world.happen(&id, Event::KeepsFailing).await;
    world.wakes.take();
    let hold = world.get(&format!("/offboardings/{id}")).await.json()["hold"].clone();
    assert_eq!(hold["reasons"][0]["code"], "keeps_failing", "{hold}");
    let decision = json!({"hold_id": hold["hold_id"], "reasons": ["keeps_failing"]}).to_string();
    let reply = world.call("POST", &format!("/offboardings/{id}/approve"), &decision).await;
    assert_eq!((reply.status, &reply.json()["state"]), (202, &json!("planning")));
    assert_eq!(world.wakes.take(), 1);
}

#[tokio::test]
async fn a_retry_gives_way_to_a_newer_offboarding_of_the_same_person() {
    let world = World::new();
    let first = world.accepted(jane()).await;
    world.happen(&first, Event::Failed(failure())).await;
    let second = world.accepted(jane()).await;
    let problem = world.call("POST", &format!("/offboardings/{first}/retry"), "").await.problem(409);
    assert_eq!(problem["offboarding"], second.as_str());
    assert!(problem["detail"].as_str().unwrap().contains(second.as_str()));
}

#[tokio::test]
async fn decisions_on_what_does_not_exist_are_not_found() {
    let world = World::new();
    let decision = r#"{"hold_id": "hold_1", "reasons": ["acting_admin"]}"#;
    for (verb, body) in [("approve", decision), ("cancel", ""), ("retry", "")] {
        for id in ["off_0123456789abcdef0123456789abcdef", "7"] {
            world.call("POST", &format!("/offboardings/{id}/{verb}"), body).await.problem(404);
        }
    }
}
