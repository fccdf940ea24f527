//! Pausing all removals.

use async_trait::async_trait;

use super::{SaveError, StoreError};
use crate::pause::Pause;

/// Looking whether removals are paused.
#[async_trait]
pub trait ReadPause: Send + Sync {
    /// Whether they are, read consistently.
    async fn pause(&self) -> Result<Pause, StoreError>;
}

/// Pausing them, and letting them go on.
#[async_trait]
pub trait WritePause: ReadPause {
    /// Stores the pause with the revision after the one that it carries, if that is what is stored.
    async fn save_pause(&self, pause: &Pause) -> Result<(), SaveError>;
}
