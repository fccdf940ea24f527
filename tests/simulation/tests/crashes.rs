//! Killed at every await of one offboarding of twelve spaces: at each call of a port and of Podio, before it has its effect
//! and after it, with the answer lost.
#![allow(clippy::unwrap_used, reason = "a simulation stops where its premise fails")]

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use simulation::{
    Verdict,
    dice::Dice,
    report::complaint,
    run::{live, verdict},
    scene::Scene,
    world::World,
};

const SPACES: usize = 12;

/// The life of that offboarding, with a death at that door.
fn life(dies_at: Option<u64>) -> (Verdict, u64, bool) {
    let (scene, podio) = Scene::quiet(SPACES);
    let mut world = World::new(scene, podio, Dice::new(1), dies_at.is_some(), dies_at, None);
    let violations = live(&mut world);
    let completed = world.dealings.views.values().all(|view| view["outcome"] == "removed");
    (verdict(&world, 1, violations), world.fate.doors(), completed)
}

#[test]
fn a_death_at_any_await_loses_nothing_and_repeats_nothing() {
    let (unharmed, doors, completed) = life(None);
    assert!(unharmed.violations.is_empty() && completed, "{}", complaint(&unharmed));
    assert_eq!(unharmed.tally.calls, SPACES as u64 + 6, "a token, a look-up, two previews, the removals, the proof");
    let (next, died) = (AtomicU64::new(1), AtomicU64::new(0));
    let work = || {
        loop {
            let door = next.fetch_add(1, Ordering::Relaxed);
            if door > doors {
                return;
            }
            let (verdict, _, completed) = life(Some(door));
            died.fetch_add(verdict.tally.crashes, Ordering::Relaxed);
            assert!(
                verdict.violations.is_empty(),
                "at door {door}: {}\n{}",
                verdict.lines.join("\n"),
                complaint(&verdict)
            );
            assert!(completed, "at door {door}: {}", verdict.lines.join("\n"));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    assert_eq!(died.into_inner(), doors, "each life has its death");
    eprintln!("{doors} deaths, before and after each of {} calls of a port or of Podio", doors / 2);
}
