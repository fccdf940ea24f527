//! Every unknown of Podio with every other one, pairwise, end to end.
#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::{collections::BTreeSet, time::Instant};

use matrix::{
    Row,
    cover::Plan,
    factors::{self, CONTRADICTIONS},
    judge::judge,
    life::Life,
    planted::Bug,
    report::{Report, complaint, trace},
};
use podio_sandbox::{Switches, switches::Domain};

/// Only this row, to see why it failed.
const ONLY: &str = "MATRIX_ROW";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_ends_as_it_must() {
    let only: Option<usize> = std::env::var(ONLY).ok().map(|row| row.parse().unwrap());
    let rows: Vec<Row> = Row::all().into_iter().filter(|row| only.is_none_or(|only| only == row.number)).collect();
    assert!(!rows.is_empty(), "there is no such row");
    let begun = Instant::now();
    let lives = Life::of_all(rows, |life| {
        eprintln!("row {} lived in {:.0} s", life.row.number, life.took.as_secs_f64());
    })
    .await;
    if only.is_some() {
        lives.iter().for_each(|life| eprintln!("{}", trace(life)));
    }
    eprintln!("{}", Report { lives: &lives, took: begun.elapsed() });
    let judged = lives.iter().map(|life| (life, judge(life)));
    let complaints: Vec<String> =
        judged.filter(|(_, broken)| !broken.is_empty()).map(|(life, broken)| complaint(life, &broken)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}

#[test]
fn every_two_values_meet_in_a_row() {
    let factors = factors::all();
    let plan = Plan::new(&factors, &CONTRADICTIONS);
    let rows = plan.rows();
    assert!(plan.missing(&rows).is_empty());
    assert_eq!(rows, plan.rows(), "the same rows each time, or a number would say nothing");

    // And a row that is left out is missed.
    for left_out in 0..rows.len() {
        let mut rest = rows.clone();
        rest.remove(left_out);
        assert!(!plan.missing(&rest).is_empty(), "row {} brings nothing", left_out + 1);
    }
}

#[test]
fn every_switch_of_the_sandbox_is_in_the_matrix_with_each_of_its_values() {
    let (factors, domains) = (factors::all(), Switches::domains());
    // As the sandbox itself tells it, so that a value that is never set shows.
    let rows: Vec<_> = Row::all().iter().map(|row| serde_json::to_value(row.switches()).unwrap()).collect();
    for (name, domain) in &domains {
        let factor = factors.iter().find(|factor| factor.name == *name).unwrap();
        let set: BTreeSet<String> = rows.iter().map(|row| row[name].to_string().replace('"', "")).collect();
        assert!(set.len() > 1, "{name} is always the same");
        assert_eq!(set, factor.values.iter().cloned().collect(), "{name}");
        assert!(*domain == Domain::Number || *domain == Domain::Choices(factor.values.clone()), "{name}");
    }
    assert!(factors.len() > domains.len(), "and what is no switch");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bug_would_have_left_behind_is_found() {
    // A Podio in which nothing is hidden, nobody else spends, and every step can be seen.
    let row = Row::all().into_iter().find(Row::is_plain).unwrap();
    let life = Life::of(&row).await;
    let broken = judge(&life);
    assert!(broken.is_empty(), "without a bug too: {}", complaint(&life, &broken));
    for bug in Bug::ALL {
        let planted = bug.plant(life.clone());
        let rules: BTreeSet<u8> = judge(&planted).iter().map(|violation| violation.rule).collect();
        assert!(bug.breaks().iter().all(|rule| rules.contains(rule)), "{bug:?} breaks {rules:?} only");
    }
}
