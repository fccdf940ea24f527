//! What a run adds to the record: the moment of one more call, and what Podio's answers have taught.

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::work::Priority;

use super::{Ceiling, Learned, Moments, Quota};
use crate::order::Reserved;

/// Routes that are remembered. There are fewer than this; more would mean that something invents them.
const MOST_ROUTES: usize = 100;

/// What the headers of one answer said; what made no sense is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The route that was called.
    pub route: String,
    /// When the call was sent.
    pub at: Timestamp,
    /// Calls in a window, in the bucket of the route.
    pub limit: Option<u32>,
    /// Calls left in the window.
    pub remaining: Option<u32>,
}

impl Quota {
    /// The moment of one more call of a job that is running, if there is one within `patience`. Nothing is reserved
    /// otherwise: the job waits like any other.
    pub fn one_more(
        &mut self,
        route: &str,
        priority: Priority,
        now: Timestamp,
        patience: SignedDuration,
        configured: Ceiling,
    ) -> Option<Reserved> {
        let ceiling = self.ceiling(route, configured);
        let allowed = self.allowed(ceiling, now);
        if priority == Priority::Background && !self.has_room_for_background(ceiling, now) {
            return None;
        }
        let from = self.open_from(now);
        let moments = self.moments.entry(ceiling.key()).or_default();
        let at = moments.free(from, 1, allowed);
        if at.duration_since(now) > patience {
            return None;
        }
        Some(Reserved { at: moments.add(at, priority == Priority::Background), limit: ceiling.key() })
    }

    /// When the last of so many calls that asked now would go out, were nobody else to ask: what an estimate is made of.
    pub fn forecast(&self, now: Timestamp, calls: usize, configured: Ceiling) -> Timestamp {
        let allowed = self.allowed(configured, now);
        let mut trial = self.under(configured);
        let from = now.max(self.blocked_until.unwrap_or(now));
        (0..calls).fold(from, |from, _| {
            let at = trial.free(from, 1, allowed);
            trial.add(at, false)
        })
    }

    /// How many calls could go out at `now`.
    pub fn free_now(&self, now: Timestamp, ceiling: Ceiling) -> usize {
        if self.is_blocked(now) {
            return 0;
        }
        let allowed = self.allowed(ceiling, now);
        allowed.limit().saturating_sub(self.under(ceiling).used(now, allowed))
    }

    fn has_room_for_background(&self, ceiling: Ceiling, now: Timestamp) -> bool {
        let allowed = self.allowed(ceiling, now);
        self.under(ceiling).used(now, allowed) < allowed.limit() * 4 / 5
    }

    /// Learns from the headers of an answer: which ceiling the route falls under, and what others spend. How many calls of
    /// others are new in it.
    pub fn learn(&mut self, heard: &Heard, now: Timestamp, configured: Ceiling) -> u64 {
        let Some(limit) = heard.limit.filter(|limit| *limit >= 1) else { return 0 };
        if heard.remaining.is_some_and(|remaining| remaining > limit) {
            // More left than there is: neither number can be believed.
            return 0;
        }
        let before = self.routes.get(&heard.route).copied();
        if before.is_none() && self.routes.len() >= MOST_ROUTES {
            return 0;
        }
        let (from, learned) = (self.ceiling(&heard.route, configured), Learned::next(before, limit, configured));
        if before.is_some() || learned.limit != configured.key() || learned.higher.is_some() {
            self.routes.insert(heard.route.clone(), learned);
        }
        let ceiling = configured.with_limit(learned.limit);
        if ceiling != from && !self.moments.contains_key(&ceiling.key()) {
            // What was sent before that was known may count under it.
            let sent = self.under(from);
            self.moments.entry(ceiling.key()).or_default().join(&sent);
        }
        let Some(remaining) = heard.remaining.filter(|_| limit == ceiling.key()) else { return 0 };
        let mut ours = self.under(ceiling);
        if ceiling != configured {
            // Calls of routes of which Podio has not told enough yet count somewhere.
            let elsewhere: Moments = self.under(configured);
            ours.join(&elsewhere);
        }
        let _ = now;
        self.others.observe(heard.at, remaining, &ours, ceiling)
    }
}
