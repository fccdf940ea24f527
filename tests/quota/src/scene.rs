//! What is to be done, and under which limit.

use jiff::{SignedDuration, Timestamp};
use podio_sandbox::{Bucket, Limiter, Profile, Quota, Switches, UserId, Verdict, WindowModel, config::CLIENT_ID};
use serde::Serialize;

/// In so many spaces each leaver is.
pub const SPACES: usize = 12;
/// Calls of one leaver beside those to the spaces, where Podio offers its short cuts: look-up, preview, preview, the
/// organization, proof.
pub const BESIDE_SPACES: usize = 5;
/// Calls that one leaver costs.
pub const CALLS: usize = SPACES + BESIDE_SPACES;
/// What a call takes.
pub const LATENCY: SignedDuration = SignedDuration::from_millis(300);

/// Who else spends on the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Foreign {
    /// Nobody.
    Nobody,
    /// Somebody who spends a fifth of the limit evenly, from the second window on.
    Steady,
    /// Somebody who spends half the limit at once, in the middle of the second window.
    Burst,
}

/// A backlog under a limit.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    /// How windows are placed.
    pub model: WindowModel,
    /// Calls in a window.
    pub limit: u32,
    /// The window.
    pub window: SignedDuration,
    /// For how many windows the backlog lasts at least.
    pub windows: u32,
    /// Who else spends.
    pub foreign: Foreign,
}

impl Scene {
    /// The guide's quota, for that many hours.
    pub fn hours(model: WindowModel, hours: u32, foreign: Foreign) -> Self {
        Self { model, limit: 250, window: SignedDuration::from_hours(1), windows: hours, foreign }
    }

    /// Leavers, all posted at the start: enough to spend every call there is.
    pub fn leavers(&self) -> usize {
        (self.windows * self.limit) as usize / (SPACES + 3) + 1
    }

    /// How long the use of the quota is measured.
    pub fn span(&self) -> SignedDuration {
        self.window * i32::try_from(self.windows).unwrap()
    }

    /// One ceiling for all calls.
    pub fn quota(&self) -> Quota {
        Quota {
            limit: self.limit,
            general_limit: None,
            window_seconds: u32::try_from(self.window.as_secs()).unwrap(),
            model: self.model,
            ..Quota::of(Profile::Documented)
        }
    }

    /// When the others call, and how often at once.
    pub fn foreign_calls(&self, start: Timestamp) -> Vec<(Timestamp, u32)> {
        let fifth = self.limit / 5;
        match self.foreign {
            Foreign::Nobody => Vec::new(),
            Foreign::Steady => {
                let pause = self.window / i32::try_from(fifth).unwrap();
                // For longer than any of the backlogs lasts.
                (0..fifth * self.windows * 3)
                    .map(|n| (start + self.window + pause * i32::try_from(n).unwrap(), 1))
                    .collect()
            }
            Foreign::Burst => vec![(start + self.window * 3 / 2, self.limit / 2)],
        }
    }
}

/// Lets somebody spend `calls` on the key, if Podio lets them: whether it did, for each.
pub fn spend(limiter: &mut Limiter, switches: &Switches, acting: UserId, now: Timestamp, calls: u32) -> Vec<bool> {
    let admit = |_| limiter.admit(now, CLIENT_ID, acting, Bucket::General, switches);
    (0..calls).map(admit).map(|verdict| matches!(verdict, Verdict::Admitted { .. })).collect()
}
