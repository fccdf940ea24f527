//! What an operator is told of an offboarding, and what it is listed under while it is at work.

use jiff::Timestamp;

use super::{Closing, Offboarding, State};
use crate::{evidence::Sealed, hold};

/// What it is listed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DueKind {
    /// It is scheduled or at work, and was accepted at that time.
    Active,
    /// It has been held since that time.
    Held,
    /// It failed at that time.
    Failed,
}

/// Since when, and under what, it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// For what.
    pub kind: DueKind,
    /// When.
    pub at: Timestamp,
}

impl Offboarding {
    /// What it is listed under, if anything.
    pub fn due(&self) -> Option<Due> {
        match self.state {
            State::Scheduled(_)
            | State::Planning(_)
            | State::Removing(_)
            | State::Finalizing(_)
            | State::Verifying(_) => Some(Due { kind: DueKind::Active, at: self.created_at }),
            // Nothing comes of these by itself, so somebody has to be told.
            State::Held { .. } => Some(Due { kind: DueKind::Held, at: self.since().unwrap_or(self.updated_at) }),
            State::Failed { .. } => Some(Due { kind: DueKind::Failed, at: self.since().unwrap_or(self.updated_at) }),
            State::Completed { .. } | State::Cancelled { .. } => None,
        }
    }

    /// Whether it is over and its evidence is still to be sealed. One that completes is sealed as it does.
    pub fn awaits_seal(&self) -> bool {
        matches!(self.state, State::Failed { closing: None, .. } | State::Cancelled { closing: None, .. })
    }

    /// The same with its evidence sealed, which is no change of the offboarding. One that is not over has none.
    pub fn with_seal(mut self, calls: u32, seal: Sealed) -> Self {
        match &mut self.state {
            State::Completed { closing, .. } | State::Failed { closing, .. } | State::Cancelled { closing, .. } => {
                *closing = Some(Closing { calls, seal });
            }
            State::Scheduled(_)
            | State::Planning(_)
            | State::Held { .. }
            | State::Removing(_)
            | State::Finalizing(_)
            | State::Verifying(_) => {}
        }
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
