//! The small things: recorded calls, the reservation log, the capabilities.

use async_trait::async_trait;
use podio_engine::{
    ports::{QuotaRecord, ReadQuota},
    quota::Quota,
};
use podio_lifecycle::{
    capability::Capabilities,
    evidence::CallRecord,
    ids::OffboardingId,
    ports::{LearnCapabilities, ReadCalls, RecordCalls, SaveError, StoreError},
};

use super::{MemoryStore, Tables};

impl Tables {
    fn calls_of(&self, id: &OffboardingId) -> impl Iterator<Item = &CallRecord> {
        let (first, last) = ((id.clone(), i64::MIN, [0; 10]), (id.clone(), i64::MAX, [u8::MAX; 10]));
        self.calls.range(first..=last).map(|(_, call)| call)
    }
}

#[async_trait]
impl RecordCalls for MemoryStore {
    async fn record(&self, id: &OffboardingId, call: &CallRecord, nonce: [u8; 10]) -> Result<(), StoreError> {
        self.run("record", |tables| {
            tables.calls.insert((id.clone(), call.at.as_millisecond(), nonce), call.clone());
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl ReadCalls for MemoryStore {
    async fn calls(&self, id: &OffboardingId) -> Result<Vec<CallRecord>, StoreError> {
        self.run("calls", |tables| Ok(tables.calls_of(id).cloned().collect())).await
    }

    async fn count_calls(&self, id: &OffboardingId) -> Result<u32, StoreError> {
        self.run("count_calls", |tables| Ok(u32::try_from(tables.calls_of(id).count()).unwrap_or(u32::MAX))).await
    }
}

#[async_trait]
impl QuotaRecord for MemoryStore {
    async fn read(&self) -> Result<(Quota, u64), StoreError> {
        self.run("read", |tables| Ok(tables.quota.clone())).await
    }

    async fn write(&self, expected: u64, quota: &Quota) -> Result<(), SaveError> {
        self.run("write", |tables| {
            if tables.quota.1 != expected {
                return Err(SaveError::Conflict);
            }
            tables.quota = (quota.clone(), expected + 1);
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl ReadQuota for MemoryStore {
    async fn quota(&self) -> Result<Quota, StoreError> {
        self.run("quota", |tables| Ok(tables.quota.0.clone())).await
    }
}

#[async_trait]
impl LearnCapabilities for MemoryStore {
    async fn capabilities(&self) -> Result<Capabilities, StoreError> {
        self.run("capabilities", |tables| Ok(tables.capabilities.clone())).await
    }

    async fn learned(&self, capabilities: &Capabilities) -> Result<(), StoreError> {
        self.run("learned", |tables| {
            tables.capabilities = capabilities.clone();
            Ok(())
        })
        .await
    }
}
