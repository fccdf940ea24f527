//! The evidence table, in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use podio_lifecycle::{
    evidence::{CallRecord, Jwk, KeySet, StoredCall, StoredSeal},
    ids::OffboardingId,
    offboarding::{Offboarding, PersonClaim},
    ports::{AppendCalls, KeepEvidence, ReadCalls, ReadEvidence, SaveError, StoreError},
    removal::SpaceRemoval,
};

use super::MemoryStore;
use crate::rules;

/// What the evidence table holds: public, so that a test can do to it what nobody may.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// Calls, by offboarding and number.
    pub calls: BTreeMap<OffboardingId, BTreeMap<u32, StoredCall>>,
    /// Signed statements about them.
    pub statements: BTreeMap<OffboardingId, String>,
    /// Texts of records, by offboarding and SHA-256.
    pub records: BTreeMap<(OffboardingId, String), String>,
    /// Seals, by number.
    pub seals: BTreeMap<u64, StoredSeal>,
    /// Public keys, by id.
    pub keys: BTreeMap<String, Jwk>,
}

impl MemoryStore {
    /// Changes what is stored as evidence behind everybody's back.
    pub fn tamper<T>(&self, change: impl FnOnce(&mut Evidence) -> T) -> T {
        change(&mut self.lock().evidence)
    }
}

#[async_trait]
impl AppendCalls for MemoryStore {
    async fn keep_key(&self, key: &Jwk) -> Result<(), StoreError> {
        self.run("keep_key", |tables| {
            tables.evidence.keys.entry(key.kid.clone()).or_insert_with(|| key.clone());
            Ok(())
        })
        .await
    }

    async fn statement(&self, id: &OffboardingId) -> Result<Option<String>, StoreError> {
        self.run("statement", |tables| Ok(tables.evidence.statements.get(id).cloned())).await
    }

    async fn last_call(&self, id: &OffboardingId) -> Result<Option<StoredCall>, StoreError> {
        self.run("last_call", |tables| {
            let calls = tables.evidence.calls.get(id);
            Ok(calls.and_then(|calls| calls.last_key_value()).map(|(_, call)| call.clone()))
        })
        .await
    }

    async fn append(
        &self,
        id: &OffboardingId,
        expected: Option<&str>,
        call: &StoredCall,
        statement: &str,
        _kept_until: Option<Timestamp>,
    ) -> Result<(), SaveError> {
        self.run("append", |tables| {
            let evidence = &mut tables.evidence;
            let calls = evidence.calls.entry(id.clone()).or_default();
            if evidence.statements.get(id).map(String::as_str) != expected || calls.contains_key(&call.n) {
                return Err(SaveError::Conflict);
            }
            calls.insert(call.n, call.clone());
            evidence.statements.insert(id.clone(), statement.to_owned());
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl ReadCalls for MemoryStore {
    async fn calls(&self, id: &OffboardingId) -> Result<Vec<CallRecord>, StoreError> {
        self.recorded(id).await?.0.iter().map(rules::call).collect()
    }

    async fn count_calls(&self, id: &OffboardingId) -> Result<u32, StoreError> {
        Ok(self.last_call(id).await?.map_or(0, |call| call.n))
    }
}

#[async_trait]
impl ReadEvidence for MemoryStore {
    async fn recorded(&self, id: &OffboardingId) -> Result<(Vec<StoredCall>, Option<String>), StoreError> {
        self.run("recorded", |tables| {
            let calls = tables.evidence.calls.get(id).map(|calls| calls.values().cloned().collect());
            Ok((calls.unwrap_or_default(), tables.evidence.statements.get(id).cloned()))
        })
        .await
    }

    async fn seal(&self, number: u64) -> Result<Option<StoredSeal>, StoreError> {
        self.run("seal", |tables| Ok(tables.evidence.seals.get(&number).cloned())).await
    }

    async fn record_text(&self, id: &OffboardingId, sha256: &str) -> Result<Option<String>, StoreError> {
        let key = (id.clone(), sha256.to_owned());
        self.run("record_text", |tables| Ok(tables.evidence.records.get(&key).cloned())).await
    }

    async fn keys(&self) -> Result<KeySet, StoreError> {
        self.run("keys", |tables| Ok(KeySet { keys: tables.evidence.keys.values().cloned().collect() })).await
    }
}

#[async_trait]
impl KeepEvidence for MemoryStore {
    async fn last_seal(&self) -> Result<Option<StoredSeal>, StoreError> {
        self.run("last_seal", |tables| Ok(tables.evidence.seals.last_key_value().map(|(_, seal)| seal.clone()))).await
    }

    async fn keep_record(&self, id: &OffboardingId, seal: &StoredSeal, text: &str) -> Result<(), StoreError> {
        self.run("keep_record", |tables| {
            let key = (id.clone(), seal.sha256.clone());
            tables.evidence.records.entry(key).or_insert_with(|| text.to_owned());
            Ok(())
        })
        .await
    }

    async fn save_sealed(
        &self,
        expected: u64,
        offboarding: &Offboarding,
        person: PersonClaim,
        settled: Option<&SpaceRemoval>,
        seal: &StoredSeal,
    ) -> Result<(), SaveError> {
        self.run("save_sealed", |tables| {
            if tables.evidence.seals.contains_key(&seal.number) {
                return Err(SaveError::Conflict);
            }
            tables.save(expected, offboarding, person, settled)?;
            tables.evidence.seals.insert(seal.number, seal.clone());
            Ok(())
        })
        .await
    }
}
