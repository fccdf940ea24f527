//! Processes die; the offboarding does not.
#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::time::Duration;

use end_to_end::Local;
use podio_sandbox::population::LEAVER;
use tokio::time::sleep;

/// Slow enough to die in the middle of it.
const SLOW: [(&str, &str); 3] = [("QUOTA_LIMIT", "6"), ("QUOTA_WINDOW_SECONDS", "6"), ("SWEEP_SECONDS", "5")];
const LONG: Duration = Duration::from_secs(240);

async fn until_some_spaces_are_left(local: &Local) {
    while local.podio().deletes().await.len() < 4 {
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_worker_that_is_killed_in_the_middle_is_replaced() {
    let local = Local::up(&[], &SLOW).await;
    let id = local.caller.leaver(LEAVER).await;
    until_some_spaces_are_left(&local).await;

    assert!(local.kill_function("worker").await > 0);

    let done = local.caller.rested(&id, LONG).await;
    assert_eq!(done["state"], "completed", "{done:#}");
    local.podio().assert_order(12).await;
    assert_eq!(local.podio().rejections().await, 0);
}

#[tokio::test]
async fn a_stack_that_is_killed_in_the_middle_goes_on_where_it_was() {
    let data = tempfile::tempdir().unwrap();
    let arguments = ["--data", data.path().to_str().unwrap()];
    let local = Local::up(&arguments, &SLOW).await;
    let id = local.caller.leaver(LEAVER).await;
    until_some_spaces_are_left(&local).await;
    local.kill().await;

    let local = Local::up(&arguments, &SLOW).await;
    let done = local.caller.rested(&id, LONG).await;
    assert_eq!(done["state"], "completed", "{done:#}");
    local.podio().assert_order(12).await;
    assert_eq!(local.podio().rejections().await, 0);
}
