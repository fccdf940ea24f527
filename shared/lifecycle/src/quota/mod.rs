//! The quota: what Podio lets one API key and its acting user call in an hour, and who may call when.
//!
//! [`Quota`] is the one record that all workers share: a [`ReservationLog`] for each ceiling that Podio has shown, which
//! routes fall under which, and what is known of others who spend on the same key.

mod book;
mod lane;
mod log;
mod pace;
#[cfg(test)]
mod tests;
mod together;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use book::{Allotted, End, Lesson, Need, Quota, Seen};
pub use lane::Lane;
pub use log::ReservationLog;

/// What a job holds of the quota: named after the moment at which its call was to be sent when it was reserved, or a
/// millisecond or so earlier where that name was taken. Where the call is moved to since then, the log tells
/// ([`ReservationLog::booking`]). No two owners have the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(pub Timestamp);

/// A slot and the moment at which its call may be sent. Reserved before the call and never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Booking {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub slot: Slot,
    /// Whether it keeps its moment, whoever is in a hurry.
    pub firm: bool,
}

impl Booking {
    /// Whether the moment has gone by: a call sent now would not be the one that was booked.
    pub fn is_missed(self, now: Timestamp, ceiling: Ceiling) -> bool {
        now.duration_since(self.at) > ceiling.lateness()
    }

    /// Whether it is too far ahead to be about to be sent.
    pub fn is_ahead(self, now: Timestamp, by: SignedDuration) -> bool {
        self.at.duration_since(now) > by
    }
}

/// How many calls fit into how long a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceiling {
    limit: u32,
    window: SignedDuration,
}

impl Ceiling {
    /// At least one call in at least a second; anything less would mean that nothing may ever be called.
    pub fn new(limit: u32, window: SignedDuration) -> Option<Self> {
        (limit >= 1 && window >= SignedDuration::from_secs(1)).then_some(Self { limit, window })
    }

    /// The same window with another number of calls, at least one.
    pub fn with_limit(self, limit: u32) -> Self {
        Self { limit: limit.max(1), ..self }
    }

    /// Calls in a window.
    pub fn limit(self) -> usize {
        self.limit as usize
    }

    /// The window's length.
    pub fn window(self) -> SignedDuration {
        self.window
    }

    /// How much longer than a window a slot stays booked: four thousandths of the window, and at least a second. It
    /// pays for the network's latency and for clocks that disagree.
    pub fn margin(self) -> SignedDuration {
        (self.window * 4 / 1000).max(SignedDuration::from_secs(1))
    }

    /// How late a booked call may be sent. The other half of the margin is for the way to Podio.
    pub fn lateness(self) -> SignedDuration {
        self.margin() / 2
    }

    /// How long a slot stays booked: the window and the margin.
    pub fn span(self) -> SignedDuration {
        self.window + self.margin()
    }
}
