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
        let is_known = self.at.is_some_and(|at| now.duration_since(at) < ceiling.span() * 2);
        if self.pace <= 1 || !is_known {
            return 0;
        }
        let pace = self.pace as usize;
        (pace + pace / 10 + 2).min(ceiling.limit() / 2)
    }

    /// Learns from an answer to a call that was sent at `at` and said that so many are left. How many calls of others are
    /// new in it.
    pub(super) fn observe(&mut self, at: Timestamp, remaining: u32, ours: &Moments, ceiling: Ceiling) -> u64 {
        let sent = ours.between(at - ceiling.window(), at + ceiling.lateness());
        let level = ceiling.limit().saturating_sub(remaining as usize).saturating_sub(sent);
        let observation = Observation { at, limit: ceiling.key(), remaining };
        let mut news = 0;
        match self.last.filter(|last| last.limit == observation.limit && last.at < at) {
            Some(last) if at.duration_since(last.at) < ceiling.window() / APART => {}
            Some(last) => {
                let apart = at.duration_since(last.at);
                if remaining < last.remaining && apart < ceiling.window() / STALE {
                    let fell = i64::from(last.remaining - remaining);
                    let own = i64::try_from(ours.between(last.at, at)).unwrap_or(i64::MAX);
                    let millis = i64::try_from(apart.as_millis()).unwrap_or(i64::MAX);
                    self.seen.push((at, millis, fell - own));
                    news = u64::try_from(fell - own).unwrap_or(0);
                }
                self.last = Some(observation);
            }
            None if self.last.is_none_or(|last| last.limit != observation.limit || last.at < at) => {
                self.last = Some(observation);
            }
            None => {}
        }
        self.forget(at, ceiling);
        let pace = level.max(self.pace_of(ceiling));
        // A single call more or less is noise.
        self.pace = u32::try_from(if pace > 1 { pace } else { 0 }).unwrap_or(u32::MAX);
        self.at = Some(at);
        self.calls += news;
        news
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
