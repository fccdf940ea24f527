//! The pace of removals: a burst after a quiet hour, no faster than a worker can send, the rest spread.

use jiff::Timestamp;

use super::{
    Booking, Ceiling, ReservationLog, Slot,
    log::{IN_HAND, ceil},
};

/// The share of a window that removals may send as a burst, as a fraction.
const BURST: (usize, usize) = (19, 20);
/// Within a burst, removals keep this fraction of the window between them, so that no worker has to send more at one
/// moment than it can: a tenth of a second for an hour.
const STEP: i32 = 36_000;
/// A worker takes this many messages at a time, and a batch lasts as long as the sleep until its last slot and a call. So
/// that one worker alone keeps pace with a burst, no more slots than these lie within this fraction of the window: ten in
/// four seconds for an hour.
const CROWD: (usize, i32) = (10, 900);
/// So many calls, and no more than this fraction of the ceiling, go out within this fraction of the window where nobody has
/// to wait for the spread: five in a minute for an hour.
const ROOM: (usize, usize, i32) = (5, 8, 60);

impl ReservationLog {
    /// The next slot for a removal: one that was given back, else the first that is left over between those of others or
    /// behind them, spread once the burst of the window is spent. Its owner may have a name already.
    pub(super) fn append(&mut self, from: Timestamp, ceiling: Ceiling, owner: Option<Slot>) -> Booking {
        let from = ceil(from);
        let at = match self.take_hole(from, self.bookings.len(), ceiling) {
            Some(hole) => hole,
            None => self.first_fit(from, ceiling),
        };
        self.book(at, owner, false)
    }

    /// The first moment from `from` at which several who are in a hurry find slots soon: there is room, or a burst that they
    /// can go before. Between bursts each would have to wait for the next one of the spread. Where there is no such moment
    /// within a window, it is `from`.
    pub fn roomy_from(&self, from: Timestamp, ceiling: Ceiling) -> Timestamp {
        let (most, share, fraction) = ROOM;
        let count = most.min(ceiling.limit() / share).max(1);
        let soon = ceiling.window() / fraction;
        let is_soon = |last: Timestamp| last.duration_since(from) <= soon;
        if (1..=count)
            .try_fold(self.clone(), |mut log, _| is_soon(log.place(from, ceiling).at).then_some(log))
            .is_some()
        {
            return from;
        }
        let until = from + ceiling.span();
        let ahead: Vec<Timestamp> =
            self.removals_from(from).map(|booking| booking.at).take_while(|at| *at <= until).collect();
        let run = ahead.windows(count).find(|run| run[count - 1].duration_since(run[0]) <= soon);
        // Whoever comes then goes before the first of them.
        run.map_or(from, |run| from.max(run[0] - IN_HAND * 2))
    }

    /// The first moment at which a removal disturbs neither the ceiling nor the worker's pace.
    fn first_fit(&self, from: Timestamp, ceiling: Ceiling) -> Timestamp {
        let mut at = from;
        loop {
            let free = self.earliest(at, ceiling);
            let spread = self.spread(free, ceiling);
            at = match self.bookings.get(self.past(free)).map(|next| next.at) {
                // There is no room before the next one.
                Some(next) if next <= spread || self.is_crowded(spread, ceiling) => next,
                _ if spread > free => spread,
                _ => return free,
            };
        }
    }

    /// Whether one more slot there would make too many for one worker, with those that come after it.
    fn is_crowded(&self, at: Timestamp, ceiling: Ceiling) -> bool {
        let (place, (crowd, fraction)) = (self.past(at), CROWD);
        let least = ceiling.window() / fraction;
        (0..crowd).any(|before| {
            let first =
                if before == 0 { Some(at) } else { place.checked_sub(before).map(|index| self.bookings[index].at) };
            let last = self.bookings.get(place + crowd - before - 1).map(|booking| booking.at);
            first.zip(last).is_some_and(|(first, last)| last.duration_since(first) < least)
        })
    }

    fn spread(&self, at: Timestamp, ceiling: Ceiling) -> Timestamp {
        let past = self.past(at);
        let Some(previous) = past.checked_sub(1).map(|index| self.bookings[index].at) else { return at };
        let crowd = past.checked_sub(CROWD.0).map(|index| self.bookings[index].at + ceiling.window() / CROWD.1);
        let step = ceil((previous + ceiling.window() / STEP).max(crowd.unwrap_or(previous)));
        let held = self.between(at - ceiling.span(), at);
        let burst = (ceiling.limit() * BURST.0).div_ceil(BURST.1);
        if held < burst || held >= ceiling.limit() {
            return at.max(step);
        }
        // What is left is spread until the oldest call of the window counts no more.
        let oldest = self.bookings[self.past(at - ceiling.span())].at;
        let left = i32::try_from(ceiling.limit() - held).unwrap_or(i32::MAX - 1);
        let pause = (oldest + ceiling.span()).duration_since(previous) / left.saturating_add(1);
        at.max(step).max(ceil(previous + pause))
    }
}
