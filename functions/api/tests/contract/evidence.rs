//! `GET /offboardings/{id}/evidence`: the record, for programs, for people, and for whoever checks it.

use lambda_http::Body;
use podio_lifecycle::{
    evidence::{CallRecord, KeySet, verify},
    ids::{OffboardingId, SpaceId},
    offboarding::{Event, PersonClaim},
    ports::RecordCalls,
    removal::RemovalState,
};
use serde_json::{Value, json};

use crate::world::{World, bearer, jane};

pub async fn record(world: &World, id: &OffboardingId, method: &str, path: &str, status: u16, nonce: u8) {
    let at = world.ports.clock.now();
    let request_id = Some(format!("podio-{nonce}"));
    let call =
        CallRecord { at, answered_at: at, method: method.into(), path: path.into(), status: Some(status), request_id };
    world.journal().record(id, &call).await.unwrap();
}

/// An offboarding of somebody, from one space to the seal.
pub async fn completed_for(world: &World, mail: &str) -> OffboardingId {
    let id = world.accepted(json!({"user": {"email": mail}, "reason": "<b>left</b>"})).await;
    record(world, &id, "GET", &format!("/org/678/member/mail/{mail}"), 200, 1).await;
    world.planned(&id, 1, Vec::new()).await;
    world.clock.advance(1);
    record(world, &id, "DELETE", "/space/1/member/12345", 204, 2).await;
    world.settle(&id, SpaceId(1), RemovalState::Removed).await;
    record(world, &id, "DELETE", "/org/678/member/12345", 204, 3).await;
    world.happen(&id, Event::OrgRemovalDone).await;
    world.clock.advance(1);
    let asked_at = world.ports.clock.now();
    record(world, &id, "GET", "/org/678/member/12345", 404, 4).await;
    let gone = Event::VerifiedGone { asked_at };
    world.ledger(&World::key()).commit_anyhow(&id, &gone, asked_at).await.unwrap();
    id
}

async fn completed(world: &World) -> OffboardingId {
    completed_for(world, "jane@example.com").await
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
    let mut kinds: Vec<_> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    kinds.dedup();
    assert_eq!(kinds, ["request", "plan", "call", "calls", "space", "history", "verification", "outcome"]);
    assert_eq!(evidence["chain"]["algorithm"], "SHA-256");
    assert_eq!(evidence["seal"]["head"], evidence["chain"]["head"]);
    assert_eq!(evidence["seal"]["head"], entries.last().unwrap()["hash"]);
    assert_eq!(evidence["integrity"], "verified");
}

#[tokio::test]
async fn what_the_offboarding_says_later_is_not_in_the_record() {
    let world = World::new();
    let id = completed(&world).await;
    world
        .rewrite(&id, PersonClaim::Keep, |offboarding| offboarding.request.reason = Some("something else".into()))
        .await;
    let evidence = world.get(&format!("/offboardings/{id}/evidence")).await.json();
    assert_eq!(evidence["request"]["reason"], "<b>left</b>");
    assert_eq!(evidence["integrity"], "verified");
}

#[tokio::test]
async fn deleted_call_is_noticed_before_the_end_and_after_it() {
    let world = World::new();
    let open = world.accepted(json!({"user": {"email": "john@example.com"}})).await;
    for n in 1..=3 {
        record(&world, &open, "GET", "/org/678", 200, n).await;
    }
    let sealed = completed(&world).await;
    let integrity =
        async |id: &OffboardingId| world.get(&format!("/offboardings/{id}/evidence")).await.json()["integrity"].clone();
    assert_eq!((integrity(&open).await, integrity(&sealed).await), (json!("unsigned"), json!("verified")));
    for id in [&open, &sealed] {
        world.store.tamper(|evidence| evidence.calls.get_mut(id).unwrap().pop_last());
        assert_eq!(integrity(id).await, "altered");
    }
}

#[tokio::test]
async fn before_the_end_there_is_neither_seal_nor_verification() {
    let world = World::new();
    let id = world.accepted(jane()).await;
    let path = format!("/offboardings/{id}/evidence");
    let evidence = world.get(&path).await.json();
    for member in ["plan", "verification", "outcome", "seal"] {
        assert_eq!(evidence[member], Value::Null, "{member}");
    }
    assert_eq!(evidence["integrity"], "unsigned");
    let request = bearer("GET", &path).header("accept", "application/vnd.dsse+json");
    world.send(request.body(Body::Empty).unwrap()).await.problem(409);
    world.get("/offboardings/off_0123456789abcdef0123456789abcdef/evidence").await.problem(404);
}

#[tokio::test]
async fn envelope_verifies_with_the_keys_that_anybody_can_read() {
    let world = World::new();
    let id = completed(&world).await;
    let request = bearer("GET", &format!("/offboardings/{id}/evidence")).header("accept", "application/vnd.dsse+json");
    let envelope = world.send(request.body(Body::Empty).unwrap()).await;
    assert_eq!(
        (envelope.status, &envelope.headers["content-type"]),
        (200, &"application/vnd.dsse+json".parse().unwrap())
    );
    let keys = lambda_http::http::Request::get("/evidence/keys").body(Body::Empty).unwrap();
    let keys = world.send(keys).await;
    assert_eq!((keys.status, &keys.headers["content-type"]), (200, &"application/jwk-set+json".parse().unwrap()));
    let key = &keys.json()["keys"][0];
    assert_eq!((&key["kty"], &key["crv"]), (&json!("OKP"), &json!("Ed25519")));
    assert_eq!(envelope.json()["signatures"][0]["keyid"], key["kid"]);
    let keys: KeySet = serde_json::from_str(&keys.text).unwrap();
    let record = verify::envelope(&envelope.text, &keys).unwrap();
    assert_eq!((record.id, record.seal.number), (id.to_string(), 1));
}

/// The samples that other tools check (infra/checks/test_evidence.py): signatures are the same each time, so that these
/// files are what the door answers. `UPDATE_SAMPLES=1` writes them anew.
#[tokio::test]
async fn samples_for_other_tools_are_what_the_door_answers() {
    let world = World::new();
    completed(&world).await;
    let id = completed_for(&world, "jörg@example.com").await;
    let request = bearer("GET", &format!("/offboardings/{id}/evidence")).header("accept", "application/vnd.dsse+json");
    let envelope = world.send(request.body(Body::Empty).unwrap()).await.text;
    let keys = world.get("/evidence/keys").await.text;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/checks/samples");
    for (name, answer) in [("evidence.json", envelope), ("keys.json", keys)] {
        let path = format!("{folder}/{name}");
        if std::env::var_os("UPDATE_SAMPLES").is_some() {
            std::fs::write(&path, &answer).unwrap();
        }
        assert!(std::fs::read_to_string(&path).unwrap_or_default() == answer, "{name} is another: see UPDATE_SAMPLES");
    }
}

#[tokio::test]
async fn each_seal_names_the_one_before() {
    let world = World::new();
    let first = completed(&world).await;
    let second = completed_for(&world, "john@example.com").await;
    let seal =
        async |id: &OffboardingId| world.get(&format!("/offboardings/{id}/evidence")).await.json()["seal"].clone();
    let (first_seal, second_seal) = (seal(&first).await, seal(&second).await);
    assert_eq!(first_seal["previous"], Value::Null);
    assert_eq!(second_seal["previous"], json!({"number": 1, "id": first, "sha256": first_seal["sha256"]}));
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
    assert!(page.text.contains("Verified: the record is the one that was signed."));
    assert!(page.text.contains("&lt;b&gt;left&lt;/b&gt;") && page.text.contains("Jane &lt;Doe&gt;"));
    for markup in ["<b>", "<Doe>", "<script"] {
        assert!(!page.text.contains(markup), "{markup}");
    }
    assert!(page.text.contains("podio-3") && page.text.contains("1 Mar 2026, 12:00:02 UTC"));
}
