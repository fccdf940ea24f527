//! A person stops all removals, and lets them go on.

use serde_json::{Value, json};

use crate::world::{APPROVER, REQUESTER, VIEWER, World, jane};

async fn state(world: &World) -> Value {
    let reply = world.call_as(VIEWER, "GET", "/pause", "").await;
    assert_eq!(reply.status, 200);
    reply.json()
}

#[tokio::test]
async fn a_pause_says_who_decided_it_and_why() {
    let world = World::new();
    assert_eq!(state(&world).await, json!({"paused": false, "since": null, "history": []}));

    let reply = world.call_as(APPROVER, "POST", "/pause", r#"{"reason": "Half the company was posted."}"#).await;

    assert_eq!((reply.status, &reply.json()["paused"]), (200, &json!(true)));
    let state = state(&world).await;
    assert!(state["since"].is_string());
    let decided = &state["history"][0];
    assert_eq!(decided["event"], "paused");
    assert_eq!(decided["actor"]["name"], "boss");
    assert_eq!(decided["reason"], "Half the company was posted.");
}

#[tokio::test]
async fn resuming_wakes_the_worker_and_both_may_be_asked_for_twice() {
    let world = World::new();
    for (path, paused) in [("/pause", true), ("/pause", true), ("/resume", false), ("/resume", false)] {
        let reply = world.call_as(APPROVER, "POST", path, "").await;
        assert_eq!((reply.status, &reply.json()["paused"]), (200, &json!(paused)), "{path}");
    }
    assert_eq!(state(&world).await["history"].as_array().unwrap().len(), 2, "what holds already changes nothing");
    assert_eq!(world.wakes.take(), 1);
}

#[tokio::test]
async fn nobody_can_tell_when_somebody_will_be_through_during_a_pause() {
    let world = World::new();
    let id = world.accepted_as(REQUESTER, &jane()).await;
    let eta = async || world.call_as(VIEWER, "GET", &format!("/offboardings/{id}"), "").await.json()["eta"].clone();
    assert!(eta().await.is_string());
    world.call_as(APPROVER, "POST", "/pause", "").await;
    assert_eq!(eta().await, Value::Null);
    world.call_as(APPROVER, "POST", "/resume", "").await;
    assert!(eta().await.is_string());
}

#[tokio::test]
async fn neither_a_viewer_nor_a_requester_may_decide_it() {
    let world = World::new();
    for token in [VIEWER, REQUESTER] {
        for path in ["/pause", "/resume"] {
            assert_eq!(world.call_as(token, "POST", path, "").await.problem(403)["status"], 403);
        }
    }
    assert_eq!(state(&world).await["history"], json!([]));
}

#[tokio::test]
async fn what_is_not_understood_changes_nothing() {
    let world = World::new();
    for (path, body, status) in [
        ("/pause", r#"{"why": "x"}"#, 422),
        ("/pause", r#"{"reason": 7}"#, 422),
        ("/resume", "[", 400),
        ("/pause?force=true", "", 400),
    ] {
        assert_eq!(world.call_as(APPROVER, "POST", path, body).await.status, status, "{path} {body}");
    }
    assert_eq!(world.call_as(APPROVER, "DELETE", "/pause", "").await.status, 405);
    assert_eq!(state(&world).await["paused"], false);
}
