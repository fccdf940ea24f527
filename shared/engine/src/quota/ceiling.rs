//! How many calls fit into how long a window, and what Podio has told of it.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// A higher ceiling is believed once so many answers in a row have told it; a lower one at once.
const CONFIRMATIONS: u8 = 3;

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

    /// What the record knows the ceiling by.
    pub fn key(self) -> u32 {
        self.limit
    }

    /// The window's length.
    pub fn window(self) -> SignedDuration {
        self.window
    }

    /// How much longer than a window a moment counts: four thousandths of the window, and at least two seconds. It pays
    /// for the network's latency and for clocks that disagree.
    pub fn margin(self) -> SignedDuration {
        (self.window * 4 / 1000).max(SignedDuration::from_secs(2))
    }

    /// How late a call may be sent. The other half of the margin is for the way to Podio.
    pub fn lateness(self) -> SignedDuration {
        self.margin() / 2
    }

    /// How long a moment counts: the window and the margin.
    pub fn span(self) -> SignedDuration {
        self.window + self.margin()
    }

    /// How far ahead moments are reserved: a minute and a half for an hour.
    pub fn horizon(self) -> SignedDuration {
        (self.window / 40).clamp(SignedDuration::from_secs(3), SignedDuration::from_secs(90))
    }
}

/// What Podio has told of the ceiling that one route falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// The ceiling that is believed.
    pub limit: u32,
    /// A higher one that was told since, and by how many answers in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub higher: Option<(u32, u8)>,
}

impl Learned {
    /// What is believed of a route that an answer says has that limit, after what was believed before.
    pub(super) fn next(before: Option<Self>, told: u32, configured: Ceiling) -> Self {
        let believed = before.map_or(configured.key(), |before| before.limit);
        if told <= believed {
            return Self { limit: told, higher: None };
        }
        let seen = match before.and_then(|before| before.higher) {
            Some((limit, seen)) if limit == told => seen.saturating_add(1),
            _ => 1,
        };
        if seen >= CONFIRMATIONS {
            Self { limit: told, higher: None }
        } else {
            Self { limit: believed, higher: Some((told, seen)) }
        }
    }
}
