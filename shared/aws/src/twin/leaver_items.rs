//! Items of the leavers app.

use async_trait::async_trait;
use podio_lifecycle::{
    ids::ItemId,
    leavers_app::LeaverItem,
    ports::{LeaverItems, StoreError},
};

use super::MemoryStore;

#[async_trait]
impl LeaverItems for MemoryStore {
    async fn leaver_item(&self, item: ItemId) -> Result<Option<LeaverItem>, StoreError> {
        self.run("leaver_item", |tables| Ok(tables.items.get(&item).cloned())).await
    }

    async fn remember_item(&self, item: &LeaverItem) -> Result<bool, StoreError> {
        self.run("remember_item", |tables| {
            if tables.items.get(&item.item).is_some_and(|known| known.revision > item.revision) {
                return Ok(false);
            }
            tables.items.insert(item.item, item.clone());
            Ok(true)
        })
        .await
    }
}
