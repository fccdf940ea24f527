//! What was measured of one backlog.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::scene::{Foreign, Scene};

/// One row of the first table.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// Whether it was the worker that was measured.
    pub product: bool,
    /// Who else spent on the key.
    pub foreign: Foreign,
    /// Calls of ours that Podio admitted within the measured windows, of all that it would have admitted.
    pub share: f64,
    /// Calls of ours that it refused.
    pub rejections: usize,
    /// The most of them within one window, wherever it is placed.
    pub most_rejections: usize,
    /// Leavers that are out of the organization, of those posted.
    pub removed: (usize, usize),
    /// From the post to the removal from the organization: half of the leavers take no longer, in seconds.
    pub p50: Option<i64>,
    /// The same for 95 of 100.
    pub p95: Option<i64>,
    /// The same for one leaver alone, after a quiet hour.
    pub alone: Option<i64>,
    /// Calls of the others that Podio refused while the backlog lasted, of all that they tried.
    pub others_refused: Option<(usize, usize)>,
    /// What only the worker has.
    pub worker: Option<OfWorker>,
}

/// What only the worker has.
#[derive(Debug, Clone, Serialize)]
pub struct OfWorker {
    /// The most often that a message was received.
    pub most_receives: u32,
    /// Attempts to write the record of the quota, for each dispatch.
    pub writes_for_dispatch: f64,
    /// Messages that ended in the dead-letter queue.
    pub dead_letters: usize,
    /// Workers that died.
    pub crashes: usize,
    /// Answers that were lost.
    pub lost_answers: usize,
    /// Calls that took another time than they should: any at all, and the measurement itself is wrong.
    pub unpunctual: usize,
    /// What it took to measure, in real seconds.
    pub real_seconds: f64,
}

/// What happened, in order of time.
#[derive(Debug, Default)]
pub struct Events {
    /// Admitted calls of ours.
    pub admitted: Vec<Timestamp>,
    /// Refused ones.
    pub rejected: Vec<Timestamp>,
    /// Leavers out of the organization.
    pub removed: Vec<Timestamp>,
    /// What the others tried, and whether it was admitted.
    pub others: Vec<(Timestamp, bool)>,
}

impl Row {
    /// What became of the leavers that were all posted at `start`.
    pub fn of(name: String, scene: &Scene, start: Timestamp, events: &Events) -> Self {
        let posted = scene.leavers();
        let end = start + scene.span();
        let used = events.admitted.iter().filter(|at| **at < end).count();
        let most_rejections = events.rejected.iter().enumerate().map(|(index, first)| {
            events.rejected[index..].iter().take_while(|at| at.duration_since(*first) < scene.window).count()
        });
        let after = |percent: usize| {
            let rank = (posted * percent).div_ceil(100);
            events.removed.get(rank - 1).map(|at| at.duration_since(start).as_secs())
        };
        let last = events.admitted.last().copied().unwrap_or(start);
        let others: Vec<bool> =
            events.others.iter().filter(|(at, _)| *at < last).map(|(_, admitted)| *admitted).collect();
        let refused = others.iter().filter(|admitted| !**admitted).count();
        Self {
            name,
            product: false,
            foreign: scene.foreign,
            share: used as f64 / f64::from(scene.limit * scene.windows),
            rejections: events.rejected.len(),
            most_rejections: most_rejections.max().unwrap_or(0),
            removed: (events.removed.len(), posted),
            p50: after(50),
            p95: after(95),
            alone: None,
            others_refused: (!others.is_empty()).then_some((refused, others.len())),
            worker: None,
        }
    }
}

/// The time from `start` to the first removal, in whole seconds.
pub fn alone(start: Timestamp, events: &Events) -> Option<i64> {
    let took = events.removed.first()?.duration_since(start);
    Some((took + SignedDuration::from_millis(999)).as_secs())
}
