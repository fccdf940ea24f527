//! Doors are compared only where they do the same, and one that leaves out a part of the work is found out.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]
#![cfg(target_os = "linux")]

use std::fs;

use door_table::{
    conduct,
    contestant::{self, Role},
    install,
};

/// How a handler behaves otherwise than expected when `planted` stands in its code in place of `sound`.
async fn deviations(file: &str, sound: &str, planted: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    install::copy(&install::sources().join("python"), folder.path()).unwrap();
    let file = folder.path().join(file);
    let code = fs::read_to_string(&file).unwrap();
    assert_eq!(code.matches(sound).count(), 1, "{sound}");
    fs::write(&file, code.replace(sound, planted)).unwrap();
    let door = contestant::python("planted", Role::Bare, &folder.path().join("by_hand.py")).await.unwrap();
    conduct::deviations(door.name, &conduct::observe(&door).await.unwrap()).join("; ")
}

#[tokio::test]
async fn a_handler_that_does_all_of_it_is_compared() {
    assert_eq!(deviations("door.py", "return handle\n", "return handle\n").await, "");
}

#[tokio::test]
async fn a_door_that_any_key_opens_is_found_out() {
    let found =
        deviations("door.py", "if not hmac.compare_digest(expected.encode(), key.encode()):", "if False:").await;
    assert!(found.contains("a key with another last digit: 200, 1 stored, 1 jobs, 0 queued, not 404"), "{found}");
    let found = deviations("door.py", "expected.encode()", "expected[:len(key)].encode()").await;
    assert!(found.contains("a part of the key: 200"), "{found}");
}

#[tokio::test]
async fn a_door_that_keeps_a_delivery_twice_is_found_out() {
    let condition = r#""ConditionExpression": "attribute_not_exists(pk)""#;
    let found = deviations("by_hand.py", condition, "").await;
    let expected = "the same verification again: 200, 0 stored, 0 jobs, 1 queued, not 200, 0 stored, 0 jobs, 0 queued";
    assert!(found.contains(expected), "{found}");
}

#[tokio::test]
async fn a_door_that_does_not_look_at_what_it_is_told_is_found_out() {
    let found = deviations("door.py", r#"if not form.get("type"):"#, "if False:").await;
    assert!(found.contains("a body without a type: 200, 1 stored, 1 jobs, 0 queued, not 400"), "{found}");
    let found = deviations("door.py", r#"parts[:3] != ["", "hooks", "podio"]"#, "False").await;
    assert!(found.contains("another door: 200"), "{found}");
}

#[tokio::test]
async fn a_door_that_leaves_out_storage_or_queue_is_found_out() {
    let found = deviations("door.py", "if not keep(item):", "if False:").await;
    let expected = "an event: 200, 0 stored, 0 jobs, 0 queued, not 200, 1 stored, 1 jobs, 0 queued";
    assert!(found.contains(expected), "{found}");
    let found = deviations("door.py", "                wake(", "                str(").await;
    let expected = "a verification: 200, 1 stored, 1 jobs, 0 queued, not 200, 1 stored, 1 jobs, 1 queued";
    assert!(found.contains(expected), "{found}");
}

#[tokio::test]
async fn a_door_that_stores_no_job_is_found_out() {
    let found = deviations("door.py", r#""work_queue": {"S": "ready"},"#, "").await;
    let expected = "an event: 200, 1 stored, 0 jobs, 0 queued, not 200, 1 stored, 1 jobs, 0 queued";
    assert!(found.contains(expected), "{found}");
}

#[tokio::test]
async fn a_door_that_wakes_the_worker_for_every_event_is_found_out() {
    let found = deviations("door.py", r#"if form.get("type") == "hook.verify":"#, "if True:").await;
    let expected = "an event: 200, 1 stored, 1 jobs, 1 queued, not 200, 1 stored, 1 jobs, 0 queued";
    assert!(found.contains(expected), "{found}");
}

#[tokio::test]
async fn a_door_that_says_yes_to_what_it_has_not_kept_is_found_out() {
    let found = deviations("door.py", "return answer(503)", "return answer(200)").await;
    assert!(found.contains("while the table is down: 200"), "{found}");
}
