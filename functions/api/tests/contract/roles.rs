//! Each caller may do what its role allows, and only in its own name.

use lambda_http::Body;
use podio_lifecycle::{
    hold::{HoldCode, Reason},
    ids::OffboardingId,
    offboarding::{Event, Failure, FailureCode},
};
use serde_json::{Value, json};

use crate::world::{APPROVER, OTHER_REQUESTER, PAYROLL_SECRET, REQUESTER, START, TOKEN, VIEWER, World, bearer, jane};

const MISSING: &str = "off_0123456789abcdef0123456789abcdef";

async fn held_by(world: &World, token: &str) -> (OffboardingId, String) {
    let id = world.accepted_as(token, &jane()).await;
    world.planned(&id, 3, vec![Reason::general(HoldCode::LastOrgAdmin, "The last admin.")]).await;
    let hold = world.load(&id).await.hold_id().unwrap();
    (id, json!({"hold_id": hold, "reasons": ["last_org_admin"]}).to_string())
}

fn is_refused(reply: &crate::world::Reply, word: &str) {
    let detail = reply.problem(403)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(word) && detail.ends_with('.'), "{detail}");
}

#[tokio::test]
async fn a_viewer_reads_everything_and_changes_nothing() {
    let world = World::new();
    let (id, decision) = held_by(&world, REQUESTER).await;
    for path in ["/offboardings", &format!("/offboardings/{id}"), &format!("/offboardings/{id}/evidence"), "/quota"] {
        assert_eq!(world.call_as(VIEWER, "GET", path, "").await.status, 200, "{path}");
    }
    let before = world.load(&id).await;
    is_refused(&world.call_as(VIEWER, "POST", "/offboardings", &jane().to_string()).await, "requester");
    for (verb, body, word) in
        [("approve", &*decision, "approver"), ("cancel", "", "requester"), ("retry", "", "approver")]
    {
        let reply = world.call_as(VIEWER, "POST", &format!("/offboardings/{id}/{verb}"), body).await;
        is_refused(&reply, word);
    }
    assert_eq!(world.load(&id).await, before);
}

#[tokio::test]
async fn a_requester_cancels_only_what_it_posted() {
    let world = World::new();
    let (id, decision) = held_by(&world, REQUESTER).await;
    let path = |verb: &str| format!("/offboardings/{id}/{verb}");
    is_refused(&world.call_as(OTHER_REQUESTER, "POST", &path("cancel"), "").await, "itself");
    for token in [REQUESTER, OTHER_REQUESTER] {
        is_refused(&world.call_as(token, "POST", &path("approve"), &decision).await, "approver");
        is_refused(&world.call_as(token, "POST", &path("retry"), "").await, "approver");
    }
    assert_eq!(world.load(&id).await.state.name(), "held");
    let own = world.call_as(REQUESTER, "POST", &path("cancel"), "").await;
    assert_eq!((own.status, &own.json()["state"]), (202, &json!("cancelled")));
}

#[tokio::test]
async fn an_approver_approves_cancels_and_retries_for_others() {
    let world = World::new();
    let (id, decision) = held_by(&world, REQUESTER).await;
    let path = |id: &OffboardingId, verb: &str| format!("/offboardings/{id}/{verb}");
    assert_eq!(world.call_as(APPROVER, "POST", &path(&id, "approve"), &decision).await.status, 202);
    let failure = Failure { code: FailureCode::UnknownOrg, detail: "Check.".into() };
    world.happen(&id, Event::Failed(failure)).await;
    assert_eq!(world.call_as(APPROVER, "POST", &path(&id, "retry"), "").await.status, 202);
    assert_eq!(world.call_as(APPROVER, "POST", &path(&id, "cancel"), "").await.status, 202);

    let view = world.call_as(VIEWER, "GET", &format!("/offboardings/{id}"), "").await.json();
    assert_eq!(view["source"], json!({"kind": "api", "name": "hr"}));
    let (hr, boss) = (json!({"kind": "api", "name": "hr"}), json!({"kind": "api", "name": "boss"}));
    let hold_id = serde_json::from_str::<Value>(&decision).unwrap()["hold_id"].clone();
    let expected = json!([
        {"at": START, "event": "requested", "actor": hr},
        {"at": START, "event": "approved", "actor": boss, "hold_id": hold_id},
        {"at": START, "event": "retried", "actor": boss},
        {"at": START, "event": "cancelled", "actor": boss},
    ]);
    assert_eq!(view["history"], expected);
    let evidence = world.get(&path(&id, "evidence")).await.json();
    assert_eq!(evidence["request"]["source"], json!({"kind": "api", "name": "hr"}));
    assert_eq!(evidence["request"]["history"], expected);
}

#[tokio::test]
async fn what_requested_by_says_makes_nobody_else_of_a_caller() {
    let world = World::new();
    let body = json!({"user": {"user_id": 5}, "requested_by": "Podio item 5, revision 2"});
    let id = world.accepted_as(REQUESTER, &body).await;
    let view = world.get(&format!("/offboardings/{id}")).await.json();
    assert_eq!(view["source"], json!({"kind": "api", "name": "hr"}));
    assert_eq!(view["requested_by"], "Podio item 5, revision 2");
}

#[tokio::test]
async fn urgent_is_for_approvers_and_signed_senders() {
    let world = World::new();
    let body = |user: u64| json!({"user": {"user_id": user}, "priority": "urgent"}).to_string();
    is_refused(&world.call_as(REQUESTER, "POST", "/offboardings", &body(1)).await, "approver");
    assert_eq!(world.store.claims().len(), 0, "nothing was stored");
    assert_eq!(world.call_as(APPROVER, "POST", "/offboardings", &body(1)).await.status, 202);
    let signed = world.post_signed("msg_1", &body(2)).await;
    assert_eq!(signed.status, 202);
    let view = world.get(signed.json()["url"].as_str().unwrap()).await.json();
    assert_eq!((&view["priority"], &view["source"]), (&json!("urgent"), &json!({"kind": "sender", "name": "default"})));
}

#[tokio::test]
async fn whoever_asked_may_not_approve_where_two_persons_are_wanted() {
    let mut world = World::new();
    world.settings.two_person_approval = true;
    let (id, decision) = held_by(&world, APPROVER).await;
    let path = format!("/offboardings/{id}/approve");
    is_refused(&world.call_as(APPROVER, "POST", &path, &decision).await, "somebody else");
    // An admin who asks for the same person is one of those who asked.
    let again = world.call("POST", "/offboardings", &jane().to_string()).await;
    assert_eq!((again.status, &again.json()["merged"]), (200, &json!([])));
    is_refused(&world.call("POST", &path, &decision).await, "somebody else");

    let mut world = World::new();
    world.settings.two_person_approval = true;
    let (id, decision) = held_by(&world, REQUESTER).await;
    let path = format!("/offboardings/{id}/approve");
    assert_eq!(world.call_as(APPROVER, "POST", &path, &decision).await.status, 202);
}

#[tokio::test]
async fn whoever_asked_may_approve_where_one_person_suffices() {
    let world = World::new();
    let (id, decision) = held_by(&world, APPROVER).await;
    assert_eq!(world.call_as(APPROVER, "POST", &format!("/offboardings/{id}/approve"), &decision).await.status, 202);
}

#[tokio::test]
async fn checks_are_made_in_the_order_of_the_contract() {
    let world = World::new();
    let (id, _) = held_by(&world, REQUESTER).await;
    let cancel = format!("/offboardings/{id}/cancel");
    world.call_as("nobodys-token-0123456789ab", "POST", &format!("{cancel}?x=1"), "no").await.problem(401);
    world.call_as(VIEWER, "POST", &format!("{cancel}?x=1"), "[]").await.problem(400);
    world.call_as(VIEWER, "POST", &cancel, "[]").await.problem(422);
    world.call_as(VIEWER, "POST", &cancel, "").await.problem(403);
    world.call_as(VIEWER, "POST", &format!("/offboardings/{MISSING}/cancel"), "").await.problem(403);
    world.call_as(VIEWER, "POST", "/offboardings/7/cancel", "").await.problem(403);
    world.call_as(VIEWER, "POST", "/offboardings", "{}").await.problem(422);
    assert_eq!(world.call_as(REQUESTER, "POST", &cancel, "").await.status, 202);
    world.call_as(OTHER_REQUESTER, "POST", &cancel, "").await.problem(403);
    world.call_as(REQUESTER, "POST", &cancel, "").await.problem(409);
}

#[tokio::test]
async fn idempotency_keys_belong_to_their_sender() {
    let world = World::new();
    let now = world.ports.clock.now();
    let body = |user: u64| json!({"user": {"user_id": user}}).to_string();
    let signed = async |secret: &str, user: u64| {
        let request = world.signed_with(secret, "msg_1", now, &body(user)).body(Body::from(body(user))).unwrap();
        world.send(request).await
    };
    let shown = async |token: &'static str, header: &str, user: u64| {
        let request = bearer("POST", "/offboardings").header(header, "msg_1").body(Body::from(body(user)));
        let mut request = request.unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        world.send(request).await
    };
    assert_eq!(signed(crate::world::SECRET, 1).await.status, 202);
    assert_eq!(signed(PAYROLL_SECRET, 2).await.status, 202);
    assert_eq!(shown(TOKEN, "idempotency-key", 3).await.status, 202);
    assert_eq!(shown(REQUESTER, "idempotency-key", 4).await.status, 202);
    assert_eq!(shown(REQUESTER, "webhook-id", 5).await.status, 202, "each header has keys of its own");
    for (reply, user) in [
        (signed(crate::world::SECRET, 1).await, 1),
        (signed(PAYROLL_SECRET, 2).await, 2),
        (shown(REQUESTER, "idempotency-key", 4).await, 4),
    ] {
        assert_eq!((reply.status, reply.json().get("merged")), (200, None), "{user}");
        let view = world.get(reply.json()["url"].as_str().unwrap()).await.json();
        assert_eq!(view["user"]["user_id"], user);
    }
    signed(PAYROLL_SECRET, 1).await.problem(409);
}
