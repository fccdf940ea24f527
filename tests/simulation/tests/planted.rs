//! The oracles bite: with each planted bug a rule is broken, and it is the rule that the bug is about.
#![allow(clippy::panic, reason = "a test stops where its premise fails")]

use simulation::{Run, planted::Bug, report::complaint};

/// So many seeds a bug may stay unseen.
const SEEDS: u64 = 120;

fn run(bug: Option<Bug>, seed: u64) -> simulation::Verdict {
    Run { bug, listen: bug == Some(Bug::AddressLogged), ..Run::of(seed) }.verdict()
}

/// The first seed that shows the bug, from a seed on that is known to.
fn first_seen(bug: Bug, from: u64) -> u64 {
    let shows = |seed: &u64| {
        let verdict = run(Some(bug), *seed);
        verdict.violations.iter().any(|violation| bug.breaks().contains(&violation.rule))
    };
    match (from..from + SEEDS).find(shows) {
        Some(seed) => seed,
        None => panic!("{bug:?} went unseen for {SEEDS} seeds"),
    }
}

/// Where a bug was seen when this was written; elsewhere it takes a while to find.
fn known(bug: Bug) -> u64 {
    match bug {
        Bug::RefreshTokenOverwritten => 40,
        Bug::DangerOverlooked => 96,
        Bug::ClaimForgotten => 10,
        Bug::RefusalOverlooked => 75,
        Bug::CountedTwice => 4,
        Bug::OrgBeforeTheLastSpace
        | Bug::WrongRouteIsGone
        | Bug::NoReadBack
        | Bug::CancelIgnored
        | Bug::PauseIgnored
        | Bug::CancelledTakenAlong
        | Bug::MomentAfterTheCall
        | Bug::DispatchedTwice
        | Bug::LostOrderNeverFound
        | Bug::ClaimNotChecked
        | Bug::PageIsGone
        | Bug::StartedEarly
        | Bug::NoSweep
        | Bug::AddressLogged => 1,
    }
}

#[test]
fn every_planted_bug_breaks_the_rule_that_it_is_about() {
    for bug in Bug::ALL {
        let seed = first_seen(bug, known(bug));
        let clean = run(None, seed);
        assert!(clean.violations.is_empty(), "without the bug too: {}", complaint(&clean));
        eprintln!("{bug:?} breaks rule {:?} at seed {seed}", bug.breaks());
    }
}
