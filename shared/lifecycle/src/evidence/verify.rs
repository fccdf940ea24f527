//! Checking a downloaded envelope, with nothing but the public keys.

use super::{
    envelope::{self, Envelope, Unbelievable},
    key::KeySet,
    record::Record,
};

/// Why a file is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// It is no envelope at all.
    #[error("it is not a signed envelope: download it with `Accept: application/vnd.dsse+json`")]
    NoEnvelope,
    /// The envelope is not to be believed.
    #[error(transparent)]
    Envelope(#[from] Unbelievable),
    /// What is signed is no record that this version knows.
    #[error("its content is not a record of version 1")]
    NoRecord,
    /// What is signed does not hold together: it was altered before it was signed.
    #[error("its entries are not chained as they should be: what was recorded was altered before it was signed")]
    Chain,
}

/// The record in an envelope, if one of `keys` has signed it and its chain holds.
///
/// # Errors
/// [`Finding`].
pub fn envelope(text: &str, keys: &KeySet) -> Result<Record, Finding> {
    let envelope: Envelope = serde_json::from_str(text).map_err(|_| Finding::NoEnvelope)?;
    let payload = envelope.open(envelope::RECORD, keys)?;
    let record = Record::read(&payload).ok_or(Finding::NoRecord)?;
    if record.holds() { Ok(record) } else { Err(Finding::Chain) }
}
