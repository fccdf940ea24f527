//! The batch calls: a batch fails as a whole for what is wrong with the batch, and entry by entry for the rest.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use super::{NewMessage, Sent, Sqs, SqsError};

/// The most entries of a batch.
pub const MAX_BATCH_ENTRIES: usize = 10;
/// The most bytes of all bodies of a batch.
pub const MAX_BATCH_BYTES: usize = 1_048_576;

/// One entry of a batch.
#[derive(Debug, Clone)]
pub struct Entry<T> {
    /// The caller's name for it, 1 to 80 letters, digits, hyphens and underscores, distinct in the batch.
    pub id: String,
    /// What to do.
    pub request: T,
}

impl<T> Entry<T> {
    /// An entry named `id`.
    pub fn new(id: impl Into<String>, request: T) -> Self {
        Self { id: id.into(), request }
    }
}

/// What became of each entry, by its id, in the order of the batch.
pub type BatchResult<T> = Vec<(String, Result<T, SqsError>)>;

impl Sqs {
    /// Sends up to ten messages.
    ///
    /// # Errors
    /// What is wrong with the batch: nothing was sent.
    pub fn send_batch(
        &mut self,
        queue: &str,
        entries: Vec<Entry<NewMessage>>,
        now: Timestamp,
    ) -> Result<BatchResult<Sent>, SqsError> {
        self.check_batch(queue, &entries)?;
        if entries.iter().map(|entry| entry.request.body.len()).sum::<usize>() > MAX_BATCH_BYTES {
            return Err(SqsError::BatchRequestTooLong);
        }
        Ok(entries.into_iter().map(|entry| (entry.id, self.send(queue, entry.request, now))).collect())
    }

    /// Deletes up to ten messages by their receipt handles.
    ///
    /// # Errors
    /// What is wrong with the batch: nothing was deleted.
    pub fn delete_batch(
        &mut self,
        queue: &str,
        entries: Vec<Entry<String>>,
        now: Timestamp,
    ) -> Result<BatchResult<()>, SqsError> {
        self.check_batch(queue, &entries)?;
        Ok(entries.into_iter().map(|entry| (entry.id, self.delete(queue, &entry.request, now))).collect())
    }

    /// Changes the visibility of up to ten messages, each a receipt handle and its timeout from now.
    ///
    /// # Errors
    /// What is wrong with the batch: nothing was changed.
    pub fn change_visibility_batch(
        &mut self,
        queue: &str,
        entries: Vec<Entry<(String, Duration)>>,
        now: Timestamp,
    ) -> Result<BatchResult<()>, SqsError> {
        self.check_batch(queue, &entries)?;
        let mut change = |(handle, timeout): (String, Duration)| self.change_visibility(queue, &handle, timeout, now);
        Ok(entries.into_iter().map(|entry| (entry.id, change(entry.request))).collect())
    }

    fn check_batch<T>(&self, queue: &str, entries: &[Entry<T>]) -> Result<(), SqsError> {
        self.queue(queue)?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if entries.is_empty() {
            return Err(SqsError::EmptyBatchRequest);
        }
        if entries.len() > MAX_BATCH_ENTRIES {
            return Err(SqsError::TooManyEntriesInBatchRequest);
        }
        if entries.iter().any(|entry| entry.id.is_empty() || entry.id.len() > 80 || !entry.id.bytes().all(plain)) {
            return Err(SqsError::InvalidBatchEntryId);
        }
        let distinct: BTreeSet<_> = entries.iter().map(|entry| &entry.id).collect();
        if distinct.len() < entries.len() { Err(SqsError::BatchEntryIdsNotDistinct) } else { Ok(()) }
    }
}
