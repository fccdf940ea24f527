//! The reservation log: the slots that were given out under one ceiling.
//!
//! Podio does not say when its hour begins or whether it slides. So nothing is assumed: among the slots, no more than
//! `limit` ever lie closer together than a window and a margin. Then no window, wherever it lies, holds more than `limit`
//! calls; after a quiet hour a burst goes out at once.
//!
//! Slots that lie ahead belong to jobs that sleep. Who is in a hurry may take one of them: it is struck from the log, and
//! its owner finds on waking that it is gone and takes another.

use jiff::{SignedDuration, Timestamp};

use super::{Ceiling, Lane, Slot};

/// The share of a window that removals may send as a burst, as a fraction.
const BURST: (usize, usize) = (19, 20);
/// Within a burst, removals keep this fraction of the window between them, so that no worker has to send more at one
/// moment than it can: a tenth of a second for an hour.
const STEP: i32 = 36_000;
/// A worker takes this many messages at a time, and a batch lasts as long as the sleep until its last slot and a call. So
/// that one worker alone keeps pace with a burst, no more slots than these lie within this fraction of the window: ten in
/// four seconds for an hour.
const CROWD: (usize, i32) = (10, 900);
/// A slot that lies no further ahead than this may be in a worker's hand already, about to be spent: it is nobody's to
/// take away.
const IN_HAND: SignedDuration = SignedDuration::from_secs(3);
/// Slots lie no further ahead than this.
const FARTHEST: SignedDuration = SignedDuration::from_hours(24 * 14);
/// Slots that are wanted together lie no further apart than this.
const CLOSE: SignedDuration = SignedDuration::from_secs(1);
/// For slots close together that cost nobody else one, this fraction of a window is waited longer.
const PATIENCE: i32 = 12;

/// The slots of one ceiling, in order, those in the past as far back as they count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReservationLog {
    slots: Vec<Slot>,
    /// Those that lie ahead and may not be taken over.
    firm: Vec<Slot>,
    /// Given back, and nobody's until somebody asks.
    freed: Vec<Slot>,
}

impl ReservationLog {
    /// A log as it was stored. Slots are put in order and made distinct, should the storage not have kept that.
    pub fn restore(mut slots: Vec<Slot>, mut firm: Vec<Slot>, mut freed: Vec<Slot>) -> Self {
        slots.sort_unstable();
        slots.dedup();
        firm.sort_unstable();
        firm.retain(|slot| slots.binary_search(slot).is_ok());
        freed.sort_unstable();
        Self { slots, firm, freed }
    }

    /// The slots that are remembered, oldest first.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Those among them that lie ahead and may not be taken over, oldest first.
    pub fn firm(&self) -> &[Slot] {
        &self.firm
    }

    /// Those that were given back and lie ahead, oldest first.
    pub fn freed(&self) -> &[Slot] {
        &self.freed
    }

    /// Whether a slot is still booked for whoever holds it.
    pub fn holds(&self, slot: Slot) -> bool {
        self.slots.binary_search(&slot).is_ok()
    }

    /// Calls that the window ending at `now` holds.
    pub fn used(&self, now: Timestamp, ceiling: Ceiling) -> usize {
        self.between(now - ceiling.span(), now)
    }

    /// Slots that are given out and lie ahead.
    pub fn waiting(&self, now: Timestamp) -> usize {
        self.slots.len() - self.past(now)
    }

    /// The last slot that was given out.
    pub fn last(&self) -> Option<Slot> {
        self.slots.last().copied()
    }

    /// Calls that could go out at `now`.
    pub fn free(&self, now: Timestamp, ceiling: Ceiling) -> usize {
        let mut trial = self.clone();
        let soon = now + CLOSE;
        (0..ceiling.limit()).take_while(|_| trial.place(now, ceiling).0 <= soon).count()
    }

    /// When the last of `count` removals that asked now would go out, were nobody else to ask: what an ETA is made of.
    pub fn forecast(&self, now: Timestamp, count: usize, ceiling: Ceiling) -> Timestamp {
        let mut trial = self.clone();
        (0..count.max(1)).map(|_| trial.append(now, ceiling).0).last().unwrap_or(now)
    }

    /// Reserves one slot, no earlier than `from`; none where the lane has to wait without one.
    pub fn reserve(&mut self, lane: Lane, from: Timestamp, ceiling: Ceiling) -> Option<Slot> {
        let from = ceil(from);
        match lane {
            Lane::Interactive => Some(self.overtake(from, ceiling)),
            Lane::Removal => Some(self.append(from, ceiling)),
            Lane::Background => (self.background_from(from, ceiling) <= from).then(|| self.place(from, ceiling)),
        }
    }

    /// Reserves `count` slots close together, no earlier than `from`, for calls that only make sense one right after the
    /// other. No more than the ceiling can be had at once.
    pub fn reserve_together(&mut self, from: Timestamp, count: usize, ceiling: Ceiling, lane: Lane) -> Vec<Slot> {
        let count = count.min(ceiling.limit());
        let from = ceil(from);
        let free = self.close_together(from, count, ceiling);
        let taken = match free.last() {
            Some(last) if lane == Lane::Interactive && last.0 > from + CLOSE => {
                self.overtake_together(from, count, ceiling)
            }
            _ => None,
        };
        let slots = match taken {
            Some((sooner, slots)) if slots.last() < free.last() => {
                *self = sooner;
                slots
            }
            _ => free.iter().map(|slot| self.insert_at(slot.0)).collect(),
        };
        self.firm.extend(slots.iter().copied());
        self.firm.sort_unstable();
        slots
    }

    /// Where `count` calls close together would find room that nobody has booked.
    fn close_together(&self, from: Timestamp, count: usize, ceiling: Ceiling) -> Vec<Slot> {
        let mut start = from;
        loop {
            let mut trial = self.clone();
            let slots: Vec<Slot> = (0..count).map(|_| trial.place(start, ceiling)).collect();
            match (slots.first(), slots.last()) {
                (Some(first), Some(last)) if last.0.duration_since(first.0) > CLOSE => start = last.0 - CLOSE,
                _ => return slots,
            }
        }
    }

    /// The same, at the cost of removals that wait: their slots, where some lie close together soon, else a moment of
    /// their own, which costs more.
    fn overtake_together(&self, from: Timestamp, count: usize, ceiling: Ceiling) -> Option<(Self, Vec<Slot>)> {
        let ahead = self.slots[self.past(from + IN_HAND)..].iter().copied();
        let ahead: Vec<Slot> = ahead.filter(|slot| self.firm.binary_search(slot).is_err()).collect();
        let one_by_one = ahead
            .windows(count)
            .find(|run| run[count - 1].0.duration_since(run[0].0) <= CLOSE)
            .map(|victims| self.overtake_each(victims));
        let soon = ahead.get(count - 1)?.0 + ceiling.window() / PATIENCE;
        match one_by_one {
            Some(taken) if taken.1.last().is_some_and(|last| last.0 <= soon) => Some(taken),
            later => self.overtake_at_once(&ahead, count, ceiling).or(later),
        }
    }

    /// Takes each of these slots over.
    fn overtake_each(&self, victims: &[Slot]) -> (Self, Vec<Slot>) {
        let mut trial = self.clone();
        let take = |victim: &Slot| {
            trial.strike(*victim);
            trial.insert_at(victim.0 + SignedDuration::from_millis(1))
        };
        let slots = victims.iter().map(take).collect();
        (trial, slots)
    }

    /// The first `count` slots are struck for those that are booked in the place of the last of them, and as many again
    /// but one, since the windows between the first and the last would hold too many.
    fn overtake_at_once(&self, ahead: &[Slot], count: usize, ceiling: Ceiling) -> Option<(Self, Vec<Slot>)> {
        let mut trial = self.clone();
        let victims = &ahead[..ahead.len().min(count * 2 - 1)];
        victims.iter().for_each(|slot| trial.strike(*slot));
        let at = victims.get(count - 1)?.0;
        let slots: Vec<Slot> = (0..count).map(|_| trial.insert_at(at + SignedDuration::from_millis(1))).collect();
        let least = ceiling.window() + ceiling.lateness();
        let limit = ceiling.limit();
        let is_sound = (limit..trial.slots.len())
            .all(|index| trial.slots[index].0.duration_since(trial.slots[index - limit].0) >= least);
        is_sound.then_some((trial, slots))
    }

    /// When a call in the background may ask again.
    pub fn background_from(&self, now: Timestamp, ceiling: Ceiling) -> Timestamp {
        let half = ceiling.with_limit(u32::try_from(ceiling.limit() / 2).unwrap_or(1));
        let last = self.last().filter(|last| last.0 > now + CLOSE);
        self.earliest(last.map_or(now, |last| last.0), half)
    }

    /// Gives back a slot that was not spent.
    pub fn release(&mut self, slot: Slot) {
        if self.holds(slot) {
            self.strike(slot);
            let place = self.freed.partition_point(|other| *other < slot);
            self.freed.insert(place, slot);
        }
    }

    /// Books `calls` that somebody else has made by `now`: they count like our own, and as many of the slots that lie
    /// ahead are struck, the nearest first, since the windows that hold them would otherwise hold too many.
    pub fn book_foreign(&mut self, now: Timestamp, calls: usize) {
        for _ in 0..calls {
            self.strike_next(now + IN_HAND);
            let mut slot = Slot(ceil(now) - SignedDuration::from_millis(1));
            while self.holds(slot) {
                slot.0 -= SignedDuration::from_millis(1);
            }
            let place = self.slots.partition_point(|other| *other < slot);
            self.slots.insert(place, slot);
        }
    }

    /// Strikes every slot in `after..until`; their owners take others.
    pub fn strike_between(&mut self, after: Timestamp, until: Timestamp) {
        self.slots.retain(|slot| slot.0 <= after || slot.0 >= until);
        self.firm.retain(|slot| slot.0 <= after || slot.0 >= until);
    }

    /// Strikes slots that lie ahead until what is left keeps to a lower ceiling.
    pub fn thin(&mut self, now: Timestamp, ceiling: Ceiling) {
        let past = self.past(now);
        let ahead = self.slots.split_off(past);
        for slot in ahead {
            if self.earliest(slot.0, ceiling) == slot.0 {
                self.slots.push(slot);
            }
        }
        let Self { slots, firm, .. } = self;
        firm.retain(|slot| slots.binary_search(slot).is_ok());
    }

    /// Forgets what can no longer count. Two windows of the past are kept in any case, so that a clock that
    /// runs ahead cannot wipe out what happened.
    pub fn forget(&mut self, now: Timestamp, ceiling: Ceiling) {
        let past = self.past(now);
        let old = self.past(now - ceiling.span() - ceiling.margin());
        self.slots.drain(..old.min(past.saturating_sub(2 * ceiling.limit())));
        // No clock that is right is so far behind: what lies there was booked by one that was wrong.
        self.slots.retain(|slot| slot.0 <= now + FARTHEST);
        self.firm.retain(|slot| slot.0 > now && slot.0 <= now + FARTHEST);
        self.freed.retain(|slot| slot.0 > now);
    }

    /// The calls of the past alone: what another ceiling may have counted too.
    pub fn spent(&self, now: Timestamp) -> Self {
        Self { slots: self.slots[..self.past(now)].to_vec(), firm: Vec::new(), freed: Vec::new() }
    }

    /// Books what another log has booked, too.
    pub fn merge(&mut self, other: &Self) {
        self.slots.extend(&other.slots);
        self.slots.sort_unstable();
        self.slots.dedup();
    }

    /// The next slot for whoever cannot wait: a free one, or one that a removal waits for if that is sooner.
    fn overtake(&mut self, from: Timestamp, ceiling: Ceiling) -> Slot {
        let free = self.earliest(from, ceiling);
        let ahead = self.slots[self.past(from + IN_HAND)..].iter();
        let next = ahead.copied().find(|slot| self.firm.binary_search(slot).is_err());
        let slot = match next {
            Some(next) if next.0 < free => {
                self.strike(next);
                // Not the same millisecond, or its owner would take it for its own still.
                self.insert_at(next.0 + SignedDuration::from_millis(1))
            }
            _ => self.insert_at(free),
        };
        let place = self.firm.partition_point(|other| *other < slot);
        self.firm.insert(place, slot);
        slot
    }

    /// The next slot for a removal: one that was given back, else one behind all others, spread once the burst of the
    /// window is spent.
    fn append(&mut self, from: Timestamp, ceiling: Ceiling) -> Slot {
        let from = ceil(from);
        while let Some(&freed) = self.freed.iter().find(|slot| slot.0 >= from) {
            self.freed.retain(|slot| *slot > freed);
            if self.earliest(freed.0, ceiling) == freed.0 {
                return self.insert_at(freed.0);
            }
        }
        let behind = self.last().map_or(from, |last| last.0.max(from));
        let at = self.earliest(behind, ceiling);
        let spread = self.spread(at, ceiling);
        let at = if spread > at { self.earliest(spread, ceiling) } else { at };
        self.insert_at(at)
    }

    fn spread(&self, at: Timestamp, ceiling: Ceiling) -> Timestamp {
        let Some(previous) = self.past(at).checked_sub(1).map(|index| self.slots[index].0) else { return at };
        let crowd = self.past(at).checked_sub(CROWD.0).map(|index| self.slots[index].0 + ceiling.window() / CROWD.1);
        let step = ceil((previous + ceiling.window() / STEP).max(crowd.unwrap_or(previous)));
        let held = self.between(at - ceiling.span(), at);
        let burst = (ceiling.limit() * BURST.0).div_ceil(BURST.1);
        if held < burst || held >= ceiling.limit() {
            return at.max(step);
        }
        // What is left is spread until the oldest call of the window counts no more.
        let oldest = self.slots[self.past(at - ceiling.span())].0;
        let left = i32::try_from(ceiling.limit() - held).unwrap_or(i32::MAX - 1);
        let pause = (oldest + ceiling.span()).duration_since(previous) / left.saturating_add(1);
        at.max(step).max(ceil(previous + pause))
    }

    /// The next free slot.
    fn place(&mut self, from: Timestamp, ceiling: Ceiling) -> Slot {
        let at = self.earliest(ceil(from), ceiling);
        self.insert_at(at)
    }

    /// The earliest moment from `from` at which one more call keeps the rule.
    ///
    /// Wherever `limit` slots lie closer together than the span, a further one must keep the span from the first of
    /// them, if it comes later, or from the last of them, if it comes earlier.
    fn earliest(&self, from: Timestamp, ceiling: Ceiling) -> Timestamp {
        let (limit, span) = (ceiling.limit(), ceiling.span());
        let mut at = from;
        let start = self.slots.partition_point(|slot| slot.0 + span <= at);
        for window in self.slots[start.min(self.slots.len())..].windows(limit) {
            let (first, last) = (window[0].0, window[limit - 1].0);
            if last - span >= at {
                break;
            }
            if last.duration_since(first) < span && at < first + span {
                at = first + span;
            }
        }
        at
    }

    /// Books the moment, or the first millisecond after it that is not booked.
    fn insert_at(&mut self, at: Timestamp) -> Slot {
        let mut slot = Slot(ceil(at));
        let mut place = self.slots.partition_point(|other| *other < slot);
        while self.slots.get(place) == Some(&slot) {
            slot = Slot(slot.0 + SignedDuration::from_millis(1));
            place += 1;
        }
        self.slots.insert(place, slot);
        slot
    }

    fn strike(&mut self, slot: Slot) {
        if let Ok(index) = self.slots.binary_search(&slot) {
            self.slots.remove(index);
        }
        if let Ok(index) = self.firm.binary_search(&slot) {
            self.firm.remove(index);
        }
    }

    fn strike_next(&mut self, after: Timestamp) {
        if let Some(next) = self.slots.get(self.past(after)).copied() {
            self.strike(next);
        }
    }

    /// How many slots lie at or before `moment`.
    fn past(&self, moment: Timestamp) -> usize {
        self.slots.partition_point(|slot| slot.0 <= moment)
    }

    /// How many slots lie after `after` and not after `until`.
    fn between(&self, after: Timestamp, until: Timestamp) -> usize {
        self.past(until).saturating_sub(self.past(after))
    }
}

/// Slots lie on whole milliseconds, which is what is stored of them.
fn ceil(at: Timestamp) -> Timestamp {
    let whole = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
    if whole < at { whole + SignedDuration::from_millis(1) } else { whole }
}
