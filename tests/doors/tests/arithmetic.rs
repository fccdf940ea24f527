//! The table says what was measured.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::time::Duration;

use door_table::{
    deliveries,
    measured::{Kept, Row, Run, median},
    table,
};
use serde_json::Value;

fn row(name: &str, product: bool, cpu: u64, cold: &[u64]) -> Row {
    let run = Run {
        deliveries: 1_000,
        answered: 1_000,
        took: Duration::from_secs(4),
        cpu: Duration::from_millis(cpu),
        peak_kib: 8_192,
    };
    let cold: Vec<Duration> = cold.iter().copied().map(Duration::from_millis).collect();
    Row::of(name, product, run, Kept { stored: 1_000, queued: 1_000 }, &cold)
}

#[test]
fn a_row_is_the_run_for_each_delivery() {
    let row = row("hooks", true, 200, &[30, 10, 11]);
    assert_eq!((row.a_second, row.cpu_millis, row.cold_millis, row.memory_mib), (250.0, 0.2, 11.0, 8.0));
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
    let rows = [row("hooks", true, 200, &[10]), row("Python", false, 1_500, &[45])];
    let text = table::text(&rows);
    let cells: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(cells[1], ["hooks", "250", "0.200", "1.0", "10.0", "1.0", "8.0", "1000/1000", "1000+1000"]);
    assert_eq!(cells[2], ["Python", "250", "1.500", "7.5", "45.0", "4.5", "8.0", "1000/1000", "1000+1000"]);
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
