//! The table says what was measured.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::time::Duration;

use door_table::{
    contestant::Role,
    deliveries,
    measured::{Kept, Row, Run, median},
    table,
};
use serde_json::Value;

fn row(name: &str, role: Role, cpu: u64, cold: &[u64], answer: u64) -> Row {
    let run = Run {
        answered: 1_000,
        answers: vec![Duration::from_micros(answer); 1_000],
        took: Duration::from_secs(4),
        cpu: Duration::from_millis(cpu),
    };
    let cold: Vec<Duration> = cold.iter().copied().map(Duration::from_millis).collect();
    Row::of(name, role, &run, Kept { stored: 1_000, jobs: 1_000, queued: 0 }, &cold, 8_192)
}

#[test]
fn a_row_is_the_run_for_each_delivery() {
    let row = row("hooks", Role::Product, 200, &[30, 10, 11], 900);
    assert_eq!((row.deliveries, row.answered), (1_000, 1_000));
    assert_eq!((row.stored, row.jobs, row.queued), (1_000, 1_000, 0));
    assert_eq!((row.a_second, row.cpu_millis, row.cold_millis, row.memory_mib), (250.0, 0.2, 11.0, 8.0));
    assert_eq!((row.p50_millis, row.p99_millis, row.max_millis), (0.9, 0.9, 0.9));
}

#[test]
fn rounds_add_up_to_one_run() {
    let round = |answered, cpu| Run {
        answered,
        answers: vec![Duration::from_millis(answered); 10],
        took: Duration::from_secs(1),
        cpu: Duration::from_millis(cpu),
    };
    let mut run = round(10, 5);
    run.add(round(9, 15));
    let row = Row::of("hooks", Role::Product, &run, Kept { stored: 19, jobs: 18, queued: 1 }, &[], 0);
    assert_eq!((row.deliveries, row.answered, row.stored, row.jobs, row.queued), (20, 19, 19, 18, 1));
    assert_eq!((row.cpu_millis, row.a_second, row.p50_millis, row.max_millis), (1.0, 10.0, 9.0, 10.0));
}

#[test]
fn the_median_is_moved_by_no_single_start() {
    let millis = |times: &[u64]| median(&times.iter().copied().map(Duration::from_millis).collect::<Vec<_>>());
    assert_eq!(millis(&[9, 900, 10]), Duration::from_millis(10));
    assert_eq!(millis(&[4, 1, 3, 2]), Duration::from_millis(3));
    assert_eq!(millis(&[]), Duration::ZERO);
}

#[test]
fn ratios_are_those_to_the_function() {
    let rows = [row("hooks", Role::Product, 200, &[10], 1_000), row("boto3", Role::Rival, 1_500, &[45], 2_500)];
    let text = table::text(&rows);
    let cells: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let (kept, answered) = ("1000+1000", "1000/1000");
    assert_eq!(
        cells[1],
        ["hooks", "0.200", "1.0", "10.0", "1.0", "1.00", "1.0", "1.0", "1.0", "250", "8.0", answered, kept]
    );
    assert_eq!(
        cells[2],
        ["boto3", "1.500", "7.5", "45.0", "4.5", "2.50", "2.5", "2.5", "2.5", "250", "8.0", answered, kept]
    );
}

#[test]
fn each_delivery_is_another_item_at_a_door_that_its_key_opens() {
    let events = deliveries::events("a secret of the test", 5, 3).unwrap();
    let events: Vec<Value> = events.iter().map(|event| serde_json::from_slice(event).unwrap()).collect();
    let path = events[0]["rawPath"].as_str().unwrap();
    let key = path.strip_prefix("/hooks/podio/app/12345/").unwrap();
    assert!(podio_signatures::hook_key::verify(&"a secret of the test".into(), "app", "12345", key));
    assert_eq!(events[0]["isBase64Encoded"], true, "API Gateway hands forms on in base64");
    assert_ne!(events[0]["body"], events[1]["body"]);
}
