//! What was measured of one door.

use std::time::Duration;

use serde::Serialize;

use crate::contestant::Role;

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The door.
    pub name: String,
    /// What it is in the comparison.
    pub role: Role,
    /// Deliveries sent to it, one after the other.
    pub deliveries: u64,
    /// Those that it answered 200.
    pub answered: u64,
    /// Those that were in the table afterwards.
    pub stored: u64,
    /// Those that were jobs in the work table.
    pub jobs: u64,
    /// Messages to the worker: a verification alone is worth one, and none of these is.
    pub queued: u64,
    /// Deliveries a second, storage and queue included.
    pub a_second: f64,
    /// CPU time of the process for each delivery, in milliseconds.
    pub cpu_millis: f64,
    /// From the start of the process to its first question for work, in milliseconds; the median of several starts.
    pub cold_millis: f64,
    /// How long an answer takes, in milliseconds: half of them at most this.
    pub p50_millis: f64,
    /// 99 of 100 answers at most this.
    pub p99_millis: f64,
    /// The slowest answer.
    pub max_millis: f64,
    /// The most memory that it held, in MiB.
    pub memory_mib: f64,
}

/// What a door did with a number of deliveries.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// How many it answered 200.
    pub answered: u64,
    /// How long each answer took.
    pub answers: Vec<Duration>,
    /// How long all that took.
    pub took: Duration,
    /// What CPU time it took.
    pub cpu: Duration,
}

/// What was left behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Items of the table.
    pub stored: u64,
    /// Those of them that are in the work table.
    pub jobs: u64,
    /// Messages of the queue.
    pub queued: u64,
}

impl Kept {
    /// What came after `before`.
    pub fn since(self, before: Self) -> Self {
        Self {
            stored: self.stored.saturating_sub(before.stored),
            jobs: self.jobs.saturating_sub(before.jobs),
            queued: self.queued.saturating_sub(before.queued),
        }
    }
}

impl Run {
    /// Adds another run of the same door.
    pub fn add(&mut self, run: Self) {
        self.answered += run.answered;
        self.answers.extend(run.answers);
        self.took += run.took;
        self.cpu += run.cpu;
    }
}

impl Row {
    /// The row of a run. `cold` are the times that the starts took, `peak_kib` is the most memory that the process held.
    pub fn of(name: &str, role: Role, run: &Run, kept: Kept, cold: &[Duration], peak_kib: u64) -> Self {
        let deliveries = run.answers.len() as u64;
        let count = deliveries.max(1) as f64;
        let mut answers = run.answers.clone();
        answers.sort_unstable();
        Self {
            name: name.to_owned(),
            role,
            deliveries,
            answered: run.answered,
            stored: kept.stored,
            jobs: kept.jobs,
            queued: kept.queued,
            a_second: count / run.took.as_secs_f64(),
            cpu_millis: millis(run.cpu) / count,
            cold_millis: millis(median(cold)),
            p50_millis: millis(percentile(&answers, 50)),
            p99_millis: millis(percentile(&answers, 99)),
            max_millis: millis(percentile(&answers, 100)),
            memory_mib: peak_kib as f64 / 1_024.0,
        }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The time that so many of a hundred do not exceed. The times are in order.
fn percentile(ordered: &[Duration], of_a_hundred: usize) -> Duration {
    let rank = (ordered.len() * of_a_hundred).div_ceil(100);
    ordered.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// The middle one; of an even number the later of the two in the middle.
pub fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        let of = |of_a_hundred| percentile(&times, of_a_hundred).as_millis();
        assert_eq!((of(50), of(99), of(100)), (100, 198, 200));
        assert_eq!(percentile(&times[..1], 50), Duration::from_millis(1));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
