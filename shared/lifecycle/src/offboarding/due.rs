//! What an operator is told of an offboarding, and what it is listed under while it is at work.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Offboarding, State};
use crate::hold;

/// What it is listed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DueKind {
    /// It is scheduled or at work, and was accepted at that time.
    Active,
    /// It has been held since that time.
    Held,
    /// It failed at that time.
    Failed,
}

/// Since when, and under what, it is listed.
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
            State::Scheduled | State::Planning | State::Removing | State::Finalizing | State::Verifying => {
                Some(Due { kind: DueKind::Active, at: self.created_at })
            }
            // Nothing comes of these by itself, so somebody has to be told.
            State::Held { .. } => Some(Due { kind: DueKind::Held, at: self.since().unwrap_or(now) }),
            State::Failed { .. } => Some(Due { kind: DueKind::Failed, at: self.since().unwrap_or(now) }),
            State::Completed { .. } | State::Cancelled { .. } => None,
        }
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
