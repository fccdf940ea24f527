//! What stored evidence is worth: what the door says of it.
//!
//! Nothing is computed from today's types: the text that was signed is checked as it is stored, and everything else that
//! is stored of the offboarding's evidence must agree with it.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    StoredCall,
    calls::judged,
    chain::{canonical, hash},
    envelope,
    key::KeySet,
    record::{self, Record, Sealed, StoredSeal},
};
use crate::{
    ids::OffboardingId,
    ports::{ReadEvidence, StoreError},
};

/// What the check of chain and signature gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Integrity {
    /// Everything is as it was signed.
    Verified,
    /// There is no seal yet, and nothing speaks against what was recorded so far.
    Unsigned,
    /// Something is missing, or is not what was recorded or signed.
    Altered,
}

/// All that is stored of one offboarding's evidence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// The seal that the offboarding names.
    pub seal: Option<StoredSeal>,
    /// The record's text.
    pub text: Option<String>,
    /// The calls.
    pub calls: Vec<StoredCall>,
    /// The signed statement about them.
    pub statement: Option<String>,
    /// The public keys.
    pub keys: KeySet,
}

impl Stored {
    /// Reads it.
    ///
    /// # Errors
    /// Storage fails.
    pub async fn read(
        evidence: &dyn ReadEvidence,
        id: &OffboardingId,
        sealed: Option<&Sealed>,
    ) -> Result<Self, StoreError> {
        let mut stored = Self { keys: evidence.keys().await?, ..Self::default() };
        if let Some(sealed) = sealed {
            stored.seal = evidence.seal(sealed.number).await?;
            stored.text = evidence.record_text(id, &sealed.sha256).await?;
        }
        (stored.calls, stored.statement) = evidence.recorded(id).await?;
        Ok(stored)
    }

    /// What it is worth at `now`.
    pub fn judge(&self, id: &OffboardingId, sealed: Option<&Sealed>, now: Timestamp) -> Integrity {
        let Some(sealed) = sealed else {
            let whole = judged(id, &self.calls, self.statement.as_deref(), &self.keys).is_ok();
            return if whole { Integrity::Unsigned } else { Integrity::Altered };
        };
        let record = self.opened(id, sealed);
        let verified = record.is_some_and(|record| record.holds() && self.agree_with(id, &record, now));
        if verified { Integrity::Verified } else { Integrity::Altered }
    }

    /// The record as it can be read, whatever it is worth.
    pub fn readable(&self) -> Option<Record> {
        Record::read(self.text.as_ref()?)
    }

    /// The record, if it is the one that was signed for this offboarding.
    fn opened(&self, id: &OffboardingId, sealed: &Sealed) -> Option<Record> {
        let (seal, text) = (self.seal.as_ref()?, self.text.as_ref()?);
        if !record::is_of(seal, id, sealed) || record::fingerprint(text) != sealed.sha256 {
            return None;
        }
        seal.envelope(text).open(envelope::RECORD, &self.keys).ok()?;
        let record = Record::read(text)?;
        let place = &record.seal;
        let is_of = record.id == id.as_str() && place.number == seal.number;
        (is_of && place.sealed_at == seal.sealed_at && place.kept_until == seal.kept_until).then_some(record)
    }

    /// Whether the calls that are still stored one by one are those of the record. A call that a late duplicate of a job
    /// made after the seal is no part of it; one whose time to be kept is over may be gone.
    fn agree_with(&self, id: &OffboardingId, record: &Record, now: Timestamp) -> bool {
        let retention = record.seal.kept_until.map(|until| until.duration_since(record.seal.sealed_at));
        let expired = |at: &str| {
            let at: Option<Timestamp> = at.parse().ok();
            at.zip(retention).is_some_and(|(at, retention)| at + retention <= now)
        };
        let mut before = id.to_string();
        for (body, n) in record.chain.bodies("call").zip(1..) {
            let text = canonical(body);
            let hash = hash(&before, &text);
            match self.calls.iter().find(|call| call.n == n) {
                Some(call) if call.text == text && call.hash == hash => {}
                None if expired(body["at"].as_str().unwrap_or_default()) => {}
                _ => return false,
            }
            before = hash;
        }
        let all_are_kept = retention.is_none() || self.calls.first().is_some_and(|call| call.n == 1);
        !all_are_kept || judged(id, &self.calls, self.statement.as_deref(), &self.keys).is_ok()
    }
}
