//! The quota, in real time.
#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::time::Duration;

use end_to_end::Local;
use podio_sandbox::population::LEAVER;

#[tokio::test]
async fn sixty_removals_under_a_tight_quota_meet_no_420_however_podio_counts() {
    // All three at once: that two stacks can run side by side is part of the contract.
    let runs = ["fixed", "first-call", "sliding"].map(drained);
    let [fixed, first_call, sliding] = runs;
    tokio::join!(fixed, first_call, sliding);
}

async fn drained(model: &str) {
    let variables = [("QUOTA_LIMIT", "20"), ("QUOTA_WINDOW_SECONDS", "20")];
    let arguments = ["--window-model", model, "--leaver-spaces", "60"];
    let local = Local::up(&arguments, &variables).await;
    let id = local.caller.leaver(LEAVER).await;
    let done = local.caller.rested(&id, Duration::from_secs(240)).await;
    assert_eq!((done["state"].as_str(), done["progress"]["spaces_removed"].as_u64()), (Some("completed"), Some(60)));
    assert_eq!(local.podio().rejections().await, 0, "{model}");
    local.podio().assert_order(60).await;
}
