//! The whole quota: a reservation log for each ceiling, what Podio's answers have taught, and what it refused.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Booking, Ceiling, Lane, ReservationLog, Slot, together::is_close};

/// A higher ceiling is believed once so many answers in a row have told it; a lower one at once.
const CONFIRMATIONS: u8 = 3;
/// Routes that are remembered. There are fewer than this; more would mean that something invents them.
const MOST_ROUTES: usize = 100;
/// Between the last space and the end of an offboarding lies this fraction of the window: half a minute for an hour, for
/// the way of two jobs through the queue.
const PAUSE: i32 = 120;
/// A job that sleeps on is told its new moment if that is off by more than this, so that what it has written down stays
/// about true; up to then the log alone knows, which costs no write.
const OFF: SignedDuration = SignedDuration::from_mins(2);
/// While somebody else is known to spend on the key, this fraction of the ceiling is left to them in advance.
const LEFT_TO_OTHERS: u32 = 10;

/// What Podio has told of the ceiling that one route falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// The ceiling that is believed.
    pub limit: u32,
    /// A higher one that was told since, and by how many answers in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rumour: Option<(u32, u8)>,
}

/// What one job needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need<'a> {
    /// The route that it is about to call, as the client names it.
    pub route: &'a str,
    /// In which lane.
    pub lane: Lane,
    /// Slots that it holds from an earlier run.
    pub held: &'a [Slot],
    /// Calls that it is about to make.
    pub calls: usize,
    /// Whether they only make sense one right after the other.
    pub together: bool,
    /// The end of the offboarding, to be reserved behind these calls should they have to wait.
    pub then: Option<End<'a>>,
}

/// The calls that end an offboarding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End<'a> {
    /// How many.
    pub calls: usize,
    /// Where others take the leaver out of spaces: the slots of all calls that do.
    pub after: &'a [Slot],
}

impl Need<'_> {
    /// Whether what is left of the slots it holds will do. Calls that need not follow each other at once go out slot by
    /// slot: to give up one whose moment has come for a whole set would send the job to the back, again and again.
    fn suffices(&self, kept: &[Booking]) -> bool {
        let close = |calls: &[Booking]| is_close(calls[0].at, calls[calls.len() - 1].at);
        match self.together {
            true => kept.get(..self.calls).is_some_and(close),
            false => !kept.is_empty(),
        }
    }
}

/// What one job got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allotted {
    /// Its slots. None where the lane has to wait without any.
    pub slots: Vec<Booking>,
    /// Slots for the end of the offboarding.
    pub then: Vec<Booking>,
}

/// What the headers of one answer said; what made no sense is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<'a> {
    /// The route that was called.
    pub route: &'a str,
    /// Calls in a window, in the bucket of the route.
    pub limit: Option<u32>,
    /// Calls left in the window.
    pub remaining: Option<u32>,
}

/// What all workers share about the quota of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quota {
    /// By ceiling: routes under the same ceiling are taken to share a bucket.
    pub logs: BTreeMap<u32, ReservationLog>,
    /// What is known of each route.
    pub routes: BTreeMap<String, Lesson>,
    /// The ceiling that removals fall under.
    pub removals: Option<u32>,
    /// Until when Podio refuses every call, if it said so.
    pub blocked_until: Option<Timestamp>,
    /// How often Podio has answered 420.
    pub rejections: u64,
    /// Calls that somebody else was seen to make with the same key.
    pub foreign: u64,
    /// Until when somebody else is taken to spend on the same key.
    pub wary_until: Option<Timestamp>,
}

impl Quota {
    /// The ceiling that a route falls under: as Podio has taught, else as configured.
    pub fn ceiling(&self, route: &str, configured: Ceiling) -> Ceiling {
        self.routes.get(route).map_or(configured, |lesson| configured.with_limit(lesson.limit))
    }

    /// The ceiling that removals fall under.
    pub fn removal_ceiling(&self, configured: Ceiling) -> Ceiling {
        self.removals.map_or(configured, |limit| configured.with_limit(limit))
    }

    /// When the call of a removal that holds a slot goes out.
    pub fn removal_at(&self, slot: Slot, configured: Ceiling) -> Timestamp {
        let log = self.logs.get(&key(self.removal_ceiling(configured)));
        log.and_then(|log| log.booking(slot)).map_or(slot.0, |booking| booking.at)
    }

    /// When the calls that end an offboarding go out, for which it holds these slots; none where others have torn them
    /// apart, since then they are reserved anew as soon as all spaces are left.
    pub fn end_at(&self, held: &[Slot], configured: Ceiling) -> Vec<Timestamp> {
        let mut moments: Vec<Timestamp> = held.iter().map(|slot| self.removal_at(*slot, configured)).collect();
        moments.sort_unstable();
        let is_apart = moments.windows(2).next().is_some_and(|pair| !is_close(pair[0], pair[1]));
        if is_apart { Vec::new() } else { moments }
    }

    /// The first moment from `from` at which several in a row who are in a hurry find slots soon.
    pub fn roomy_from(&self, from: Timestamp, configured: Ceiling) -> Timestamp {
        let ceiling = self.removal_ceiling(configured);
        self.logs.get(&key(ceiling)).map_or(from, |log| log.roomy_from(from, ceiling))
    }

    /// Whether more than half of a window is given out under a ceiling.
    pub fn is_scarce(&self, ceiling: Ceiling, now: Timestamp) -> bool {
        self.logs.get(&key(ceiling)).is_some_and(|log| log.is_scarce(now, ceiling))
    }

    /// Whether Podio refuses every call.
    pub fn is_blocked(&self, now: Timestamp) -> bool {
        self.blocked_until.is_some_and(|until| now < until)
    }

    /// Whether somebody else is taken to spend on the key.
    pub fn is_wary(&self, now: Timestamp) -> bool {
        self.wary_until.is_some_and(|until| now < until)
    }

    /// The slots under a ceiling.
    pub fn log(&self, ceiling: Ceiling) -> ReservationLog {
        self.logs.get(&key(ceiling)).cloned().unwrap_or_default()
    }

    /// When `removals` that asked now, and after them, and after `after`, `urgent` calls, would be through, were nobody
    /// else to ask: what an ETA is made of.
    pub fn forecast(
        &self,
        now: Timestamp,
        removals: usize,
        after: Timestamp,
        urgent: usize,
        configured: Ceiling,
    ) -> Timestamp {
        let ceiling = self.removal_ceiling(configured);
        let from = now.max(self.blocked_until.unwrap_or(now));
        let (mut log, allowed) = (self.log(ceiling), self.allowed(ceiling, now));
        let left = (0..removals).filter_map(|_| log.reserve(Lane::Removal, from, allowed)).last();
        let left = left.map_or(from, |booking| booking.at).max(after);
        log.reserve_together(left, urgent, allowed, Lane::Interactive).last().map_or(left, |booking| booking.at)
    }

    /// Gives a job its slots: those it holds, where they are still its own, else new ones.
    pub fn allot(&mut self, need: &Need<'_>, now: Timestamp, configured: Ceiling) -> Allotted {
        let ceiling = self.ceiling(need.route, configured);
        if need.lane == Lane::Removal {
            self.removals = Some(key(ceiling));
        }
        if need.calls == 0 {
            let then = need.then.map(|end| self.reserve_the_end(end, ceiling, now, configured));
            return Allotted { slots: Vec::new(), then: then.unwrap_or_default() };
        }
        let from = now.max(self.blocked_until.unwrap_or(now));
        let allowed = self.allowed(ceiling, now);
        let log = self.logs.entry(key(ceiling)).or_default();
        let held = need.held.iter().filter_map(|slot| log.booking(*slot));
        let mut kept: Vec<Booking> = held.filter(|booking| !booking.is_missed(now, ceiling)).collect();
        kept.sort_unstable_by_key(|booking| booking.at);
        if need.suffices(&kept) {
            let is_early = need.lane == Lane::Interactive
                && kept.first().is_some_and(|booking| booking.is_ahead(now, ceiling.margin()))
                && log.free(from, allowed) >= kept.len();
            if is_early {
                // It came sooner than was thought, and nobody else is kept waiting.
                kept.iter().for_each(|booking| log.release(booking.slot));
                return Allotted {
                    slots: log.reserve_together(from, kept.len(), allowed, need.lane),
                    then: Vec::new(),
                };
            }
            for booking in &mut kept {
                if booking.is_ahead(now, OFF) && booking.at.duration_since(booking.slot.0) > OFF {
                    *booking = log.rename(*booking);
                }
            }
            return Allotted { slots: kept, then: Vec::new() };
        }
        kept.into_iter().for_each(|booking| log.release(booking.slot));
        let moved = self.take_from_others(need.held, key(ceiling));
        let log = self.logs.entry(key(ceiling)).or_default();
        // Whoever has waited for a slot does not go to the back for having lost it.
        let lane = if !moved && !need.held.is_empty() { Lane::Interactive } else { need.lane };
        let slots = if need.together {
            let mut slots = log.reserve_together(from, need.calls, allowed, lane);
            // What was held for later calls has just been given back, and would pass unused before those asked again.
            let behind = slots.last().map_or(from, |last| last.at);
            let later = need.held.len().saturating_sub(need.calls);
            slots.extend((0..later).filter_map(|_| log.reserve(lane, behind, allowed)));
            slots
        } else {
            let mut slots: Vec<Booking> = log.reserve(lane, from, allowed).into_iter().collect();
            // A second one is wanted most likely. Further ones only where they come at once: the job may not need them by
            // the time they would come.
            let further = match (need.calls, slots.first()) {
                (0 | 1, _) | (_, None) => 0,
                (2, Some(_)) => 1,
                (calls, Some(first)) => log.free(first.at, allowed).min(calls - 1),
            };
            let behind = slots.first().map_or(from, |first| first.at);
            slots.extend((0..further).filter_map(|_| log.reserve(lane, behind, allowed)));
            slots
        };
        let waits = slots.iter().any(|booking| booking.is_ahead(now, ceiling.margin()));
        let then = match (slots.last(), need.then) {
            // Where there is plenty the end comes at once. Else it would have to overtake others when it comes.
            (Some(last), Some(end)) if waits || log.is_scarce(now, ceiling) => {
                let from = last.at + ceiling.window() / PAUSE;
                log.reserve_together(from, end.calls, allowed, need.lane)
            }
            _ => Vec::new(),
        };
        log.forget(now, ceiling);
        Allotted { slots, then }
    }

    /// Reserves the end of an offboarding whose spaces are left by the calls of others. It overtakes removals, as it would
    /// when its time has come; that is known beforehand, and so is by how much it delays them.
    fn reserve_the_end(&mut self, end: End<'_>, ceiling: Ceiling, now: Timestamp, configured: Ceiling) -> Vec<Booking> {
        let Some(after) = end.after.iter().map(|slot| self.removal_at(*slot, configured)).max() else {
            return Vec::new();
        };
        let from = after.max(now).max(self.blocked_until.unwrap_or(now)) + ceiling.window() / PAUSE;
        let allowed = self.allowed(ceiling, now);
        let log = self.logs.entry(key(ceiling)).or_default();
        if !log.is_scarce(now, ceiling) {
            return Vec::new();
        }
        let slots = log.reserve_together(from, end.calls, allowed, Lane::Interactive);
        log.loosen(&slots);
        slots
    }

    /// Gives slots back that were not spent.
    pub fn release(&mut self, route: &str, slots: &[Slot], configured: Ceiling) {
        let ceiling = self.ceiling(route, configured);
        if let Some(log) = self.logs.get_mut(&key(ceiling)) {
            slots.iter().for_each(|slot| log.release(*slot));
        }
    }

    /// Learns from the headers of an answer: which ceiling the route falls under, and whether somebody else spends.
    pub fn observe(&mut self, seen: &Seen<'_>, now: Timestamp, configured: Ceiling) {
        let Some(limit) = seen.limit else { return };
        if seen.remaining.is_some_and(|remaining| remaining > limit) {
            // More left than there is: neither number can be believed.
            return;
        }
        self.learn(seen.route, limit, now, configured);
        let ceiling = self.ceiling(seen.route, configured);
        let Some(remaining) = seen.remaining.filter(|_| limit == key(ceiling)) else {
            return;
        };
        // What is about to be sent counts as sent, since Podio may have counted it already; and so do calls of routes of
        // which Podio has not told enough yet, or which it may count twice.
        let soon = now + ceiling.lateness();
        let elsewhere = if ceiling == configured { 0 } else { self.log(configured).used(soon, configured) };
        let allowed = self.allowed(ceiling, now);
        let log = self.logs.entry(limit).or_default();
        let ours = log.used(soon, ceiling) + elsewhere;
        let expected = ceiling.limit().saturating_sub(ours);
        let foreign = expected.saturating_sub(remaining as usize);
        if foreign == 0 {
            return;
        }
        // Whoever has to give way to them finds a place where some room is left to others.
        log.book_foreign(now, foreign, allowed);
        self.foreign += foreign as u64;
        log.forget(now, ceiling);
        if self.is_wary(now) {
            self.wary_until = Some(now + ceiling.span() * 2);
        }
    }

    /// Podio answered 420: nothing goes out for `wait`, or for a whole window where Podio did not say for how long. From
    /// then on somebody else is taken to spend on the key, and some room is left to them.
    pub fn rejected(&mut self, now: Timestamp, wait: Option<SignedDuration>, configured: Ceiling) {
        let until = now + wait.unwrap_or(configured.window());
        self.blocked_until = self.blocked_until.max(Some(until));
        self.rejections += 1;
        let was_wary = self.is_wary(now);
        self.wary_until = self.wary_until.max(Some(now + configured.span() * 2));
        let limits: Vec<u32> = self.logs.keys().copied().collect();
        for limit in limits {
            let allowed = self.allowed(configured.with_limit(limit), now);
            if let Some(log) = self.logs.get_mut(&limit) {
                log.strike_between(now, until, allowed);
                if !was_wary {
                    log.thin(now, allowed);
                }
            }
        }
    }

    /// Gives back slots that were reserved under another ceiling, before Podio told of this one; whether there were any.
    fn take_from_others(&mut self, held: &[Slot], limit: u32) -> bool {
        let mut any = false;
        for log in self.logs.iter_mut().filter(|(other, _)| **other != limit).map(|(_, log)| log) {
            for slot in held {
                any |= log.booking(*slot).is_some();
                log.release(*slot);
            }
        }
        any
    }

    /// The ceiling less what is left to others.
    fn allowed(&self, ceiling: Ceiling, now: Timestamp) -> Ceiling {
        let limit = key(ceiling);
        if self.is_wary(now) {
            ceiling.with_limit(limit - limit.div_ceil(LEFT_TO_OTHERS).min(limit - 1))
        } else {
            ceiling
        }
    }

    fn learn(&mut self, route: &str, limit: u32, now: Timestamp, configured: Ceiling) {
        let believed = key(self.ceiling(route, configured));
        if self.routes.len() >= MOST_ROUTES && !self.routes.contains_key(route) {
            return;
        }
        let lesson = self.routes.entry(route.to_owned()).or_insert(Lesson { limit: believed, rumour: None });
        if limit == believed {
            lesson.rumour = None;
            return;
        }
        if limit > believed {
            let told = match lesson.rumour {
                Some((same, told)) if same == limit => told + 1,
                _ => 1,
            };
            if told < CONFIRMATIONS {
                lesson.rumour = Some((limit, told));
                return;
            }
        }
        *lesson = Lesson { limit, rumour: None };
        // Calls that were booked under the other ceiling may have been counted under this one.
        let spent = self.logs.get(&believed).map(|log| log.spent(now)).unwrap_or_default();
        self.logs.entry(limit).or_default().merge(&spent);
    }
}

fn key(ceiling: Ceiling) -> u32 {
    u32::try_from(ceiling.limit()).unwrap_or(u32::MAX)
}
