//! The credentials table.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use podio_lifecycle::{
    credentials::TokenRecord,
    ports::{Credentials, SaveError, StoreError},
};

use super::Faults;
use crate::rules;

/// The credentials table, in memory.
#[derive(Default)]
pub struct MemoryCredentials {
    record: Mutex<Option<TokenRecord>>,
    faults: Faults,
}

impl MemoryCredentials {
    /// No token yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The faults, to be set.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

#[async_trait]
impl Credentials for MemoryCredentials {
    async fn load(&self) -> Result<Option<TokenRecord>, StoreError> {
        let read = || Ok(self.record.lock().unwrap_or_else(PoisonError::into_inner).clone());
        self.faults.around("load_token", read).await
    }

    async fn save(&self, record: &TokenRecord) -> Result<(), SaveError> {
        let write = || {
            let mut stored = self.record.lock().unwrap_or_else(PoisonError::into_inner);
            if stored.as_ref().map_or(0, |stored| stored.revision) != record.revision {
                return Err(SaveError::Conflict);
            }
            *stored = Some(TokenRecord {
                expires_at: rules::stored(record.expires_at),
                leased_until: record.leased_until.map(rules::stored),
                revision: record.revision + 1,
                ..record.clone()
            });
            Ok(())
        };
        self.faults.around("save_token", write).await
    }
}
