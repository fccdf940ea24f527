//! The small things: the quota's record, the capabilities, the pause.

use async_trait::async_trait;
use podio_engine::{
    ports::{QuotaRecord, ReadQuota},
    quota::Quota,
};
use podio_lifecycle::{
    capability::Capabilities,
    pause::Pause,
    ports::{LearnCapabilities, ReadPause, SaveError, StoreError, WritePause},
};

use super::MemoryStore;

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

#[async_trait]
impl ReadPause for MemoryStore {
    async fn pause(&self) -> Result<Pause, StoreError> {
        self.run("pause", |tables| Ok(tables.pause.clone())).await
    }
}

#[async_trait]
impl WritePause for MemoryStore {
    async fn save_pause(&self, pause: &Pause) -> Result<(), SaveError> {
        self.run("save_pause", |tables| {
            if tables.pause.revision != pause.revision {
                return Err(SaveError::Conflict);
            }
            tables.pause = Pause { revision: pause.revision + 1, ..pause.clone() };
            Ok(())
        })
        .await
    }
}
