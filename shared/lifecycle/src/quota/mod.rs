//! The quota: what Podio lets one API key and its acting user call in an hour, and who may call when.

mod log;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use log::ReservationLog;

/// The moment at which one call may be sent. Reserved before the call and never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(pub Timestamp);

impl Slot {
    /// Whether a call sent at `now` is still the call that was booked: not before the slot, and not so late that
    /// another window of Podio's would count it.
    pub fn is_live(self, now: Timestamp, ceiling: Ceiling) -> bool {
        self.0 <= now && now.duration_since(self.0) <= ceiling.lateness()
    }

    /// Whether the moment has gone by: a call sent now would not be the one that was booked.
    pub fn is_missed(self, now: Timestamp, ceiling: Ceiling) -> bool {
        now.duration_since(self.0) > ceiling.lateness()
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
}
