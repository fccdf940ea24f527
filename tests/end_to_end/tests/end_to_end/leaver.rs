//! A leaver, end to end, on real parts.
#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::time::Duration;

use end_to_end::{Caller, Local, PodioLog};
use jiff::{SignedDuration, Timestamp};
use podio_sandbox::{
    Config, Population, Profile, Sandbox, config,
    population::{LEAVER, ORG_ID, SOLE_MEMBER},
};
use serde_json::json;

const SOON: Duration = Duration::from_secs(60);
/// Values of one's own, as a Podio elsewhere wants them.
const TOKEN: &str = "a-token-of-the-end-to-end-test";
const SECRET: &str = "whsec_ZW5kLXRvLWVuZC1zZWNyZXQtb2YtdGhlLXRlc3Q=";

#[tokio::test]
async fn in_the_documented_podio_a_leaver_is_gone_proved_and_on_record() {
    let local = Local::up(&[], &[]).await;
    let posted = local.caller.post("msg_1", &json!({"user": {"email": LEAVER}, "reason": "resigned"})).await;
    assert_eq!(posted.status, 202);
    let id = posted.body["id"].as_str().unwrap().to_owned();
    assert_eq!(posted.location, Some(format!("/offboardings/{id}")));

    let done = local.caller.rested(&id, SOON).await;
    assert_eq!((&done["state"], &done["outcome"]), (&json!("completed"), &json!("removed")), "{done:#}");
    assert_eq!(done["progress"]["spaces_removed"], 12);
    assert_eq!(done["spaces"].as_array().unwrap().len(), 12);
    assert_eq!(done["user"]["email"], LEAVER);
    assert!(done["completed_at"].is_string() && done["eta"].is_null());

    let podio = local.podio();
    assert!(podio.counted().await <= 17);
    assert_eq!(done["podio_calls"], podio.counted().await);
    podio.assert_order(12).await;
    let user = done["user"]["user_id"].as_u64().unwrap();
    assert!(!memberships(&podio).await.contains(&user), "the person is in a space or the organization still");

    let evidence = local.caller.get(&format!("/offboardings/{id}/evidence")).await;
    assert_eq!(evidence.body["integrity"], "verified");
    assert!(evidence.body["seal"]["signature"].is_string());
    assert_eq!(evidence.body["calls"].as_array().unwrap().len(), podio.counted().await);

    let quota = local.caller.get("/quota").await;
    assert_eq!((&quota.body["limit"], &quota.body["used"]), (&json!(250), &json!(podio.counted().await)));
    assert_eq!(quota.body["rejections"], 0);
    assert_eq!(local.stop().await, Some(0));
}

#[tokio::test]
async fn in_the_guides_podio_the_guides_recipe_does() {
    let local = Local::up(&["--profile", "guide"], &[]).await;
    let id = local.caller.leaver(LEAVER).await;
    let done = local.caller.rested(&id, SOON).await;
    assert_eq!((&done["state"], &done["outcome"]), (&json!("completed"), &json!("removed")), "{done:#}");
    assert_eq!(done["progress"]["spaces_removed"], 12);
    local.podio().assert_order(12).await;
    assert_eq!(local.podio().rejections().await, 0);
}

#[tokio::test]
async fn a_podio_elsewhere_is_used_with_the_credentials_that_are_set() {
    let population =
        Population::new(3).spaces(20).leaver("Jane Doe", LEAVER, 5).sole_member("Solomon Lone", SOLE_MEMBER);
    let elsewhere = Sandbox::start(Config { population, ..Config::new(Profile::Documented) }).await.unwrap();
    let variables = [
        ("PODIO_CLIENT_ID", config::CLIENT_ID),
        ("PODIO_CLIENT_SECRET", config::CLIENT_SECRET),
        ("PODIO_USERNAME", config::USERNAME),
        ("PODIO_PASSWORD", config::PASSWORD),
        ("PODIO_ORG_ID", &ORG_ID.to_string()),
        ("API_TOKENS", TOKEN),
        ("OFFBOARDING_SECRETS", SECRET),
        ("HOOK_SECRET", "a-hook-secret-of-this-test"),
    ];
    let mut local = Local::up(&["--podio-url", &elsewhere.url()], &variables).await;
    local.caller = Caller::with(local.ready["api"].as_str().unwrap(), TOKEN, SECRET);
    assert_eq!(local.ready["podio"], elsewhere.url());

    let id = local.caller.leaver(LEAVER).await;
    assert_eq!(local.caller.rested(&id, SOON).await["state"], "completed");
    PodioLog::of(&elsewhere.url()).assert_order(5).await;

    // And somebody whose space would be deleted waits for an operator.
    let id = local.caller.leaver(SOLE_MEMBER).await;
    let held = local.caller.rested(&id, SOON).await;
    assert_eq!(held["hold"]["reasons"][0]["code"], "space_would_be_deleted", "{held:#}");
    let hold = &held["hold"];
    let lost = json!([{"code": "space_would_be_deleted", "space_id": hold["reasons"][0]["space_id"]}]);
    let decision = json!({"hold_id": hold["hold_id"], "reasons": lost});
    let approved = local.caller.decide(&format!("/offboardings/{id}/approve"), &decision).await;
    assert_eq!(approved.status, 202);
    let done = local.caller.until(&id, SOON, |offboarding| offboarding["state"] == "completed").await;
    assert_eq!(done["outcome"], "removed");
}

#[tokio::test]
async fn podio_elsewhere_takes_no_development_secrets() {
    let refused = Local::refused(&["--podio-url", "http://127.0.0.1:1"], &[("HOOK_SECRET", "own")]).await;
    let unset = "API_TOKENS is not set, OFFBOARDING_SECRETS is not set";
    assert_eq!(refused, format!("error: --podio-url takes secrets of your own: {unset}\n"));
    let development =
        [("API_TOKENS", "development-api-token-0001"), ("OFFBOARDING_SECRETS", SECRET), ("HOOK_SECRET", "own")];
    let refused = Local::refused(&["--podio-url", "http://127.0.0.1:1"], &development).await;
    assert_eq!(refused, "error: --podio-url takes secrets of your own: API_TOKENS holds the development value\n");
}

#[tokio::test]
async fn bad_input_gets_a_clear_answer_and_reaches_nobody() {
    let local = Local::up(&[], &[]).await;
    let caller = &local.caller;
    let leaver = json!({"user": {"email": LEAVER}});

    assert_eq!(caller.post_unsigned(&leaver).await.status, 401);
    let stale = Timestamp::now() - SignedDuration::from_mins(6);
    assert_eq!(caller.post_at(stale, "msg_a", leaver.to_string().into_bytes()).await.status, 401);
    assert_eq!(caller.post_at(Timestamp::now(), "msg_b", b"{".to_vec()).await.status, 400);
    let wrong = caller.post("msg_c", &json!({"user": {"email": "jane"}, "colour": "red"})).await;
    assert_eq!((wrong.status.as_u16(), wrong.content_type.as_str()), (422, "application/problem+json"));
    let mut pointers: Vec<_> =
        wrong.body["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
    pointers.sort_by_key(ToString::to_string);
    assert_eq!(pointers, ["/colour", "/user/email"]);
    assert_eq!(caller.post_at(Timestamp::now(), "msg_d", vec![b' '; 300 * 1024]).await.status, 413);
    assert_eq!(caller.get("/offboardings/off_00000000000000000000000000000000").await.status, 404);

    let next_year = Timestamp::now() + SignedDuration::from_hours(24 * 365);
    let later = json!({"user": {"email": LEAVER}, "effective_at": next_year.to_string()});
    let first = caller.post("msg_e", &later).await;
    assert_eq!((first.status.as_u16(), &first.body["state"]), (202, &json!("scheduled")));
    let again = caller.post("msg_e", &later).await;
    assert_eq!((again.status.as_u16(), &again.body["id"]), (200, &first.body["id"]));
    assert_eq!(caller.post("msg_e", &leaver).await.status, 409);
    assert_eq!(local.podio().counted().await, 0, "nothing of this concerns Podio");

    // A newer request about her takes the same record, and from here on Podio is asked: it is to happen now.
    let newer = caller.post("msg_f", &leaver).await;
    assert_eq!((newer.status.as_u16(), &newer.body["id"]), (200, &first.body["id"]), "already being off-boarded");
    assert_eq!(caller.rested(first.body["id"].as_str().unwrap(), SOON).await["state"], "completed");
}

/// Whoever is in a space or the organization.
async fn memberships(podio: &PodioLog) -> Vec<u64> {
    let state = podio.state().await;
    let mut users = Vec::new();
    collect_users(&state["orgs"], &mut users);
    collect_users(&state["spaces"], &mut users);
    assert!(!users.is_empty(), "the sandbox's state could not be read");
    users
}

fn collect_users(value: &serde_json::Value, users: &mut Vec<u64>) {
    match value {
        serde_json::Value::Object(fields) => {
            users.extend(fields.get("user_id").and_then(serde_json::Value::as_u64));
            fields.values().for_each(|value| collect_users(value, users));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|value| collect_users(value, users)),
        _ => {}
    }
}
