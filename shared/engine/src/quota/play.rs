//! The dispatch, played ahead: when those who wait will have had their calls, were nobody else to come.

use jiff::Timestamp;
use podio_lifecycle::work::Waiting;

use super::{Ceiling, Outages, Quota, choose::Round, name};
use crate::dispatch::MOST_LOOKED_AT;

/// The dispatch, played ahead on a copy of the quota.
pub struct Play {
    quota: Quota,
    round: Round,
    /// Calls that wait.
    waiting: usize,
    configured: Ceiling,
}

impl Play {
    /// From `now` on, with so many calls that wait.
    pub fn new(mut quota: Quota, now: Timestamp, waiting: usize, configured: Ceiling) -> Self {
        // Nobody knows how long an outage lasts.
        quota.outages = Outages::default();
        quota.named.retain(|named| named.holds_back(now));
        let round = Round::new(&quota, now, Timestamp::MAX);
        Self { quota, round, waiting, configured }
    }

    /// When the last of the next calls of a job goes out, behind all that were played before.
    pub fn next(&mut self, job: &Waiting) -> Timestamp {
        let id = name(&job.job);
        let at = match self.quota.named.iter().find(|named| named.job == id) {
            // It has its moments; none if it has ended, and the index does not show it yet.
            Some(named) => named.moments.last().map(|moment| moment.at),
            None => {
                self.round.waiting_calls = self.waiting.min(MOST_LOOKED_AT);
                self.round.given = 0;
                let order = self.quota.give(job, &mut self.round, self.configured);
                order.and_then(|order| order.moments.last().map(|moment| moment.at))
            }
        };
        self.round.from = at.map_or(self.round.from, |at| at.max(self.round.from));
        self.quota.forget(self.round.from, self.configured);
        self.round.from
    }

    /// So many calls wait no more.
    pub fn done(&mut self, calls: usize) {
        self.waiting = self.waiting.saturating_sub(calls);
    }
}
