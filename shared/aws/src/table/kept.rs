//! When the hooks of an object were last looked at.

use async_trait::async_trait;
use jiff::Timestamp;
use podio_lifecycle::{
    hooks::HookRef,
    ports::{RememberLooks, StoreError},
};

use super::{
    DynamoStore,
    item::{Read, item, moment},
    keys::Key,
};

/// Attribute: when.
const AT: &str = "at";

#[async_trait]
impl RememberLooks for DynamoStore {
    async fn last_look(&self, on: &HookRef) -> Result<Option<Timestamp>, StoreError> {
        self.get(&Key::hooks(on)).await?.map_or(Ok(None), |item| item.find_moment(AT))
    }

    async fn looked(&self, on: &HookRef, at: Timestamp) -> Result<(), StoreError> {
        let mut item = item(&Key::hooks(on));
        item.insert(AT.to_owned(), moment(at));
        self.put(item).await
    }
}
