//! What was measured of one door.

use std::time::Duration;

use serde::Serialize;

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The door.
    pub name: String,
    /// Whether it is the function that is judged, and not one of those beside it.
    pub product: bool,
    /// Deliveries sent to it, one after the other.
    pub deliveries: u64,
    /// Those that it answered 200.
    pub answered: u64,
    /// Those that were in the table afterwards.
    pub stored: u64,
    /// Those for which there was a message in the queue.
    pub queued: u64,
    /// Deliveries a second, storage and queue included.
    pub a_second: f64,
    /// CPU time of the process for each delivery, in milliseconds.
    pub cpu_millis: f64,
    /// From the start of the process to its first question for work, in milliseconds; the median of several starts.
    pub cold_millis: f64,
    /// The most memory that it held, in MiB.
    pub memory_mib: f64,
}

/// What a door did with a number of deliveries.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// How many it was sent.
    pub deliveries: u64,
    /// How many it answered 200.
    pub answered: u64,
    /// How long that took.
    pub took: Duration,
    /// What CPU time it took.
    pub cpu: Duration,
    /// The most memory that the process held, in KiB.
    pub peak_kib: u64,
}

/// What was left behind, besides what was there before.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Items of the table.
    pub stored: u64,
    /// Messages of the queue.
    pub queued: u64,
}

impl Row {
    /// The row of a run. `cold` are the times that the starts took.
    pub fn of(name: &str, product: bool, run: Run, kept: Kept, cold: &[Duration]) -> Self {
        let count = run.deliveries.max(1) as f64;
        Self {
            name: name.to_owned(),
            product,
            deliveries: run.deliveries,
            answered: run.answered,
            stored: kept.stored,
            queued: kept.queued,
            a_second: count / run.took.as_secs_f64(),
            cpu_millis: run.cpu.as_secs_f64() * 1_000.0 / count,
            cold_millis: median(cold).as_secs_f64() * 1_000.0,
            memory_mib: run.peak_kib as f64 / 1_024.0,
        }
    }
}

/// The middle one; of an even number the later of the two in the middle.
pub fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
