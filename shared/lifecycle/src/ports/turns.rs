//! One leaver after the other.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::ids::{OffboardingId, OrgId};

/// One after the other, where two at once could do what neither foresaw.
#[async_trait]
pub trait TakeTurns: Send + Sync {
    /// Takes the turn in an organization until `until`; whether it was to be had: nobody else has it at `now`. Whoever
    /// has it may take it again.
    async fn take_turn(
        &self,
        org: OrgId,
        holder: &OffboardingId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Ends the turn, if it is still this holder's.
    async fn end_turn(&self, org: OrgId, holder: &OffboardingId) -> Result<(), StoreError>;
}
