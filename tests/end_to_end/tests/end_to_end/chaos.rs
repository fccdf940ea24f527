//! A minute in which processes are killed and emulators restarted at random; afterwards nothing is lost and nothing was
//! done twice that matters.
#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use end_to_end::Local;
use podio_sandbox::population::{INVITED, LEAVER, WITHOUT_PROFILE};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::BUILDING;

/// Slow enough to be under way for most of the minute.
const SLOW: [(&str, &str); 3] = [("QUOTA_LIMIT", "4"), ("QUOTA_WINDOW_SECONDS", "8"), ("SWEEP_SECONDS", "5")];
const CHAOS: Duration = Duration::from_secs(60);
/// A job that dies comes back after six minutes, and the sweep's patience is five.
const LONG: Duration = Duration::from_secs(20 * 60);
const FUNCTIONS: [&str; 4] = ["worker", "worker", "sweep", "api"];

/// Posts a leaver until somebody answers, as HR systems do; the offboarding's id.
async fn posted(local: &Local, mail: &str) -> Option<String> {
    let message = format!("msg_{mail}");
    let id = local.caller.try_post(&message, &json!({"user": {"email": mail}})).await?;
    id["id"].as_str().map(str::to_owned)
}

/// Whom each `DELETE` of Podio's log was about and what it was for, in order, with the looks in between.
fn story(calls: &[Value], user: u64) -> Vec<&'static str> {
    let ends = |path: &str| path.split('?').next().unwrap().ends_with(&format!("/member/{user}"));
    let about = calls.iter().filter(|call| ends(call["path"].as_str().unwrap()));
    about
        .map(|call| match (call["method"].as_str().unwrap(), call["path"].as_str().unwrap().starts_with("/org/")) {
            ("DELETE", true) => "leave the organization",
            ("DELETE", false) => "leave a space",
            _ => "look",
        })
        .collect()
}

#[tokio::test]
async fn a_minute_of_kills_and_restarts_loses_nothing_and_repeats_nothing() {
    let seed =
        std::env::var("CHAOS_SEED").ok().map_or_else(|| fastrand::u64(..1_000_000), |seed| seed.parse().unwrap());
    eprintln!("repeat it with: CHAOS_SEED={seed}");
    let _alone = BUILDING.lock().await;
    let mut dice = fastrand::Rng::with_seed(seed);
    let data = tempfile::tempdir().unwrap();
    let arguments = ["--data", data.path().to_str().unwrap()];
    let mut local = Local::up(&arguments, &SLOW).await;

    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    let (mut killed, mut restarted) = (0, 0);
    let begun = Instant::now();
    while begun.elapsed() < CHAOS {
        for mail in [LEAVER, INVITED, WITHOUT_PROFILE] {
            if let Some(id) = posted(&local, mail).await {
                assert_eq!(ids.entry(mail).or_insert_with(|| id.clone()), &id, "one message is one offboarding");
            }
        }
        sleep(Duration::from_millis(dice.u64(200..2_000))).await;
        if dice.u8(..12) == 0 {
            local.kill().await;
            local = Local::up(&arguments, &SLOW).await;
            restarted += 1;
        } else {
            killed += local.kill_function(FUNCTIONS[dice.usize(..FUNCTIONS.len())]).await;
        }
    }
    eprintln!("{killed} processes killed, {restarted} stacks restarted");
    assert!(killed > 0);
    assert_eq!(ids.len(), 3);

    let mut leavers = BTreeSet::new();
    for (mail, id) in &ids {
        let done = local.caller.rested(id, LONG).await;
        assert_eq!((&done["state"], &done["outcome"]), (&json!("completed"), &json!("removed")), "{mail}: {done:#}");
        leavers.insert(done["user"]["user_id"].as_u64().unwrap());
    }
    let calls = local.podio().calls().await;
    for user in &leavers {
        let story = story(&calls, *user);
        let first = story.iter().position(|step| *step == "leave the organization").unwrap();
        assert!(!story[first..].contains(&"leave a space"), "{user}: {story:?}");
        let again = story.windows(2).any(|two| two == ["leave the organization"; 2]);
        assert!(!again, "the unsafe call was repeated unlooked: {user}: {story:?}");
        assert_eq!(story.last(), Some(&"look"), "the proof comes last: {user}: {story:?}");
    }
    let effects = calls.iter().flat_map(|call| call["effects"].as_array().unwrap());
    for effect in effects.filter(|effect| effect["kind"].as_str().unwrap().ends_with("membership_ended")) {
        assert!(leavers.contains(&effect["user_id"].as_u64().unwrap()), "somebody who stays: {effect}");
    }
    assert_eq!(local.podio().rejections().await, 0);
}
