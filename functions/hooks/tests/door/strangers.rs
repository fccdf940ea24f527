//! Whoever is not Podio, and whatever is no delivery.

use hooks::{MAX_BODY_BYTES, Settings};
use lambda_http::{Body, Request, RequestExt, http};
use podio_aws::settings::Settings as Source;
use podio_lifecycle::{hooks::Interest, ids::AppId};

use crate::world::World;

const DELIVERY: &str = "type=member.add&hook_id=7&user_id=9";

#[tokio::test]
async fn a_wrong_key_finds_no_door() {
    let world = World::new();
    let right = world.address("app", 12345);
    let key = right.rsplit('/').next().unwrap();
    for path in [
        format!("/hooks/podio/app/12346/{key}"),
        format!("/hooks/podio/space/12345/{key}"),
        format!("/hooks/podio/app/012345/{key}"),
        format!("/hooks/podio/app/12345/{}", key.to_uppercase()),
        format!("/hooks/podio/app/12345/{}", &key[1..]),
        format!("{right}/"),
        format!("{right}/more"),
        format!("/hooks/podio/app/0x1/{key}"),
        format!("/hooks/podio/App/12345/{key}"),
        "/hooks/podio/app/12345/".to_owned(),
        "/hooks/podio/app/12345".to_owned(),
        "/".to_owned(),
    ] {
        assert_eq!(world.send("POST", &path, DELIVERY.as_bytes()).await.status(), 404, "{path}");
    }
    let wrong = "/hooks/podio/app/12345/00";
    assert_eq!(world.send("POST", wrong, b"no delivery").await.status(), 404, "the key is looked at first");
    assert!(world.store.deliveries().is_empty());
}

#[tokio::test]
async fn what_is_no_delivery_is_malformed_and_nothing_is_stored() {
    let world = World::new();
    for body in [
        "",
        "hello",
        "hook_id=7",
        "type=",
        "type=%20",
        "type=hook.verify&hook_id=7",
        "type=hook.verify&hook_id=seven&code=b9079247",
        "type=hook.verify&code=b9079247",
        "{",
        "{}",
        "[]",
        r#"{"type": null}"#,
        r#"{"type": "hook.verify", "hook_id": 7}"#,
    ] {
        assert_eq!(world.deliver(body).await, 400, "{body}");
    }
    for encoded in [&b"type=\xff"[..], b"\xff\xfet\0y\0p\0e\0=\0x\0", b"\x1f\x8b\x08\0\0\0\0\0"] {
        assert_eq!(world.send("POST", &world.address("space", 5), encoded).await.status(), 400);
    }
    assert!(world.store.deliveries().is_empty());
    assert_eq!((world.waiting().await, world.take_messages()), (vec![], vec![]));
}

#[tokio::test]
async fn only_posts_of_a_reasonable_size_are_taken() {
    let world = World::new();
    let address = world.address("space", 5);
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        let answer = world.send(method, &address, b"").await;
        assert_eq!(answer.status(), 405, "{method}");
        assert_eq!(answer.headers()["allow"], "POST");
    }
    let fits = format!("type={}", "a".repeat(MAX_BODY_BYTES - 5));
    assert_eq!(world.deliver(&fits).await, 200);
    assert_eq!(world.deliver(&format!("{fits}a")).await, 413);
    assert_eq!(world.deliver(&format!("type=item.create&x={}", "a".repeat(1024 * 1024))).await, 413);
    assert_eq!(world.store.deliveries().len(), 1);
}

#[tokio::test]
async fn behind_a_gateway_the_raw_path_counts() {
    let world = World::new();
    let request: Request = http::Request::post("/somewhere/else").body(Body::from(DELIVERY)).unwrap();
    let request = request.with_raw_http_path(world.address("space", 5));
    assert_eq!(world.answer(request).await.status(), 200);
}

#[test]
fn without_its_secret_the_function_does_not_start() {
    let error = Settings::read(&Source::new(|_| None)).unwrap_err();
    assert_eq!(error.to_string(), "HOOK_SECRET: is not set");
}

#[test]
fn a_bus_and_a_leavers_app_are_what_else_is_of_interest() {
    let set = |name: &str| match name {
        "HOOK_SECRET" => Some("s".to_owned()),
        "EVENT_BUS_NAME" => Some("events".to_owned()),
        "LEAVERS_APP_ID" => Some("55".to_owned()),
        _ => None,
    };
    let settings = Settings::read(&Source::new(set)).unwrap();
    assert_eq!(settings.interest, Interest { bus: true, leavers_app: Some(AppId(55)) });
    let odd = Settings::read(&Source::new(|name| Some(name.to_owned()))).unwrap_err();
    assert!(odd.to_string().starts_with("LEAVERS_APP_ID: "), "{odd}");
}
