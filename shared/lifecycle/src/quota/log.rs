//! The reservation log: the last `limit` slots that were given out.
//!
//! Podio does not say when its hour begins or whether it slides. So nothing is assumed: a slot is given no sooner than a
//! window and a margin after the slot `limit` places before it. Then no window, wherever it lies, holds more than `limit`
//! calls; after a quiet hour a burst goes out at once.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Ceiling, Slot};

/// The slots given out last, oldest first, and what Podio said when it refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationLog {
    slots: VecDeque<Slot>,
    blocked_until: Option<Timestamp>,
    rejections: u64,
}

impl ReservationLog {
    /// A log as it was stored. Slots are put in order, should the storage not have kept it.
    pub fn restore(mut slots: Vec<Slot>, blocked_until: Option<Timestamp>, rejections: u64) -> Self {
        slots.sort_unstable();
        Self { slots: slots.into(), blocked_until, rejections }
    }

    /// The slots that are remembered, oldest first.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = Slot> + '_ {
        self.slots.iter().copied()
    }

    /// Until when Podio refuses every call, if it said so.
    pub fn blocked_until(&self) -> Option<Timestamp> {
        self.blocked_until
    }

    /// How often Podio has answered 420.
    pub fn rejections(&self) -> u64 {
        self.rejections
    }

    /// Reserves `count` slots, each as early as it can be.
    pub fn reserve(&mut self, now: Timestamp, count: usize, ceiling: Ceiling) -> Vec<Slot> {
        let slots = (0..count).map(|_| self.next(now, ceiling)).collect();
        self.forget(ceiling);
        slots
    }

    /// Reserves `count` slots at one moment, for calls that only make sense together. No more than the ceiling can be
    /// had at once; the rest would have to be reserved afterwards.
    pub fn reserve_together(&mut self, now: Timestamp, count: usize, ceiling: Ceiling) -> Vec<Slot> {
        let count = count.min(ceiling.limit());
        let mut trial = self.clone();
        let Some(&last) = trial.reserve(now, count, ceiling).last() else { return Vec::new() };
        // Moving a slot to a later moment only widens the gaps that the rule asks for.
        self.slots.extend(std::iter::repeat_n(last, count));
        self.forget(ceiling);
        vec![last; count]
    }

    /// Podio answered 420: nothing goes out for `wait`, or for a whole window where Podio did not say for how long.
    pub fn rejected(&mut self, now: Timestamp, wait: Option<SignedDuration>, ceiling: Ceiling) {
        let until = now + wait.unwrap_or(ceiling.window());
        self.blocked_until = self.blocked_until.max(Some(until));
        self.rejections += 1;
    }

    /// Whether a slot reserved earlier falls into a time for which Podio has refused every call since.
    pub fn blocks(&self, slot: Slot) -> bool {
        self.blocked_until.is_some_and(|until| slot.0 < until)
    }

    /// Calls that the window ending at `now` holds.
    pub fn used(&self, now: Timestamp, ceiling: Ceiling) -> usize {
        let held = ceiling.window() + ceiling.margin();
        self.slots.iter().filter(|slot| slot.0 <= now && now.duration_since(slot.0) < held).count()
    }

    /// Slots that are given out and not yet spent.
    pub fn waiting(&self, now: Timestamp) -> usize {
        self.slots.iter().filter(|slot| slot.0 > now).count()
    }

    /// Calls that could go out at `now`.
    pub fn free(&self, now: Timestamp, ceiling: Ceiling) -> usize {
        let mut trial = self.clone();
        trial.reserve(now, ceiling.limit(), ceiling).into_iter().filter(|slot| slot.0 <= now).count()
    }

    /// When the `count`-th call from now could go out, were nobody else to ask: what an ETA is made of.
    pub fn forecast(&self, now: Timestamp, count: usize, ceiling: Ceiling) -> Timestamp {
        let mut trial = self.clone();
        trial.reserve(now, count.max(1), ceiling).last().map_or(now, |slot| slot.0)
    }

    fn next(&mut self, now: Timestamp, ceiling: Ceiling) -> Slot {
        let mut moment = now.max(self.blocked_until.unwrap_or(now));
        if let Some(index) = self.slots.len().checked_sub(ceiling.limit()) {
            moment = moment.max(self.slots[index].0 + ceiling.window() + ceiling.margin());
        }
        // A clock that jumped back, or another worker's slow clock, must not undo the order.
        if let Some(last) = self.slots.back() {
            moment = moment.max(last.0);
        }
        let slot = Slot(moment);
        self.slots.push_back(slot);
        slot
    }

    fn forget(&mut self, ceiling: Ceiling) {
        while self.slots.len() > ceiling.limit() {
            self.slots.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    fn ceiling(limit: u32, seconds: i64) -> Ceiling {
        Ceiling::new(limit, SignedDuration::from_secs(seconds)).unwrap()
    }

    #[test]
    fn after_a_quiet_hour_a_burst_goes_out_at_once() {
        let mut log = ReservationLog::default();
        let hour = ceiling(250, 3600);
        let first = log.reserve(at(0), 250, hour);
        assert!(first.iter().all(|slot| slot.0 == at(0)));

        let next = log.reserve(at(1), 1, hour);
        assert_eq!(next, [Slot(at(3_614_400))], "an hour and 0.4 % later");
        assert_eq!(log.slots().len(), 250);
    }

    #[test]
    fn a_420_stops_everything_for_as_long_as_podio_says() {
        let mut log = ReservationLog::default();
        let hour = ceiling(250, 3600);
        let reserved = log.reserve(at(0), 1, hour)[0];
        log.rejected(at(0), Some(SignedDuration::from_secs(300)), hour);
        assert!(log.blocks(reserved));
        assert_eq!(log.reserve(at(1_000), 1, hour), [Slot(at(300_000))]);
        log.rejected(at(1_000), None, hour);
        assert_eq!(log.blocked_until(), Some(at(3_601_000)));
        log.rejected(at(2_000), Some(SignedDuration::from_secs(1)), hour);
        assert_eq!(log.blocked_until(), Some(at(3_601_000)), "a shorter word does not undo a longer one");
        assert_eq!(log.rejections(), 3);
    }

    #[test]
    fn what_is_free_and_what_is_used_add_up() {
        let mut log = ReservationLog::default();
        let twenty = ceiling(20, 20);
        log.reserve(at(0), 25, twenty);
        assert_eq!(log.used(at(1), twenty), 15, "five of the twenty remembered wait");
        assert_eq!(log.waiting(at(1)), 5);
        assert_eq!(log.free(at(1), twenty), 0);
        assert_eq!(log.free(at(60_000), twenty), 20);
        assert_eq!(log.forecast(at(60_000), 20, twenty), at(60_000));
        assert_eq!(log.forecast(at(60_000), 21, twenty), at(81_000));
    }

    #[test]
    fn a_clock_that_jumps_back_does_not_undo_the_order() {
        let mut log = ReservationLog::default();
        let small = ceiling(2, 10);
        log.reserve(at(10_000), 2, small);
        assert_eq!(log.reserve(at(0), 1, small), [Slot(at(21_000))]);
    }

    proptest! {
        /// Whatever is asked for and whenever, no window holds more than the ceiling, no slot lies in the past, and what
        /// is asked for together lies together.
        #[test]
        fn no_window_ever_holds_more_than_the_ceiling(
            limit in 1u32..20,
            seconds in 1i64..100,
            asks in prop::collection::vec((0i64..30_000, 1usize..15, any::<bool>()), 1..40),
        ) {
            let ceiling = ceiling(limit, seconds);
            let mut log = ReservationLog::default();
            let mut given = Vec::new();
            let mut now = at(0);
            for (pause, count, together) in asks {
                now += SignedDuration::from_millis(pause);
                let slots = if together {
                    let slots = log.reserve_together(now, count, ceiling);
                    prop_assert!(slots.iter().all(|slot| *slot == slots[0]));
                    slots
                } else {
                    log.reserve(now, count, ceiling)
                };
                prop_assert!(slots.iter().all(|slot| slot.0 >= now));
                given.extend(slots);
            }
            for (index, slot) in given.iter().enumerate().skip(ceiling.limit()) {
                let earlier = given[index - ceiling.limit()];
                prop_assert!(slot.0.duration_since(earlier.0) >= ceiling.window() + ceiling.margin());
            }
        }
    }
}
