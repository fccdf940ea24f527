//! The API under a base path, as behind a custom domain with an API mapping.
#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::time::Duration;

use end_to_end::Local;
use podio_sandbox::population::LEAVER;
use podio_signatures::hook_key;
use reqwest::{Client, Method};
use serde_json::json;

const SOON: Duration = Duration::from_secs(60);
const SCIM_TOKEN: &str = "scim-token-of-this-test-01";
const HOOK_SECRET: &str = "hook-secret-of-this-test";

#[tokio::test]
async fn every_door_works_under_a_base_path() {
    let local = Local::up(
        &["--base-path", "/podio"],
        &[("HOOK_SECRET", HOOK_SECRET), ("SCIM_TOKENS", &format!("idp:{SCIM_TOKEN}"))],
    )
    .await;
    let api = local.ready["api"].as_str().unwrap();
    assert!(api.ends_with("/podio"), "{api}");

    let posted = local.caller.post("msg_1", &json!({"user": {"email": LEAVER}})).await;
    let id = posted.body["id"].as_str().unwrap().to_owned();
    assert_eq!((posted.status.as_u16(), &posted.body["url"]), (202, &json!(format!("/offboardings/{id}"))));
    assert_eq!(posted.location, Some(format!("/podio/offboardings/{id}")));
    let done = local.caller.rested(&id, SOON).await;
    assert_eq!((&done["state"], &done["outcome"]), (&json!("completed"), &json!("removed")), "{done:#}");
    for path in ["/health", "/quota", "/offboardings?limit=5", &format!("/offboardings/{id}/evidence")] {
        assert_eq!(local.caller.get(path).await.status, 200, "{path}");
    }
    for decision in ["approve", "cancel", "retry"] {
        let named = json!({"hold_id": "none", "reasons": []});
        let answer = local.caller.decide(&format!("/offboardings/{id}/{decision}"), &named).await;
        assert_ne!(answer.status, 404, "{decision}: {answer:?}");
        assert_eq!(answer.content_type, "application/problem+json");
    }

    let http = Client::builder().no_proxy().build().unwrap();
    let key = hook_key::make(&HOOK_SECRET.into(), "app", "12345");
    let hook = format!("{api}/hooks/podio/app/12345/{key}");
    let event = [("type", "item.create"), ("hook_id", "7"), ("item_id", "9")];
    assert_eq!(http.post(&hook).form(&event).send().await.unwrap().status(), 200);
    assert_eq!(http.post(format!("{hook}0")).form(&event).send().await.unwrap().status(), 404);
    let user = http.post(format!("{api}/scim/v2/Users")).bearer_auth(SCIM_TOKEN).json(&json!({"userName": "jane"}));
    let user = user.send().await.unwrap();
    assert_eq!(
        (user.status().as_u16(), &user.headers()["content-type"]),
        (201, &"application/scim+json".parse().unwrap())
    );
    let place = user.headers()["location"].to_str().unwrap().to_owned();
    assert!(place.starts_with(&format!("{api}/scim/v2/Users/usr_")), "{place}");
    assert_eq!(http.delete(&place).bearer_auth(SCIM_TOKEN).send().await.unwrap().status(), 204);
    assert_eq!(http.get(&place).bearer_auth(SCIM_TOKEN).send().await.unwrap().status(), 404);
    // A page in a browser whose name leads here.
    let foreign = http.get(format!("{api}/health")).header("host", "evil.example.com").send().await.unwrap();
    assert_eq!(foreign.status(), 403);
    // What a door says of other methods is its own word, under a base path or not.
    for (method, url, status) in [
        (Method::GET, &hook, 405),
        (Method::HEAD, &format!("{api}/health"), 200),
        (Method::DELETE, &format!("{api}/offboardings"), 405),
        (Method::GET, &format!("{}/health", api.strip_suffix("/podio").unwrap()), 404),
        (Method::GET, &format!("{api}/podio/health"), 404),
    ] {
        assert_eq!(http.request(method, url).send().await.unwrap().status(), status, "{url}");
    }
}
