//! Writing, keeping and reading evidence. Only the worker may write it.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{SaveError, StoreError};
use crate::{
    evidence::{CallRecord, Jwk, KeySet, StoredCall, StoredSeal},
    ids::OffboardingId,
    offboarding::{Offboarding, PersonClaim},
    removal::SpaceRemoval,
};

/// Recording calls to Podio.
#[async_trait]
pub trait RecordCalls: Send + Sync {
    /// Adds one call behind those that were recorded before.
    async fn record(&self, id: &OffboardingId, call: &CallRecord) -> Result<(), StoreError>;
}

/// Writing calls down, one behind the other.
#[async_trait]
pub trait AppendCalls: ReadEvidence {
    /// Stores a public key, before anything is signed with it.
    async fn keep_key(&self, key: &Jwk) -> Result<(), StoreError>;
    /// The signed statement about the calls so far, read consistently.
    async fn statement(&self, id: &OffboardingId) -> Result<Option<String>, StoreError>;
    /// The call with the highest number, read consistently.
    async fn last_call(&self, id: &OffboardingId) -> Result<Option<StoredCall>, StoreError>;
    /// Adds a call and replaces the statement in one transaction, if `expected` is what is stored of it and no call has
    /// that number. Both may be forgotten after `kept_until`, if that is given.
    async fn append(
        &self,
        id: &OffboardingId,
        expected: Option<&str>,
        call: &StoredCall,
        statement: &str,
        kept_until: Option<Timestamp>,
    ) -> Result<(), SaveError>;
}

/// Reading recorded calls.
#[async_trait]
pub trait ReadCalls: Send + Sync {
    /// All calls of an offboarding in the order in which they were recorded, read consistently.
    async fn calls(&self, id: &OffboardingId) -> Result<Vec<CallRecord>, StoreError>;
    /// How many there are.
    async fn count_calls(&self, id: &OffboardingId) -> Result<u32, StoreError>;
}

/// Reading evidence as it is stored.
#[async_trait]
pub trait ReadEvidence: Send + Sync {
    /// All calls of an offboarding by number, and the signed statement about them, as they were at one moment.
    async fn recorded(&self, id: &OffboardingId) -> Result<(Vec<StoredCall>, Option<String>), StoreError>;
    /// The seal of that number.
    async fn seal(&self, number: u64) -> Result<Option<StoredSeal>, StoreError>;
    /// The text of the record with that SHA-256.
    async fn record_text(&self, id: &OffboardingId, sha256: &str) -> Result<Option<String>, StoreError>;
    /// The public keys of all keys that ever signed.
    async fn keys(&self) -> Result<KeySet, StoreError>;
}

/// Keeping records and seals, each written once.
#[async_trait]
pub trait KeepEvidence: AppendCalls {
    /// The seal with the highest number, read consistently.
    async fn last_seal(&self) -> Result<Option<StoredSeal>, StoreError>;
    /// Stores the text of a record under its SHA-256. A text that is there stays as it is.
    async fn keep_record(&self, id: &OffboardingId, seal: &StoredSeal, text: &str) -> Result<(), StoreError>;
    /// Like [`save`](super::WriteOffboardings::save), and in the same transaction stores the seal, if none has its number.
    async fn save_sealed(
        &self,
        expected: u64,
        offboarding: &Offboarding,
        person: PersonClaim,
        settled: Option<&SpaceRemoval>,
        seal: &StoredSeal,
    ) -> Result<(), SaveError>;
}
