//! Whose turn it is to leave an organization.

use async_trait::async_trait;
use jiff::Timestamp;
use podio_lifecycle::{
    ids::{OffboardingId, OrgId},
    ports::{StoreError, TakeTurns},
};

use super::{
    DynamoStore, OFFBOARDING, Rejected, in_the_way,
    item::{item, moment, text},
    keys::Key,
    values,
};
use crate::tables::PARTITION_KEY;

/// Attribute: when the turn ends by itself.
const UNTIL: &str = "until_at";

#[async_trait]
impl TakeTurns for DynamoStore {
    async fn take_turn(
        &self,
        org: OrgId,
        holder: &OffboardingId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut turn = item(&Key::turn(org));
        turn.insert(OFFBOARDING.to_owned(), text(holder.as_str()));
        turn.insert(UNTIL.to_owned(), moment(until));
        let condition =
            format!("attribute_not_exists(#{PARTITION_KEY}) OR #{OFFBOARDING} = :holder OR #{UNTIL} <= :now");
        let terms = values([(":holder", text(holder.as_str())), (":now", moment(now))]);
        match self.put_if(turn, &condition, terms).await {
            Ok(()) => Ok(true),
            Err(Rejected::Condition(_)) => Ok(false),
            Err(Rejected::Conflict) => Err(in_the_way()),
            Err(Rejected::Store(error)) => Err(error),
        }
    }

    async fn end_turn(&self, org: OrgId, holder: &OffboardingId) -> Result<(), StoreError> {
        let mut ended = item(&Key::turn(org));
        ended.insert(OFFBOARDING.to_owned(), text(holder.as_str()));
        ended.insert(UNTIL.to_owned(), moment(Timestamp::UNIX_EPOCH));
        let condition = format!("#{OFFBOARDING} = :holder");
        match self.put_if(ended, &condition, values([(":holder", text(holder.as_str()))])).await {
            Ok(()) | Err(Rejected::Condition(_)) => Ok(()),
            Err(Rejected::Conflict) => Err(in_the_way()),
            Err(Rejected::Store(error)) => Err(error),
        }
    }
}
