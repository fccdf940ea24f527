//! What `cargo local up` tells a program on standard error.
#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::{
    fs::File,
    io::{Read as _, Seek as _},
    time::Duration,
};

use end_to_end::Local;
use podio_sandbox::population::LEAVER;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(60);

/// Everything that a stack tells from its start to its end. It is stopped while requests and jobs are under way.
async fn told() -> String {
    let mut log: File = tempfile::tempfile().unwrap();
    let local = Local::up_telling(&[], &[("SWEEP_SECONDS", "1")], log.try_clone().unwrap()).await;
    let id = local.caller.leaver(LEAVER).await;
    local.caller.until(&id, SOON, |offboarding| offboarding["state"] != "planning").await;
    assert_eq!(local.stop().await, Some(0));
    let mut text = String::new();
    log.rewind().unwrap();
    log.read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn each_event_is_a_line_of_json() {
    for _ in 0..3 {
        let text = told().await;
        assert!(!text.contains("panicked"), "{text}");
        let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        assert!(events.iter().all(|event| event["level"].is_string() && event.get("spans").is_none()), "{text}");
        let message = |event: &&Value| event["fields"]["message"] == "swept";
        let swept = events.iter().find(message).expect("the sweep tells what it did");
        assert!(swept["fields"]["orders"].is_u64() && swept["fields"].get("swept").is_none(), "{swept}");
        // A job that was under way may still tell how it went behind that.
        assert!(events.iter().any(|event| event["fields"]["message"] == "stopping"), "{text}");
        for secret in ["development-", LEAVER] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
}
