//! Items of the leavers app, and the offboardings that they have become.

use async_trait::async_trait;
use podio_lifecycle::{
    ids::ItemId,
    leavers_app::LeaverItem,
    ports::{LeaverItems, StoreError},
};

use super::{
    DynamoStore, OFFBOARDING, Rejected, in_the_way,
    item::{Read, item, number, text},
    keys::Key,
    values,
};
use crate::tables::PARTITION_KEY;

/// Attribute: how often the item had been changed when it was read.
const REVISION: &str = "revision";

#[async_trait]
impl LeaverItems for DynamoStore {
    async fn leaver_item(&self, item: ItemId) -> Result<Option<LeaverItem>, StoreError> {
        let Some(stored) = self.get(&Key::leaver_item(item)).await? else { return Ok(None) };
        let (revision, offboarding) = (stored.number(REVISION)?, stored.parsed(OFFBOARDING)?);
        Ok(Some(LeaverItem { item, revision, offboarding }))
    }

    async fn remember_item(&self, remembered: &LeaverItem) -> Result<bool, StoreError> {
        let mut stored = item(&Key::leaver_item(remembered.item));
        stored.insert(OFFBOARDING.to_owned(), text(remembered.offboarding.as_str()));
        stored.insert(REVISION.to_owned(), number(remembered.revision));
        let condition = format!("attribute_not_exists(#{PARTITION_KEY}) OR #{REVISION} <= :revision");
        match self.put_if(stored, &condition, values([(":revision", number(remembered.revision))])).await {
            Ok(()) => Ok(true),
            Err(Rejected::Condition(_)) => Ok(false),
            Err(Rejected::Conflict) => Err(in_the_way()),
            Err(Rejected::Store(error)) => Err(error),
        }
    }
}
