//! What others spend on the same key.
//!
//! Each answer of Podio's says how many calls are left in its window. What is missing from that beyond our own calls was
//! somebody else's: seen as a level (fewer are left than should be), and as a pace (what is left falls faster than we call),
//! since after a window of Podio's has begun anew the level says nothing for a while. The larger of the two, and a tenth
//! more, is left to them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Ceiling, Moments};

/// Observations that lie further apart than this fraction of a window are not compared.
const STALE: i32 = 4;
/// A pace is worth something once it was observed for this fraction of a window.
const LONG_ENOUGH: i32 = 20;
/// Two observations are compared if at least this fraction of a window lies between them: answers cross each other.
const APART: i32 = 100;
/// What cannot be told from our own calls is believed to be others' if it is so many times as much as what is unclear, ...
const CLEARLY: i64 = 4;
/// ... or if nothing better was observed for this fraction of a window: then what is unclear is taken off.
const AT_LAST: i32 = 8;

/// What is known of others who spend on the key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Others {
    /// The last observation that later ones are compared with.
    last: Option<Observation>,
    /// For how long a pace was observed, and how many calls of others fell into it: when, milliseconds, calls.
    seen: Vec<(Timestamp, i64, i64)>,
    /// The calls in a window that they are taken to make.
    pace: u32,
    /// When that was last observed.
    at: Option<Timestamp>,
    /// All calls of others that were ever observed.
    pub calls: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Observation {
    at: Timestamp,
    limit: u32,
    remaining: u32,
}

impl Others {
    /// Calls of a window that are left to them.
    pub fn left_to_them(&self, now: Timestamp, ceiling: Ceiling) -> usize {
        if self.pace <= 1 || !self.is_known(now, ceiling) {
            return 0;
        }
        let pace = self.pace as usize;
        (pace + pace / 10 + 2).min(ceiling.limit() / 2)
    }

    fn is_known(&self, now: Timestamp, ceiling: Ceiling) -> bool {
        self.at.is_some_and(|at| now.duration_since(at) < ceiling.span() * 2)
    }

    /// Learns from an answer to a call that was sent at `at` and said that so many are left. How many calls of others are
    /// new in it.
    pub(super) fn observe(&mut self, at: Timestamp, remaining: u32, ours: &Moments, ceiling: Ceiling) -> u64 {
        let known = if self.is_known(at, ceiling) { self.pace as usize } else { 0 };
        let used = ceiling.limit().saturating_sub(remaining as usize);
        let (window, late) = (ceiling.window(), ceiling.lateness());
        // This call is ours for certain, and so is what was sent before; what was sent beside it or a window ago may be.
        let least = used.saturating_sub(ours.between(at - window - late, at + late));
        let most = used.saturating_sub(ours.between(at - window, at - late) + 1);
        let observation = Observation { at, limit: ceiling.key(), remaining };
        let news = match self.last.filter(|last| last.limit == observation.limit) {
            Some(last) if at.duration_since(last.at) < ceiling.window() / APART => 0,
            Some(last) => self.compare(last, observation, ours, ceiling),
            None => {
                self.last = Some(observation);
                0
            }
        };
        self.forget(at, ceiling);
        let pace = self.pace_of(ceiling);
        let pace = known.clamp(least.max(pace), most.max(least).max(pace));
        // A single call more or less is noise.
        self.pace = u32::try_from(if pace > 1 { pace } else { 0 }).unwrap_or(u32::MAX);
        self.at = Some(at);
        self.calls += news;
        news
    }

    /// Compares an observation with the last one. How many calls of others lie between them for certain.
    fn compare(&mut self, last: Observation, next: Observation, ours: &Moments, ceiling: Ceiling) -> u64 {
        let apart = next.at.duration_since(last.at);
        if next.remaining >= last.remaining || apart >= ceiling.window() / STALE {
            // A window of Podio's has begun anew, or that was too long ago.
            self.last = Some(next);
            return 0;
        }
        let (unclear_before, unclear_after) = (unclear(last.at, ours, ceiling), unclear(next.at, ours, ceiling));
        let unclear = unclear_before + unclear_after;
        let own = i64::try_from(ours.between(last.at, next.at)).unwrap_or(i64::MAX);
        let beyond = i64::from(last.remaining - next.remaining) - own;
        let is_clear = unclear == 0 || beyond.abs() >= unclear.saturating_mul(CLEARLY);
        if !is_clear && apart < ceiling.window() / AT_LAST {
            // In the middle of a burst nobody can tell; what comes after a quiet moment can be compared.
            if unclear_after * 2 < unclear_before {
                self.last = Some(next);
            }
            return 0;
        }
        let calls = if is_clear { beyond } else { beyond.signum() * (beyond.abs() - unclear).max(0) };
        self.seen.push((next.at, i64::try_from(apart.as_millis()).unwrap_or(i64::MAX), calls));
        self.last = Some(next);
        u64::try_from(calls).unwrap_or(0)
    }

    fn pace_of(&self, ceiling: Ceiling) -> usize {
        let window = i64::try_from(ceiling.window().as_millis()).unwrap_or(i64::MAX);
        let observed: i64 = self.seen.iter().map(|(_, millis, _)| millis).sum();
        let calls: i64 = self.seen.iter().map(|(_, _, calls)| calls).sum();
        if observed <= window / i64::from(LONG_ENOUGH) || calls <= 1 {
            return 0;
        }
        usize::try_from(window.saturating_mul(calls) / observed).unwrap_or(0)
    }

    pub(super) fn forget(&mut self, now: Timestamp, ceiling: Ceiling) {
        let from = now.checked_sub(ceiling.window() * 2).unwrap_or(Timestamp::MIN);
        self.seen.retain(|(at, ..)| *at > from);
    }
}

/// Of our own calls, how many Podio may have seen on the other side of a call that was sent at `at`: a moment says when a
/// call may be sent, not when it was, and the clocks of two workers disagree.
fn unclear(at: Timestamp, ours: &Moments, ceiling: Ceiling) -> i64 {
    let near = ours.between(at - ceiling.lateness(), at + ceiling.lateness());
    // One of them is the call itself.
    i64::try_from(near.saturating_sub(1)).unwrap_or(i64::MAX)
}
