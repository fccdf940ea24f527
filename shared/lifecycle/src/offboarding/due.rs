//! When the sweep looks at an offboarding, and for what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Offboarding, State};
use crate::{evidence::Sealed, hold};

/// What the sweep is to do, or to tell an operator of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DueKind {
    /// Start it at that time.
    Start,
    /// Something should have happened by that time; some patience later, send its jobs again.
    Watch,
    /// It has been held since that time.
    Held,
    /// It failed at that time.
    Failed,
    /// It failed at that time, and its evidence is not sealed yet.
    FailedUnsealed,
    /// It was cancelled at that time, and its evidence is not sealed yet.
    Unsealed,
}

/// When the sweep should look, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// For what.
    pub kind: DueKind,
    /// When.
    pub at: Timestamp,
}

impl Offboarding {
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Due> {
        match self.state {
            State::Scheduled => Some(Due { kind: DueKind::Start, at: self.effective_at() }),
            State::Planning | State::Finalizing | State::Verifying => {
                let slot = self.work.slots.iter().max().map(|slot| slot.0);
                let quiet_until = [slot, self.work.quiet_until].into_iter().flatten().max();
                Some(Due { kind: DueKind::Watch, at: quiet_until.map_or(now, |until| until.max(now)) })
            }
            // While spaces are left, each batch is watched on its own.
            State::Removing => None,
            // Nothing comes of these by itself, so somebody has to be told.
            State::Held { .. } => Some(Due { kind: DueKind::Held, at: self.since().unwrap_or(now) }),
            State::Failed { .. } => {
                let kind = if self.sealed.is_some() { DueKind::Failed } else { DueKind::FailedUnsealed };
                Some(Due { kind, at: self.since().unwrap_or(now) })
            }
            State::Cancelled { .. } if self.sealed.is_none() => {
                Some(Due { kind: DueKind::Unsealed, at: self.since().unwrap_or(now) })
            }
            State::Completed { .. } | State::Cancelled { .. } => None,
        }
    }

    /// Whether it is over and its evidence is still to be sealed. One that completes is sealed as it does.
    pub fn awaits_seal(&self) -> bool {
        matches!(self.state, State::Failed { .. } | State::Cancelled { .. }) && self.sealed.is_none()
    }

    /// The same with its seal, which is no change of the offboarding.
    pub fn with_seal(mut self, sealed: Sealed) -> Self {
        self.sealed = Some(sealed);
        self.due = self.next_due(self.updated_at);
        self
    }

    /// The name of the hold that stands; none where nothing holds it.
    pub fn hold_id(&self) -> Option<String> {
        let State::Held { reasons, .. } = &self.state else { return None };
        Some(hold::hold_id(&self.id, self.since().unwrap_or(self.updated_at), reasons))
    }

    /// When the present state was entered.
    pub fn since(&self) -> Option<Timestamp> {
        self.history.last().map(|passage| passage.at)
    }
}
