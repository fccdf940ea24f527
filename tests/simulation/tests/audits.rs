//! Audits in the middle of everything else that may happen, a death at any await among it.
#![allow(clippy::unwrap_used, reason = "a simulation stops where its premise fails")]

use simulation::{Run, report::complaint};

/// What `cargo test` has time for; `AUDITED_SEEDS` asks for more.
const SEEDS: u64 = 40;

#[test]
fn audits_break_no_rule_and_nobody_left_who_is_there() {
    let seeds = std::env::var("AUDITED_SEEDS").ok().map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let mut left = 0;
    for seed in 1..=seeds {
        let verdict = Run { audits: true, ..Run::of(seed) }.verdict();
        assert!(verdict.violations.is_empty(), "{}", complaint(&verdict));
        left += verdict.left;
    }
    // Audits that find nobody gone would prove nothing.
    assert!(left > usize::try_from(seeds / 4).unwrap(), "{left} have left");
}
