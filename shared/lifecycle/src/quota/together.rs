//! Slots for calls that only make sense one right after the other: those that end an offboarding.

use jiff::Timestamp;

use super::{
    Booking, Ceiling, Lane, ReservationLog,
    log::{CLOSE, IN_HAND, ceil},
};

/// For slots close together that cost nobody else one, this fraction of a window is waited longer.
const PATIENCE: i32 = 12;

impl ReservationLog {
    /// Reserves `count` slots close together, no earlier than `from`, for calls that only make sense one right after the
    /// other. No more than the ceiling can be had at once.
    pub fn reserve_together(&mut self, from: Timestamp, count: usize, ceiling: Ceiling, lane: Lane) -> Vec<Booking> {
        let count = count.min(ceiling.limit());
        let from = ceil(from);
        let free = self.close_together(from, count, ceiling);
        let is_urgent = lane == Lane::Interactive;
        if is_urgent
            && free.last().is_some_and(|last| *last > from + CLOSE)
            && let Some((sooner, taken)) = self.overtake_together(from, count, ceiling)
            && taken.last().map(|booking| booking.at) < free.last().copied()
        {
            *self = sooner;
            return taken;
        }
        free.into_iter().map(|at| self.book(at, None, is_urgent)).collect()
    }

    /// Lets slots move up with all others, should somebody be in a hurry.
    pub(super) fn loosen(&mut self, slots: &[Booking]) {
        for booking in self.bookings.iter_mut().filter(|booking| slots.contains(booking)) {
            booking.firm = false;
        }
    }

    /// Where `count` calls close together would find room that nobody has booked.
    fn close_together(&self, from: Timestamp, count: usize, ceiling: Ceiling) -> Vec<Timestamp> {
        let mut start = from;
        loop {
            let mut trial = self.clone();
            let found: Vec<Timestamp> = (0..count).map(|_| trial.place(start, ceiling).at).collect();
            match (found.first(), found.last()) {
                (Some(first), Some(last)) if last.duration_since(*first) > CLOSE => start = *last - CLOSE,
                _ => return found,
            }
        }
    }

    /// The same, in the places of removals that wait: where some lie close together soon, else at the cost of moments that
    /// nobody has then.
    fn overtake_together(&self, from: Timestamp, count: usize, ceiling: Ceiling) -> Option<(Self, Vec<Booking>)> {
        let ahead: Vec<Timestamp> = self.removals_from(from + IN_HAND).map(|booking| booking.at).collect();
        let close = ahead.windows(count).find(|run| run[count - 1].duration_since(run[0]) <= CLOSE);
        let soon = *ahead.get(count - 1)? + ceiling.window() / PATIENCE;
        let mut trial = self.clone();
        if let Some(run) = close.filter(|run| run[count - 1] <= soon) {
            let taken = trial.displace(run, run, from, ceiling);
            return Some((trial, taken));
        }
        // As many moments again but one, since the windows between the first and the last would hold too many.
        let gone = &ahead[..ahead.len().min(count * 2 - 1)];
        let taken = trial.displace(gone, &vec![ahead[count - 1]; count], from, ceiling);
        // But for the few milliseconds by which newcomers come later than whom they displace, the whole span.
        let least = ceiling.span() - ceiling.margin() / 8;
        let pairs = trial.bookings.iter().zip(trial.bookings.iter().skip(ceiling.limit()));
        let is_sound = pairs.into_iter().all(|(early, late)| late.at.duration_since(early.at) >= least);
        is_sound.then_some((trial, taken))
    }
}

/// Whether calls go out one right after the other.
pub(super) fn is_close(first: Timestamp, last: Timestamp) -> bool {
    last.duration_since(first) <= CLOSE * 2
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::quota::{End, Need, Quota, Slot};

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    fn need<'a>(calls: usize, lane: Lane, then: Option<End<'a>>) -> Need<'a> {
        Need { route: "any", lane, held: &[], calls, together: calls > 1, then }
    }

    fn slots(bookings: &[Booking]) -> Vec<Slot> {
        bookings.iter().map(|booking| booking.slot).collect()
    }

    /// When the calls of an end go out now.
    fn moments(quota: &Quota, ceiling: Ceiling, end: &[Slot]) -> Vec<Timestamp> {
        let log = quota.log(ceiling);
        let mut moments: Vec<Timestamp> = end.iter().filter_map(|slot| Some(log.booking(*slot)?.at)).collect();
        moments.sort_unstable();
        moments
    }

    #[test]
    fn the_end_of_who_rides_comes_right_after_the_last_call_of_others_and_moves_with_it() {
        let ceiling = Ceiling::new(250, SignedDuration::from_secs(3_600)).unwrap();
        let mut quota = Quota::default();
        let removals: Vec<Slot> =
            (0..900).flat_map(|_| slots(&quota.allot(&need(1, Lane::Removal, None), at(0), ceiling).slots)).collect();
        let last = |quota: &Quota| quota.removal_at(removals[300], ceiling);
        let then = Some(End { calls: 2, after: &removals[295..=300] });
        let end = slots(&quota.allot(&need(0, Lane::Removal, then), at(1_000), ceiling).then);
        let behind = |quota: &Quota| moments(quota, ceiling, &end)[0].duration_since(last(quota));
        assert!((SignedDuration::ZERO..SignedDuration::from_mins(6)).contains(&behind(&quota)), "{:#}", behind(&quota));
        for _ in 0..200 {
            quota.allot(&need(1, Lane::Interactive, None), at(1_000), ceiling);
            assert!((SignedDuration::ZERO..ceiling.window()).contains(&behind(&quota)), "{:#}", behind(&quota));
        }
        assert!(last(&quota) > at(2 * 3_600_000), "it was moved");
    }

    proptest! {
        /// Whoever overtakes whom: nobody loses a slot that lies ahead, and no window holds more than the ceiling.
        #[test]
        fn nobody_loses_the_slots_of_an_end(
            limit in 8u32..40,
            asks in prop::collection::vec((0i64..500_000, 0usize..5, 1usize..6), 1..40),
        ) {
            let ceiling = Ceiling::new(limit, SignedDuration::from_secs(3_600)).unwrap();
            let mut quota = Quota::default();
            let (mut now, mut removals, mut ends) = (at(0), Vec::new(), Vec::new());
            for (pause, kind, count) in asks {
                now += SignedDuration::from_millis(pause);
                let behind: Vec<Slot> = removals.iter().rev().step_by(count).take(3).copied().collect();
                let ask = match kind {
                    0 => need(1, Lane::Removal, None),
                    1 => need(1, Lane::Removal, Some(End { calls: 3, after: &[] })),
                    2 => need(0, Lane::Removal, Some(End { calls: 2, after: &behind })),
                    3 => need(1, Lane::Interactive, None),
                    _ => need(2, Lane::Interactive, None),
                };
                for _ in 0..count {
                    let allotted = quota.allot(&ask, now, ceiling);
                    if ask.lane == Lane::Removal {
                        removals.extend(slots(&allotted.slots));
                    }
                    ends.extend(allotted.then.first().map(|first| (slots(&allotted.then), first.at)));
                    let log = quota.log(ceiling);
                    let mut full = log.bookings().iter().zip(log.bookings().iter().skip(ceiling.limit()));
                    prop_assert!(full.all(|(first, more)| more.at.duration_since(first.at) >= ceiling.window()));
                    prop_assert!(log.bookings().iter().all(|booking| booking.slot.0 <= booking.at));
                    let ahead = log.bookings().iter().filter(|booking| booking.at > now);
                    let names: BTreeSet<Slot> = ahead.clone().map(|booking| booking.slot).collect();
                    prop_assert_eq!(names.len(), ahead.count(), "{:?}", log.bookings());
                    ends.retain(|(_, first)| *first > now);
                    for (end, first) in &mut ends {
                        let moments = moments(&quota, ceiling, end);
                        prop_assert!(moments.len() == end.len(), "{:?} in {:?}", end, log.bookings());
                        *first = moments[0];
                    }
                }
            }
        }
    }
}
