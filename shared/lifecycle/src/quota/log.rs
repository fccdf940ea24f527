//! The reservation log: the moments that were given out under one ceiling, and to whom.
//!
//! Podio does not say when its hour begins or whether it slides. So nothing is assumed: among the moments, no more than
//! `limit` ever lie closer together than a window and a margin. Then no window, wherever it lies, holds more than `limit`
//! calls; after a quiet hour a burst goes out at once.
//!
//! Moments that lie ahead belong to jobs that sleep. Who is in a hurry takes the next one, and everybody behind moves up by
//! one place: the order stays, no moment is lost, and who wakes too early finds here for how long to sleep on. Owners
//! know their place by the slot that they were given; it stays their name wherever they are moved.

use jiff::{SignedDuration, Timestamp};

use super::{Booking, Ceiling, Lane, Slot};

/// A slot that lies no further ahead than this may be in a worker's hand already, about to be spent, even if that
/// worker's clock is ahead: it is nobody's to take away.
pub(super) const IN_HAND: SignedDuration = SignedDuration::from_secs(5);
/// Slots lie no further ahead than this.
const FARTHEST: SignedDuration = SignedDuration::from_hours(24 * 14);
/// Slots that are wanted together lie no further apart than this.
pub(super) const CLOSE: SignedDuration = SignedDuration::from_secs(1);

/// What was given out under one ceiling, in order, the past as far back as it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReservationLog {
    pub(super) bookings: Vec<Booking>,
    /// Given back, and nobody's until somebody asks.
    pub(super) freed: Vec<Timestamp>,
}

impl ReservationLog {
    /// A log as it was stored. It is put in order, and moments are made distinct, should the storage not have kept that.
    pub fn restore(mut bookings: Vec<Booking>, mut freed: Vec<Timestamp>) -> Self {
        bookings.sort_unstable_by_key(|booking| booking.at);
        bookings.dedup_by_key(|booking| booking.at);
        freed.sort_unstable();
        Self { bookings, freed }
    }

    /// What is remembered, oldest first.
    pub fn bookings(&self) -> &[Booking] {
        &self.bookings
    }

    /// The moments among it that were given back and lie ahead, oldest first.
    pub fn freed(&self) -> &[Timestamp] {
        &self.freed
    }

    /// What is booked for whoever was given that slot; none where it is not theirs any more.
    pub fn booking(&self, slot: Slot) -> Option<Booking> {
        self.bookings.iter().rev().find(|booking| booking.slot == slot).copied()
    }

    /// Calls that the window ending at `now` holds.
    pub fn used(&self, now: Timestamp, ceiling: Ceiling) -> usize {
        self.between(now - ceiling.span(), now)
    }

    /// Whether more than half of a window is given out.
    pub fn is_scarce(&self, now: Timestamp, ceiling: Ceiling) -> bool {
        (self.bookings.len() - self.past(now - ceiling.span())) * 2 > ceiling.limit()
    }

    /// Slots that are given out and lie ahead.
    pub fn waiting(&self, now: Timestamp) -> usize {
        self.bookings.len() - self.past(now)
    }

    /// The last moment that was given out.
    pub fn last(&self) -> Option<Timestamp> {
        self.bookings.last().map(|booking| booking.at)
    }

    /// Calls that could go out at `now`.
    pub fn free(&self, now: Timestamp, ceiling: Ceiling) -> usize {
        let mut trial = self.clone();
        let soon = now + CLOSE;
        (0..ceiling.limit()).take_while(|_| trial.place(now, ceiling).at <= soon).count()
    }

    /// When the last of `count` removals that asked now would go out, were nobody else to ask: what an ETA is made of.
    pub fn forecast(&self, now: Timestamp, count: usize, ceiling: Ceiling) -> Timestamp {
        let mut trial = self.clone();
        // What was too full for one is too full for the next.
        (0..count.max(1)).fold(now, |from, _| trial.append(from, ceiling, None).at)
    }

    /// Reserves one slot, no earlier than `from`; none where the lane has to wait without one.
    pub fn reserve(&mut self, lane: Lane, from: Timestamp, ceiling: Ceiling) -> Option<Booking> {
        let from = ceil(from);
        match lane {
            Lane::Interactive => Some(self.overtake(from, ceiling)),
            Lane::Removal => Some(self.append(from, ceiling, None)),
            Lane::Background => (self.background_from(from, ceiling) <= from).then(|| self.place(from, ceiling)),
        }
    }

    /// When a call in the background may ask again.
    pub fn background_from(&self, now: Timestamp, ceiling: Ceiling) -> Timestamp {
        let half = ceiling.with_limit(u32::try_from(ceiling.limit() / 2).unwrap_or(1));
        let last = self.last().filter(|last| *last > now + CLOSE);
        self.earliest(last.unwrap_or(now), half)
    }

    /// Gives back a slot that was not spent.
    pub fn release(&mut self, slot: Slot) {
        if let Some(index) = self.bookings.iter().rposition(|booking| booking.slot == slot) {
            let at = self.bookings.remove(index).at;
            let place = self.freed.partition_point(|other| *other < at);
            self.freed.insert(place, at);
        }
    }

    /// Gives a slot a name like its moment, so that its owner need not look it up; only where the owner is told.
    pub(super) fn rename(&mut self, booking: Booking) -> Booking {
        self.bookings.retain(|other| *other != booking);
        self.book(booking.at, None, booking.firm)
    }

    /// Books `calls` that somebody else has made by `now`: they count like our own, and as many of the moments that lie
    /// ahead are struck, the nearest first, since the windows that hold them would otherwise hold too many.
    pub fn book_foreign(&mut self, now: Timestamp, calls: usize, ceiling: Ceiling) {
        for _ in 0..calls {
            let mut at = ceil(now) - SignedDuration::from_millis(1);
            while self.is_taken(at) {
                at -= SignedDuration::from_millis(1);
            }
            self.book(at, None, true);
        }
        let gone: Vec<Timestamp> = self.removals_from(now + IN_HAND).map(|booking| booking.at).take(calls).collect();
        self.displace(&gone, &[], now, ceiling);
    }

    /// Strikes every moment in `after..until`; removals that waited for them take later ones, in order, and all others
    /// have to ask again.
    pub fn strike_between(&mut self, after: Timestamp, until: Timestamp, ceiling: Ceiling) {
        let is_struck = |booking: &Booking| booking.at > after && booking.at < until;
        self.bookings.retain(|booking| !(booking.firm && is_struck(booking)));
        self.freed.retain(|at| *at <= after || *at >= until);
        let gone: Vec<Timestamp> =
            self.removals_from(after).filter(|booking| is_struck(booking)).map(|booking| booking.at).collect();
        self.displace(&gone, &[], until, ceiling);
    }

    /// Strikes moments that lie ahead until what is left keeps to a lower ceiling.
    pub fn thin(&mut self, now: Timestamp, ceiling: Ceiling) {
        let past = self.past(now);
        let mut kept = Self { bookings: self.bookings[..past].to_vec(), freed: Vec::new() };
        let mut gone = Vec::new();
        for booking in &self.bookings[past..] {
            if kept.earliest(booking.at, ceiling) == booking.at {
                kept.bookings.push(*booking);
            } else if !booking.firm {
                gone.push(booking.at);
            }
        }
        self.bookings.retain(|booking| !booking.firm || kept.is_taken(booking.at));
        self.freed.clear();
        self.displace(&gone, &[], now, ceiling);
    }

    /// Forgets what can no longer count. Two windows of the past are kept in any case, so that a clock that
    /// runs ahead cannot wipe out what happened.
    pub fn forget(&mut self, now: Timestamp, ceiling: Ceiling) {
        let past = self.past(now);
        let old = self.past(now - ceiling.span() - ceiling.margin());
        self.bookings.drain(..old.min(past.saturating_sub(2 * ceiling.limit())));
        // No clock that is right is so far behind: what lies there was booked by one that was wrong.
        self.bookings.retain(|booking| booking.at <= now + FARTHEST);
        // What has gone by is nobody's to move, and nobody looks it up that late.
        for booking in self.bookings.iter_mut().take_while(|booking| booking.at < now - ceiling.span()) {
            *booking = Booking { at: booking.at, slot: Slot(booking.at), firm: false };
        }
        self.freed.retain(|at| *at > now);
    }

    /// The calls of the past alone: what another ceiling may have counted too.
    pub fn spent(&self, now: Timestamp) -> Self {
        Self { bookings: self.bookings[..self.past(now)].to_vec(), freed: Vec::new() }
    }

    /// Books what another log has booked, too.
    pub fn merge(&mut self, other: &Self) {
        let all = self.bookings.iter().chain(&other.bookings).copied().collect();
        *self = Self::restore(all, std::mem::take(&mut self.freed));
    }

    /// The next slot for whoever cannot wait: a free one, or that of the next removal if that is sooner.
    fn overtake(&mut self, from: Timestamp, ceiling: Ceiling) -> Booking {
        let free = self.earliest(from, ceiling);
        let next = self.removals_from(from + IN_HAND).next().map(|booking| booking.at);
        match next.filter(|next| *next < free) {
            Some(next) => self.displace(&[next], &[next], from, ceiling)[0],
            None => self.book(free, None, true),
        }
    }

    /// Strikes moments of removals, books `newcomers` who are in a hurry, and moves up who is displaced, in order: each to
    /// the next moment of a removal behind, or one that was given back, the last to the end, not before `from`. Nobody is
    /// moved to an earlier moment, since they sleep.
    pub(super) fn displace(
        &mut self,
        gone: &[Timestamp],
        newcomers: &[Timestamp],
        from: Timestamp,
        ceiling: Ceiling,
    ) -> Vec<Booking> {
        let Some(&first) = gone.first() else { return Vec::new() };
        let owners: Vec<Booking> = self.removals_from(first - SignedDuration::from_millis(1)).copied().collect();
        self.bookings.retain(|booking| booking.firm || gone.binary_search(&booking.at).is_err());
        let booked: Vec<Booking> = newcomers
            .iter()
            .map(|at| {
                let name = self.name_for(*at, &owners);
                self.book(*at, Some(name), true)
            })
            .collect();
        let mut place = self.past(first - SignedDuration::from_millis(1));
        for owner in owners {
            if let Some(hole) = self.take_hole(owner.at, place, ceiling) {
                // It may lie before the place, or behind some that keep their moments.
                let booked = self.book(hole, Some(owner.slot), false);
                place = (place + 1).max(self.past(booked.at));
                continue;
            }
            while self.bookings.get(place).is_some_and(|booking| booking.firm) {
                place += 1;
            }
            match self.bookings.get_mut(place) {
                Some(booking) => booking.slot = owner.slot,
                None => drop(self.append(owner.at.max(from), ceiling, Some(owner.slot))),
            }
            place += 1;
        }
        booked
    }

    /// A moment that was given back, no earlier than `from`, and before the place that would be next.
    pub(super) fn take_hole(&mut self, from: Timestamp, place: usize, ceiling: Ceiling) -> Option<Timestamp> {
        let next = self.bookings[place.min(self.bookings.len())..].iter().find(|booking| !booking.firm);
        let until = next.map(|booking| booking.at);
        while let Some(index) = self.freed.iter().position(|at| *at >= from) {
            if until.is_some_and(|until| self.freed[index] >= until) {
                return None;
            }
            let hole = self.freed.remove(index);
            if !self.is_taken(hole) && self.earliest(hole, ceiling) == hole {
                return Some(hole);
            }
        }
        None
    }

    /// The next free slot.
    pub(super) fn place(&mut self, from: Timestamp, ceiling: Ceiling) -> Booking {
        let at = self.earliest(ceil(from), ceiling);
        self.book(at, None, false)
    }

    /// The earliest moment from `from` at which one more call keeps the rule.
    ///
    /// Wherever `limit` slots lie closer together than the span, a further one must keep the span from the first of
    /// them, if it comes later, or from the last of them, if it comes earlier.
    pub(super) fn earliest(&self, from: Timestamp, ceiling: Ceiling) -> Timestamp {
        let (limit, span) = (ceiling.limit(), ceiling.span());
        let mut at = from;
        let start = self.bookings.partition_point(|booking| booking.at + span <= at);
        for window in self.bookings[start..].windows(limit) {
            let (first, last) = (window[0].at, window[limit - 1].at);
            if last - span >= at {
                break;
            }
            if last.duration_since(first) < span && at < first + span {
                at = first + span;
            }
        }
        at
    }

    /// Books the moment, or the first millisecond after it that is not booked, for an owner of that name, or of one like
    /// the moment. The moment is not put off for the sake of a name: the room behind it is exact to the millisecond.
    pub(super) fn book(&mut self, at: Timestamp, owner: Option<Slot>, firm: bool) -> Booking {
        let mut at = ceil(at);
        while self.is_taken(at) {
            at += SignedDuration::from_millis(1);
        }
        let booking = Booking { at, slot: owner.unwrap_or_else(|| self.name_for(at, &[])), firm };
        let place = self.past(at);
        self.bookings.insert(place, booking);
        booking
    }

    /// A name for whoever gets that moment, which neither anybody in the log has nor any of the `others`; never one of a
    /// later moment, since owners are moved to later moments only, and that is how it is stored.
    fn name_for(&self, at: Timestamp, others: &[Booking]) -> Slot {
        let mut name = Slot(at);
        while self.bookings.iter().chain(others).any(|other| other.slot == name) {
            name = Slot(name.0 - SignedDuration::from_millis(1));
        }
        name
    }

    fn is_taken(&self, at: Timestamp) -> bool {
        self.bookings.binary_search_by_key(&at, |booking| booking.at).is_ok()
    }

    /// Those that may be moved, and lie after `moment`.
    pub(super) fn removals_from(&self, moment: Timestamp) -> impl Iterator<Item = &Booking> {
        self.bookings[self.past(moment)..].iter().filter(|booking| !booking.firm)
    }

    /// How many slots lie at or before `moment`.
    pub(super) fn past(&self, moment: Timestamp) -> usize {
        self.bookings.partition_point(|booking| booking.at <= moment)
    }

    /// How many slots lie after `after` and not after `until`.
    pub(super) fn between(&self, after: Timestamp, until: Timestamp) -> usize {
        self.past(until).saturating_sub(self.past(after))
    }
}

/// Slots lie on whole milliseconds, which is what is stored of them.
pub(super) fn ceil(at: Timestamp) -> Timestamp {
    let whole = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
    if whole < at { whole + SignedDuration::from_millis(1) } else { whole }
}
