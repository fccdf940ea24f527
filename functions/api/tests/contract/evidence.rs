//! `GET /offboardings/{id}/evidence`: the record, for programs and for people.

use lambda_http::Body;
use podio_lifecycle::{
    evidence::{CallRecord, chain, seal},
    ids::{OffboardingId, SpaceId},
    offboarding::{Event, PersonClaim},
    ports::{ReadCalls, ReadOffboardings, RecordCalls},
    removal::RemovalState,
};
use serde_json::{Value, json};

use crate::world::{World, bearer, jane};

async fn record(world: &World, id: &OffboardingId, method: &str, path: &str, status: u16, nonce: u8) {
    let at = world.ports.clock.now();
    let request_id = Some(format!("podio-{nonce}"));
    let call =
        CallRecord { at, answered_at: at, method: method.into(), path: path.into(), status: Some(status), request_id };
    world.store.record(id, &call, [nonce; 10]).await.unwrap();
}

/// An offboarding from one space to the seal.
async fn completed(world: &World) -> OffboardingId {
    let id = world.accepted(json!({"user": {"email": "jane@example.com"}, "reason": "<b>left</b>"})).await;
    record(world, &id, "GET", "/org/678/member/mail/jane@example.com", 200, 1).await;
    world.planned(&id, 1, Vec::new()).await;
    world.clock.advance(1);
    record(world, &id, "DELETE", "/space/1/member/12345", 204, 2).await;
    world.settle(&id, SpaceId(1), RemovalState::Removed).await;
    record(world, &id, "DELETE", "/org/678/member/12345", 204, 3).await;
    world.happen(&id, Event::OrgRemovalDone).await;
    world.clock.advance(1);
    let asked_at = world.ports.clock.now();
    record(world, &id, "GET", "/org/678/member/12345", 404, 4).await;
    world.happen(&id, Event::VerifiedGone { asked_at }).await;
    let spaces = world.store.spaces(&id, world.load(&id).await.plan.unwrap()).await.unwrap();
    let calls = world.store.calls(&id).await.unwrap();
    let sealed = seal(&chain(&world.load(&id).await, &spaces, &calls), b"key", asked_at);
    world.rewrite(&id, PersonClaim::Keep, |offboarding| offboarding.seal = Some(sealed)).await;
    id
}

#[tokio::test]
async fn a_sealed_record_tells_everything() {
    let world = World::new();
    let id = completed(&world).await;
    world.clock.advance(60);
    record(&world, &id, "GET", "/late", 200, 5).await;

    let evidence = world.get(&format!("/offboardings/{id}/evidence")).await.json();
    assert_eq!((&evidence["id"], &evidence["state"]), (&json!(id), &json!("completed")));
    assert_eq!(evidence["request"]["person"], json!({"email": "jane@example.com"}));
    assert_eq!(evidence["plan"]["leaver"]["user_id"], 12345);
    let calls = evidence["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 4, "a call after the seal is not part of the record");
    assert_eq!(
        calls[1],
        json!({"time": "2026-03-01T12:00:01Z", "method": "DELETE", "path": "/space/1/member/12345", "status": 204, "request_id": "podio-2"})
    );
    assert_eq!(
        evidence["verification"],
        json!({
            "outcome": "removed", "completed_at": "2026-03-01T12:00:02Z", "organization_left_at": "2026-03-01T12:00:01Z",
            "read_backs": [calls[3]],
        })
    );
    assert_eq!(evidence["spaces"][0]["state"], "removed");
    let entries = evidence["chain"]["entries"].as_array().unwrap();
    let kinds: Vec<_> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["request", "plan", "call", "call", "call", "call", "space", "outcome"]);
    assert_eq!(evidence["chain"]["algorithm"], "SHA-256");
    assert_eq!(evidence["chain"]["head"], entries[7]["hash"]);
    assert_eq!(evidence["seal"]["head"], entries[7]["hash"]);
    assert_eq!(evidence["intact"], true);
}

#[tokio::test]
async fn a_record_that_was_tampered_with_says_so() {
    let world = World::new();
    let id = completed(&world).await;
    world
        .rewrite(&id, PersonClaim::Keep, |offboarding| offboarding.request.reason = Some("something else".into()))
        .await;
    let evidence = world.get(&format!("/offboardings/{id}/evidence")).await.json();
    assert_eq!(evidence["intact"], false);
}

#[tokio::test]
async fn before_the_end_there_is_neither_seal_nor_verification() {
    let world = World::new();
    let id = world.accepted(jane()).await;
    let evidence = world.get(&format!("/offboardings/{id}/evidence")).await.json();
    for member in ["plan", "verification", "seal", "intact"] {
        assert_eq!(evidence[member], Value::Null, "{member}");
    }
    assert_eq!(evidence["chain"]["entries"].as_array().unwrap().len(), 1);
    world.get("/offboardings/off_0123456789abcdef0123456789abcdef/evidence").await.problem(404);
}

#[tokio::test]
async fn people_get_a_page_that_runs_nothing() {
    let world = World::new();
    let id = completed(&world).await;
    let request = bearer("GET", &format!("/offboardings/{id}/evidence")).header("accept", "text/html,*/*;q=0.8");
    let page = world.send(request.body(Body::Empty).unwrap()).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers["vary"], "accept");
    assert!(page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert!(page.text.contains("The record is the one that was sealed."));
    assert!(page.text.contains("&lt;b&gt;left&lt;/b&gt;") && page.text.contains("Jane &lt;Doe&gt;"));
    for markup in ["<b>", "<Doe>", "<script"] {
        assert!(!page.text.contains(markup), "{markup}");
    }
    assert!(page.text.contains("podio-3"));
}
