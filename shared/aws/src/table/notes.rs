//! Recorded calls, and what is known of Podio's capabilities.

use async_trait::async_trait;
use podio_lifecycle::{
    capability::Capabilities,
    evidence::CallRecord,
    ids::OffboardingId,
    ports::{LearnCapabilities, ReadCalls, RecordCalls, StoreError},
};

use super::{
    BODY, DynamoStore,
    item::{Read, item, json},
    keys::{CALL, Key},
    read::count,
};

#[async_trait]
impl RecordCalls for DynamoStore {
    async fn record(&self, id: &OffboardingId, call: &CallRecord, nonce: [u8; 10]) -> Result<(), StoreError> {
        let mut item = item(&Key::call(id, call.at.as_millisecond(), nonce));
        item.insert(BODY.to_owned(), json(call)?);
        self.put(item).await
    }
}

#[async_trait]
impl ReadCalls for DynamoStore {
    async fn calls(&self, id: &OffboardingId) -> Result<Vec<CallRecord>, StoreError> {
        self.below(id, CALL).await?.iter().map(|item| item.json(BODY)).collect()
    }

    async fn count_calls(&self, id: &OffboardingId) -> Result<u32, StoreError> {
        let counted = count(self.query_below(id, CALL), usize::MAX).await?;
        Ok(u32::try_from(counted).unwrap_or(u32::MAX))
    }
}

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
