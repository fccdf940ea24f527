//! Whatever is sent, the answer is one of the contract's.

use lambda_http::{Body, Request, http};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{TOKEN, World, bearer};

fn answer(world: &World, request: Request) -> u16 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(world.send(request)).status
}

/// Values that are nearly right.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("jane@example.com")),
        Just(json!("2026-12-01T17:00:00+01:00")),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})".prop_map(Value::from),
    ];
    let name = prop_oneof![Just("email".to_owned()), Just("user_id".to_owned()), ".{0,4}".prop_map(String::from)];
    leaf.prop_recursive(2, 8, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map(name.clone(), inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn body() -> impl Strategy<Value = Value> {
    let names = [
        "user",
        "org_id",
        "effective_at",
        "dry_run",
        "require_approval",
        "reason",
        "requested_by",
        "priority",
        "reasons",
        "x",
    ];
    prop::collection::hash_map(prop::sample::select(names.to_vec()), value(), 0..5)
        .prop_map(|map| Value::Object(map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

proptest! {
    #[test]
    fn nearly_right_bodies_are_accepted_or_refused(body in body()) {
        let world = World::new();
        let request = bearer("POST", "/offboardings").body(Body::from(body.to_string())).unwrap();
        prop_assert!([202, 400, 422].contains(&answer(&world, request)), "{}", body);
    }

    #[test]
    fn arbitrary_bytes_never_break_anything(
        body in prop::collection::vec(any::<u8>(), 0..200),
        path in prop::sample::select(vec![
            "/offboardings", "/offboardings/off_0123456789abcdef0123456789abcdef/approve",
            "/offboardings/off_0123456789abcdef0123456789abcdef/cancel",
        ]),
        key in prop::collection::vec(32u8..127, 0..300),
    ) {
        let world = World::new();
        let request = bearer("POST", path).header("idempotency-key", key).body(Body::from(body)).unwrap();
        prop_assert!(answer(&world, request) < 500);
    }

    #[test]
    fn arbitrary_paths_queries_and_methods_never_break_anything(
        method in "[A-Z]{1,8}",
        path in "(/(offboardings|senders|quota|health|off_[0-9a-f]{32}|evidence|[a-z0-9%._~-]{0,6})){0,4}",
        query in "((state|limit|cursor|fields)=[a-z0-9%_+&=-]{0,8}&?){0,3}",
        accept in "[a-z/*;=,. 0-9]{0,30}",
    ) {
        let world = World::new();
        let request = http::Request::builder()
            .method(method.as_str())
            .uri(format!("http://localhost{path}?{query}"))
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("accept", accept);
        prop_assert!(answer(&world, request.body(Body::Empty).unwrap()) < 500);
    }

    #[test]
    fn nobody_comes_in_with_a_made_up_signature(
        id in "[!-~]{0,20}", timestamp in "[0-9]{0,12}", signature in "(v1,)?[A-Za-z0-9+/=]{0,50}",
    ) {
        let world = World::new();
        let request = http::Request::post("/offboardings")
            .header("webhook-id", id).header("webhook-timestamp", timestamp).header("webhook-signature", signature);
        prop_assert_eq!(answer(&world, request.body(Body::from("{}")).unwrap()), 401);
    }
}
