//! What is known of Podio's capabilities.

use async_trait::async_trait;
use podio_lifecycle::{
    capability::Capabilities,
    ports::{LearnCapabilities, StoreError},
};

use super::{
    BODY, DynamoStore,
    item::{Read, item, json},
    keys::Key,
};

#[async_trait]
impl LearnCapabilities for DynamoStore {
    async fn capabilities(&self) -> Result<Capabilities, StoreError> {
        let item = self.get(&Key::capabilities()).await?;
        item.map_or_else(|| Ok(Capabilities::default()), |item| item.json(BODY))
    }

    async fn learned(&self, capabilities: &Capabilities) -> Result<(), StoreError> {
        let mut item = item(&Key::capabilities());
        item.insert(BODY.to_owned(), json(capabilities)?);
        self.put(item).await
    }
}
