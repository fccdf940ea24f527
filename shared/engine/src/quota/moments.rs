//! The moments under one ceiling, sent or reserved.
//!
//! Podio does not say when its hour begins or whether it slides. So nothing is assumed: no more than `limit` moments ever
//! lie closer together than a window and a margin. Then no window, wherever it lies, holds more than `limit` calls.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Ceiling;

/// The distance of two removals, in percent of the most even one.
const PACE: i64 = 90;

/// Distinct moments in order, as far back as they count; each in milliseconds, and whether the background has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<i64>", into = "Vec<i64>")]
pub struct Moments(Vec<(i64, bool)>);

/// As it is stored: distances, doubled, odd for the background. An hour of 250 calls takes about a kilobyte and a half.
impl From<Moments> for Vec<i64> {
    fn from(moments: Moments) -> Self {
        let mut before = 0;
        let distance = |(at, background): (i64, bool)| {
            let distance = at - before;
            before = at;
            distance * 2 + i64::from(background)
        };
        moments.0.into_iter().map(distance).collect()
    }
}

impl From<Vec<i64>> for Moments {
    fn from(stored: Vec<i64>) -> Self {
        let mut at: i64 = 0;
        let moment = |number: i64| {
            at = at.saturating_add(number >> 1);
            (at, number & 1 == 1)
        };
        let mut moments: Vec<(i64, bool)> = stored.into_iter().map(moment).collect();
        moments.sort_unstable();
        moments.dedup_by_key(|(at, _)| *at);
        Self(moments)
    }
}

fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

fn millis(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Moments {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in order.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = Timestamp> {
        self.0.iter().map(|(at, _)| time(*at))
    }

    /// The last one.
    pub fn last(&self) -> Option<Timestamp> {
        self.0.last().map(|(at, _)| time(*at))
    }

    /// How many of them count against a call at `at`: those that are not older than a window and a margin, and all ahead.
    pub fn used(&self, at: Timestamp, ceiling: Ceiling) -> usize {
        self.0.len() - self.first_after(at - ceiling.span())
    }

    /// How many lie in `(from, until]`.
    pub fn between(&self, from: Timestamp, until: Timestamp) -> usize {
        self.first_after(until).saturating_sub(self.first_after(from))
    }

    /// How many that count against a call at `at` the background has.
    pub fn used_by_background(&self, at: Timestamp, ceiling: Ceiling) -> usize {
        self.0[self.first_after(at - ceiling.span())..].iter().filter(|(_, background)| *background).count()
    }

    /// The first moment from `from` on at which `calls` more find room: in the window that ends there, and in each that ends
    /// with a call that is reserved already. So what somebody gave back is not lost while others wait for their moments.
    pub fn free(&self, from: Timestamp, calls: usize, ceiling: Ceiling) -> Timestamp {
        let mut at = from;
        let calls = calls.min(ceiling.limit());
        loop {
            let (first, ahead) = (self.first_after(at - ceiling.span()), self.first_after(at));
            let too_many = (ahead - first + calls).saturating_sub(ceiling.limit());
            if let Some((blocking, _)) = too_many.checked_sub(1).and_then(|index| self.0.get(first + index)) {
                at = time(blocking.saturating_add(millis(ceiling.span())));
                continue;
            }
            let is_full = |index: &usize| {
                let begins = self.first_after(time(self.0[*index].0) - ceiling.span());
                index + 1 - begins + calls > ceiling.limit()
            };
            match (ahead..self.0.len()).find(is_full) {
                None => return at,
                Some(index) => at = time(self.0[index].0),
            }
        }
    }

    /// When the next removal of so many calls goes out after one at `last`: at the most even pace at which what is left of
    /// the window lasts until each of its calls stops counting, and a little faster, to use what was left over. So an hour
    /// that was uneven does not repeat itself, and nobody finds a gap in it in which nothing becomes free.
    pub fn spread(&self, at: Timestamp, last: Timestamp, calls: usize, ceiling: Ceiling) -> Timestamp {
        let counting = &self.0[self.first_after(at - ceiling.span())..];
        let free = ceiling.limit().saturating_sub(counting.len());
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let last = last.as_millisecond();
        let distances = counting.iter().zip(free + 1..).map(|((moment, _), until_then)| {
            (moment.saturating_add(millis(ceiling.span())) - last) / whole(until_then)
        });
        let even = distances.max().unwrap_or(0).max(0);
        time(last.saturating_add(even.saturating_mul(whole(calls)) / 100 * PACE))
    }

    /// Adds a moment at `at`, or a millisecond or so later where that one is taken.
    pub fn add(&mut self, at: Timestamp, background: bool) -> Timestamp {
        let mut ms = at.as_millisecond() + i64::from(at.subsec_nanosecond() % 1_000_000 > 0);
        let mut index = self.0.partition_point(|(other, _)| *other < ms);
        while self.0.get(index).is_some_and(|(other, _)| *other == ms) {
            ms += 1;
            index += 1;
        }
        self.0.insert(index, (ms, background));
        time(ms)
    }

    /// Takes a moment out that was not spent.
    pub fn strike(&mut self, at: Timestamp) {
        let ms = at.as_millisecond();
        self.0.retain(|(other, _)| *other != ms);
    }

    /// Adds the moments of another ceiling that count here too.
    pub fn join(&mut self, other: &Self) {
        for (at, background) in &other.0 {
            self.add(time(*at), *background);
        }
    }

    /// Forgets what lies at or before `before`.
    pub fn forget(&mut self, before: Timestamp) {
        let first = self.first_after(before);
        self.0.drain(..first);
    }

    fn first_after(&self, at: Timestamp) -> usize {
        let ms = at.as_millisecond();
        self.0.partition_point(|(other, _)| *other <= ms)
    }
}
