//! The calls of one offboarding, chained as they are made.
//!
//! Several workers record calls of one offboarding side by side. Each call is written in one transaction with the signed
//! statement of how many there are and how the last one hashes, on condition that this statement is the one that was read;
//! whoever comes second reads again. The calls of one batch of jobs wait for each other in the process, and go on from what
//! the one before has written, so that only two workers can meet; Podio's quota makes that rare.
//!
//! A statement that is missing or forged while there are calls, or that lags behind them, is never continued as if nothing
//! had happened: the new one says `altered`, and so will the record.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    CallRecord,
    chain::{canonical, hash},
    envelope::{self, Envelope},
    key::{KeySet, SigningKey},
};
use crate::{
    ids::OffboardingId,
    ports::{AppendCalls, RecordCalls, SaveError, StoreError},
};

/// Attempts at writing a call behind those of others.
const CONTENDED: usize = 40;

/// A call as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCall {
    /// Its number, from 1.
    pub n: u32,
    /// The [`CallRecord`] as canonical JSON.
    pub text: String,
    /// SHA-256 over the hash before it (of the first: the offboarding's id) and the text.
    pub hash: String,
}

/// How many calls there are: the payload of a signed envelope that is stored beside them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Of which offboarding.
    pub id: String,
    /// How many.
    pub count: u32,
    /// The hash of the last.
    pub head: String,
    /// Whether a change by somebody else was noticed when one of them was recorded.
    pub altered: bool,
}

impl Statement {
    fn none(id: &OffboardingId) -> Self {
        Self { id: id.to_string(), count: 0, head: id.to_string(), altered: false }
    }

    /// Reads a stored statement about `id`, if one of `keys` has signed it.
    fn read(text: &str, id: &OffboardingId, keys: &KeySet) -> Option<Self> {
        let envelope: Envelope = serde_json::from_str(text).ok()?;
        let payload = envelope.open(envelope::CALLS, keys).ok()?;
        let statement: Self = serde_json::from_str(&payload).ok()?;
        (statement.id == id.as_str()).then_some(statement)
    }

    fn signed(&self, key: &SigningKey) -> Result<String, StoreError> {
        let payload = to_text(self)?;
        to_text(&Envelope::sign(envelope::CALLS, &payload, key))
    }
}

/// What the stored calls of an offboarding are worth: the statement about them, where they are what it says.
pub fn judged(
    id: &OffboardingId,
    calls: &[StoredCall],
    statement: Option<&str>,
    keys: &KeySet,
) -> Result<Statement, Altered> {
    let statement = match statement {
        None if calls.is_empty() => return Ok(Statement::none(id)),
        None => return Err(Altered),
        Some(text) => Statement::read(text, id, keys).ok_or(Altered)?,
    };
    let mut before = id.as_str();
    for (call, n) in calls.iter().zip(1..) {
        if call.n != n || call.hash != hash(before, &call.text) {
            return Err(Altered);
        }
        before = &call.hash;
    }
    let whole = usize::try_from(statement.count) == Ok(calls.len()) && statement.head == before && !statement.altered;
    if whole { Ok(statement) } else { Err(Altered) }
}

/// The calls are not those that were recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the calls are not those that were recorded")]
pub struct Altered;

/// The hash of the last of these calls of a record, for comparison with that of the stored ones.
pub(super) fn head<'a>(id: &str, calls: impl Iterator<Item = &'a Value>) -> String {
    calls.fold(id.to_owned(), |before, call| hash(&before, &canonical(call)))
}

/// Records calls: chains and signs them.
pub struct Journal {
    store: Arc<dyn AppendCalls>,
    key: SigningKey,
    retention: Option<SignedDuration>,
    /// Whether the public key is known to be stored.
    is_known: AtomicBool,
    /// The statement that this process has written last about each offboarding, and who is writing the next.
    latest: Mutex<HashMap<OffboardingId, Arc<Latest>>>,
}

/// A statement and its text; none where it has to be read first.
type Latest = tokio::sync::Mutex<Option<(Statement, String)>>;

/// Offboardings whose last statement is remembered.
const REMEMBERED: usize = 500;

impl Journal {
    /// A journal that signs with `key`, and whose calls are kept for that long; for good, if nothing is said.
    pub fn new(store: Arc<dyn AppendCalls>, key: SigningKey, retention: Option<SignedDuration>) -> Self {
        Self { store, key, retention, is_known: AtomicBool::new(false), latest: Mutex::default() }
    }

    /// Where the offboarding's last statement is remembered.
    fn latest(&self, id: &OffboardingId) -> Arc<Latest> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.len() >= REMEMBERED {
            latest.retain(|_, one| Arc::strong_count(one) > 1);
        }
        Arc::clone(latest.entry(id.clone()).or_default())
    }

    /// The statement to go on from, and its text.
    async fn statement(&self, id: &OffboardingId) -> Result<(Statement, Option<String>), StoreError> {
        let Some(text) = self.store.statement(id).await? else { return Ok((Statement::none(id), None)) };
        match Statement::read(&text, id, &self.trusted().await?) {
            Some(statement) => Ok((statement, Some(text))),
            None => Ok((self.as_they_are(id).await?, Some(text))),
        }
    }

    /// After a rotation the last statement is one of an old key.
    async fn trusted(&self) -> Result<KeySet, StoreError> {
        let mut keys = KeySet::from(&self.key);
        keys.keys.extend(self.store.keys().await?.keys);
        Ok(keys)
    }

    /// Goes on from the calls as they are, which are not those that were recorded.
    async fn as_they_are(&self, id: &OffboardingId) -> Result<Statement, StoreError> {
        let last = self.store.last_call(id).await?;
        let (count, head) = last.map_or_else(|| (0, id.to_string()), |call| (call.n, call.hash));
        Ok(Statement { id: id.to_string(), count, head, altered: true })
    }
}

#[async_trait]
impl RecordCalls for Journal {
    async fn record(&self, id: &OffboardingId, call: &CallRecord) -> Result<(), StoreError> {
        if !self.is_known.load(Ordering::Relaxed) {
            self.store.keep_key(self.key.public()).await?;
            self.is_known.store(true, Ordering::Relaxed);
        }
        let kept_until = self.retention.and_then(|retention| call.at.checked_add(retention).ok());
        let text = canonical(&serde_json::to_value(call).map_err(unwritable)?);
        let latest = self.latest(id);
        let mut latest = latest.lock().await;
        let (mut statement, mut stored) = match latest.take() {
            Some((statement, text)) => (statement, Some(text)),
            None => self.statement(id).await?,
        };
        for _ in 0..CONTENDED {
            let call = StoredCall { n: statement.count + 1, hash: hash(&statement.head, &text), text: text.clone() };
            let next = Statement { count: call.n, head: call.hash.clone(), ..statement.clone() };
            let signed = next.signed(&self.key)?;
            match self.store.append(id, stored.as_deref(), &call, &signed, kept_until).await {
                Ok(()) => {
                    *latest = Some((next, signed));
                    return Ok(());
                }
                Err(SaveError::Store(error)) => return Err(error),
                Err(SaveError::Conflict | SaveError::PersonTaken(_)) => {}
            }
            // Read in this order: the statement is never older than a call that was recorded with it.
            let last = self.store.last_call(id).await?;
            if last.as_ref().is_some_and(|last| last.text == text) {
                // The answer to an earlier attempt was lost: no two calls are alike to the millisecond and in Podio's id.
                return Ok(());
            }
            (statement, stored) = self.statement(id).await?;
            if last.is_some_and(|last| last.n > statement.count) {
                statement = self.as_they_are(id).await?;
            }
        }
        Err(StoreError::Unavailable("too many calls are recorded at once".to_owned()))
    }
}

pub(super) fn to_text(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(unwritable)
}

pub(super) fn unwritable(_: serde_json::Error) -> StoreError {
    StoreError::Corrupt("evidence cannot be written".to_owned())
}
