//! What is refused, in which order, and with which words.

use lambda_http::{Body, http};
use podio_lifecycle::ports::ReadOffboardings;
use serde_json::json;

use crate::world::{TOKEN, World, bearer, jane};

const ID: &str = "off_0123456789abcdef0123456789abcdef";

async fn nothing_was_stored(world: &World) {
    assert_eq!(
        world.store.list(&podio_lifecycle::offboarding::Filter::default(), 10, None).await.unwrap().offboardings,
        []
    );
    assert_eq!(world.wakes.take(), 0);
}

#[tokio::test]
async fn without_signature_or_token_nobody_comes_in() {
    let world = World::new();
    let body = jane().to_string();
    let now = world.ports.clock.now();
    let minutes = |minutes: i64| now + jiff::SignedDuration::from_mins(minutes);
    let post = || http::Request::post("/offboardings");
    for (story, request) in [
        ("nothing", post()),
        ("a wrong token", post().header("authorization", "Bearer wrong")),
        ("another scheme", post().header("authorization", format!("Basic {TOKEN}"))),
        ("a signature of another body", world.signed("msg_1", now, "{}")),
        ("a stale one", world.signed("msg_1", minutes(-6), &body)),
        ("one from the future", world.signed("msg_1", minutes(6), &body)),
        (
            "a wrong signature beside a right token",
            world.signed("m", now, "{}").header("authorization", format!("Bearer {TOKEN}")),
        ),
        ("no time", post().header("webhook-id", "m").header("webhook-signature", "v1,AAAA")),
    ] {
        let reply = world.send(request.body(Body::from(body.as_str())).unwrap()).await;
        reply.problem(401);
        assert!(reply.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"), "{story}");
    }
    nothing_was_stored(&world).await;
}

#[tokio::test]
async fn every_other_route_wants_a_token() {
    let world = World::new();
    for (method, path) in [
        ("GET", "/offboardings".to_owned()),
        ("GET", format!("/offboardings/{ID}")),
        ("GET", "/offboardings/none".to_owned()),
        ("GET", format!("/offboardings/{ID}/evidence")),
        ("POST", format!("/offboardings/{ID}/approve")),
        ("POST", format!("/offboardings/{ID}/cancel")),
        ("POST", format!("/offboardings/{ID}/retry")),
        ("GET", "/quota".to_owned()),
    ] {
        let request = http::Request::builder().method(method).uri(&path).body(Body::Empty).unwrap();
        world.send(request).await.problem(401);
        let wrong = http::Request::builder().method(method).uri(&path).header("authorization", "Bearer x");
        let reply = world.send(wrong.body(Body::Empty).unwrap()).await;
        assert!(reply.headers["www-authenticate"].to_str().unwrap().contains("invalid_token"), "{path}");
    }
}

#[tokio::test]
async fn health_wants_nothing_and_touches_nothing() {
    let world = World::new();
    world.store.faults().decided_by(|_, _| true);
    let reply = world.send(http::Request::get("/health").body(Body::Empty).unwrap()).await;
    assert_eq!((reply.status, reply.json()), (200, json!({"status": "ok"})));
    let head = world.send(http::Request::head("/health").body(Body::Empty).unwrap()).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn other_routes_and_methods_do_not_exist() {
    let world = World::new();
    for path in ["/", "/offboarding", "/offboardings/", "/offboardings/x/y", "/Health", "/quota/1"] {
        world.get(path).await.problem(404);
    }
    for (method, path, allow) in [
        ("DELETE", "/offboardings", "GET, HEAD, POST"),
        ("PUT", &*format!("/offboardings/{ID}"), "GET, HEAD"),
        ("GET", &*format!("/offboardings/{ID}/cancel"), "POST"),
        ("POST", &*format!("/offboardings/{ID}/evidence"), "GET, HEAD"),
        ("POST", "/quota", "GET, HEAD"),
        ("POST", "/health", "GET, HEAD"),
    ] {
        let reply = world.call(method, path, "").await;
        reply.problem(405);
        assert_eq!(reply.headers["allow"], allow, "{method} {path}");
    }
}

#[tokio::test]
async fn a_body_may_have_256_kib_and_not_a_byte_more() {
    let world = World::new();
    let padded = |length: usize| {
        let body = jane().to_string();
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    assert_eq!(world.call("POST", "/offboardings", &padded(256 * 1024)).await.status, 202);
    let request = http::Request::post("/offboardings").body(Body::from(padded(256 * 1024 + 1))).unwrap();
    world.send(request).await.problem(413);
}

#[tokio::test]
async fn what_is_not_json_is_malformed_and_what_is_not_a_leaver_is_pointed_at() {
    let world = World::new();
    for body in ["", "jane", "{", "{} {}", "\u{feff}{}"] {
        world.call("POST", "/offboardings", body).await.problem(400);
    }
    for (body, pointers) in [
        (json!([]), vec![""]),
        (json!({}), vec!["/user"]),
        (json!({"user": {"email": "jane"}}), vec!["/user/email"]),
        (json!({"user": {"email": "j@example.com", "user_id": 1}}), vec!["/user"]),
        (json!({"user": {"email": "j@example.com"}, "dryrun": true}), vec!["/dryrun"]),
        (
            json!({"user": {"user_id": -1}, "org_id": 0, "effective_at": "2026-12-01T17:00:00"}),
            vec!["/user/user_id", "/org_id", "/effective_at"],
        ),
    ] {
        let reply = world.call("POST", "/offboardings", &body.to_string()).await;
        assert_eq!(reply.errors(422, "pointer"), pointers, "{body}");
    }
    let twice = r#"{"user": {"user_id": 1}, "dry_run": true, "dry_run": false}"#;
    assert_eq!(world.call("POST", "/offboardings", twice).await.errors(422, "pointer"), ["/dry_run"]);
    nothing_was_stored(&world).await;
}

#[tokio::test]
async fn an_organization_that_is_not_managed_is_refused() {
    let world = World::new();
    let post = async |org: u64, user: u64| {
        let body = json!({"user": {"user_id": user}, "org_id": org}).to_string();
        world.call("POST", "/offboardings", &body).await
    };
    assert_eq!(post(10, 1).await.errors(422, "pointer"), ["/org_id"]);
    nothing_was_stored(&world).await;
    for (org, user) in [(678, 1), (9, 2)] {
        let reply = post(org, user).await;
        assert_eq!(reply.status, 202);
        assert_eq!(world.load(&reply.json()["id"].as_str().unwrap().parse().unwrap()).await.org_id.0, org);
    }
}

#[tokio::test]
async fn an_idempotency_key_must_be_a_key() {
    let world = World::new();
    let long = "k".repeat(256);
    for key in ["", "  ", &long, "t\tb"] {
        let request =
            bearer("POST", "/offboardings").header("idempotency-key", key).body(Body::from(jane().to_string()));
        world.send(request.unwrap()).await.problem(400);
    }
    nothing_was_stored(&world).await;
}

#[tokio::test]
async fn storage_that_cannot_be_read_is_our_fault_and_not_told() {
    let world = World::new();
    world.store.faults().decided_by(|_, _| true);
    for path in [format!("/offboardings/{ID}"), "/offboardings".to_owned(), "/quota".to_owned()] {
        let reply = world.get(&path).await;
        reply.problem(503);
        assert_eq!(reply.headers["retry-after"], "5");
    }
}
