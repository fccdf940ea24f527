//! Whose turn it is to leave an organization.

use async_trait::async_trait;
use jiff::Timestamp;
use podio_lifecycle::{
    ids::{OffboardingId, OrgId},
    ports::{StoreError, TakeTurns},
};

use super::MemoryStore;

#[async_trait]
impl TakeTurns for MemoryStore {
    async fn take_turn(
        &self,
        org: OrgId,
        holder: &OffboardingId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.run("take_turn", |tables| {
            if tables.turns.get(&org).is_some_and(|(other, until)| other != holder && *until > now) {
                return Ok(false);
            }
            tables.turns.insert(org, (holder.clone(), until));
            Ok(true)
        })
        .await
    }

    async fn end_turn(&self, org: OrgId, holder: &OffboardingId) -> Result<(), StoreError> {
        self.run("end_turn", |tables| {
            if tables.turns.get(&org).is_some_and(|(other, _)| other == holder) {
                tables.turns.remove(&org);
            }
            Ok(())
        })
        .await
    }
}
