//! `approve`, `cancel` and `retry`: what a person decides.

use std::sync::atomic::Ordering;

use podio_aws::twin::Moment;
use podio_lifecycle::{
    hold::{HoldCode, Reason},
    ids::{OffboardingId, SpaceId},
    job::{BatchKey, Job},
    offboarding::{Event, Failure, FailureCode},
    ports::{ReadOffboardings, TrackRemovals},
    removal::RemovalState,
};
use serde_json::{Value, json};

use crate::world::{START, World, jane};

fn failure() -> Failure {
    Failure { code: FailureCode::PodioUnavailable, detail: "Try later.".into() }
}

/// An offboarding that is held for two reasons.
async fn held(world: &World) -> OffboardingId {
    let id = world.accepted(jane()).await;
    let deleted = Reason::of_space(HoldCode::SpaceWouldBeDeleted, SpaceId(1), "Alone.");
    let admin = Reason::general(HoldCode::LastOrgAdmin, "The last admin.");
    world.planned(&id, 3, vec![deleted, admin]).await;
    world.jobs.take();
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
    assert_eq!(world.jobs.take(), [], "nothing was approved");

    let rest = world.call("POST", &approve, &decision(&hold["hold_id"], all.clone())).await;
    assert_eq!((rest.status, &rest.json()["state"]), (202, &json!("planning")));
    assert_eq!(rest.json().get("spaces"), None, "a summary");
    assert_eq!(rest.headers["location"], format!("/offboardings/{id}"));
    assert_eq!(world.jobs.take(), [Job::Plan { offboarding: id.clone() }]);

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
async fn a_failed_plan_is_planned_again() {
    let world = World::new();
    let id = world.accepted(jane()).await;
    world.happen(&id, Event::Failed(failure())).await;
    world.jobs.take();
    let retry = format!("/offboardings/{id}/retry");
    let reply = world.call("POST", &retry, "").await;
    assert_eq!((reply.status, &reply.json()["state"]), (202, &json!("planning")));
    assert_eq!(world.jobs.take(), [Job::Plan { offboarding: id }]);
    world.call("POST", &retry, "").await.problem(409);
}

/// An offboarding that failed with one of its two batches still to do.
async fn failed_half_way(world: &World) -> OffboardingId {
    let id = world.accepted(jane()).await;
    world.planned(&id, 12, Vec::new()).await;
    let plan = world.load(&id).await.plan.unwrap();
    let key = BatchKey { plan, number: 1 };
    world.store.settle(&id, key, SpaceId(11), RemovalState::Removed, world.ports.clock.now()).await.unwrap();
    for number in 0..2 {
        // The worker has given up, and asked the sweep to look no more.
        world.store.stamp(&id, BatchKey { plan, number }, &[], None).await.unwrap();
    }
    world.happen(&id, Event::Failed(failure())).await;
    world.jobs.take();
    id
}

#[tokio::test]
async fn a_retry_sends_only_what_is_left_and_wakes_the_batches() {
    let world = World::new();
    let id = failed_half_way(&world).await;
    let reply = world.call("POST", &format!("/offboardings/{id}/retry"), "").await;
    assert_eq!((reply.status, &reply.json()["state"]), (202, &json!("removing")));

    let spaces: Vec<u64> = world
        .jobs
        .take()
        .into_iter()
        .map(|job| match job {
            Job::RemoveFromSpace { space, .. } => space.0,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(spaces, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]);
    let plan = world.load(&id).await.plan.unwrap();
    for batch in world.store.batches(&id, plan).await.unwrap() {
        assert_eq!(batch.due_at, Some(world.ports.clock.now()), "the sweep would find it");
    }
}

#[tokio::test]
async fn a_retry_survives_a_queue_that_is_down_and_a_death_half_way() {
    let world = World::new();
    let id = failed_half_way(&world).await;
    // Storage dies right after the change was stored: whoever asked is told to come again, and nothing is lost.
    world.store.faults().decided_by(|operation, moment| operation == "save" && moment == Moment::After);
    world.call("POST", &format!("/offboardings/{id}/retry"), "").await.problem(503);
    world.store.faults().end();
    let stored = world.load(&id).await;
    assert_eq!(stored.state.name(), "removing");
    let batches = world.store.batches(&id, stored.plan.unwrap()).await.unwrap();
    assert!(batches.iter().all(|batch| batch.due_at.is_some()), "woken before the change");

    let world = World::new();
    let id = failed_half_way(&world).await;
    world.jobs.down.store(true, Ordering::SeqCst);
    let reply = world.call("POST", &format!("/offboardings/{id}/retry"), "").await;
    assert_eq!((reply.status, &reply.json()["state"]), (202, &json!("removing")));
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
