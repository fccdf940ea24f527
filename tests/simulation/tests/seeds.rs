//! Whole lives from a seed: nothing that must never happen does, and all that was promised comes true.
#![allow(clippy::unwrap_used, reason = "a simulation stops where its premise fails")]

use simulation::{
    Run,
    report::{Report, complaint},
};

/// What `cargo test` has time for; `SIMULATION_SEEDS` asks for more.
const SEEDS: u64 = 150;

fn assert_clean(report: &Report) {
    let complaints: Vec<String> = report.broken.iter().map(complaint).collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn no_seed_breaks_a_rule() {
    let seeds = std::env::var("SIMULATION_SEEDS").ok().map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let report = Report::of(1, seeds, |_| ());
    eprintln!("{report}");
    assert_clean(&report);
    // A storm that spares everybody would prove nothing.
    assert!(report.tally.crashes > seeds && report.tally.all_faults() > seeds, "{report}");
}

#[test]
fn seeds_that_have_found_something_find_it_no_more() {
    for line in include_str!("../seeds.txt").lines().filter(|line| !line.starts_with('#')) {
        let seed = line.split_whitespace().next().unwrap().parse().unwrap();
        let verdict = Run { listen: true, ..Run::of(seed) }.verdict();
        assert!(verdict.violations.is_empty(), "{}", complaint(&verdict));
    }
}

#[test]
fn one_seed_is_one_story() {
    for seed in [3, 7, 11] {
        let (one, other) = (Run::of(seed).verdict(), Run { readable: true, ..Run::of(seed) }.verdict());
        assert_eq!((one.hash, &one.tally), (other.hash, &other.tally), "seed {seed}");
        assert!(one.tally.steps > 500, "seed {seed} tells no story");
        assert_ne!(one.hash, Run::of(seed + 1).verdict().hash);
    }
}
