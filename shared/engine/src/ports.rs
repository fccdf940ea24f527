//! The narrow doors of the engine.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    ports::{QueueError, SaveError, StoreError},
    work::{JobId, Waiting},
};

use crate::{order::Message, quota::Quota};

/// The quota's record, written on condition of the revision that was read.
#[async_trait]
pub trait QuotaRecord: Send + Sync {
    /// The record and its revision; an empty one, revision 0, where there is none. Read consistently.
    async fn read(&self) -> Result<(Quota, u64), StoreError>;
    /// Stores the record if `expected` is what is stored.
    async fn write(&self, expected: u64, quota: &Quota) -> Result<(), SaveError>;
}

/// Reading the quota's record.
#[async_trait]
pub trait ReadQuota: Send + Sync {
    /// The record; an empty one where there is none.
    async fn quota(&self) -> Result<Quota, StoreError>;
}

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// The attempt is this worker's. So many attempts before it began and never ended.
    Yes {
        /// How many.
        deaths: u32,
    },
    /// An attempt of this moment, or of a later one, has begun already.
    No,
    /// The job has left the table.
    Gone {
        /// Whether an attempt of this moment, or of a later one, had begun before: then the moments may be spent.
        begun: bool,
    },
}

/// Jobs of the background that are seen however many others wait: it is owed a share of the quota.
pub const BESIDE: usize = 20;

/// The jobs that wait.
#[async_trait]
pub trait WorkTable: Send + Sync {
    /// Up to `limit` jobs that may be dispatched at `now`, in the order of priority and place; with them those that pause
    /// because of a fault from before `recovered`. Where the others leave no room, the first [few](BESIDE) of the background
    /// come beside them. The index may lag behind the records by a moment.
    async fn ready(
        &self,
        now: Timestamp,
        recovered: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Waiting>, StoreError>;
    /// Makes sure that a job without a record of its own waits; one that does already stays as it is.
    async fn put(&self, waiting: &Waiting) -> Result<(), StoreError>;
    /// Notes that the attempt of that moment has begun, unless one of that moment or a later one has.
    async fn claim(&self, job: &JobId, attempt: Timestamp) -> Result<Claimed, StoreError>;
    /// The moment of the last attempt that has begun; none where none has, or the job is gone. Read consistently.
    async fn claimed(&self, job: &JobId) -> Result<Option<Timestamp>, StoreError>;
    /// An attempt has ended in order, and its job waits on as its record says.
    async fn survived(&self, job: &JobId) -> Result<(), StoreError>;
    /// The same, and the job waits as `waiting` says, if it has not left the table.
    async fn wait_again(&self, waiting: &Waiting) -> Result<(), StoreError>;
    /// Takes a job out of the table that has nothing left to do. Its record stays.
    async fn leave(&self, job: &JobId) -> Result<(), StoreError>;
}

/// Looking at what lies ahead.
#[async_trait]
pub trait LookAhead: Send + Sync {
    /// The first jobs that wait for nothing but the quota, up to `at_most`, in the order of priority and place: what an
    /// estimate is made of. The index may lag behind the records by a moment.
    async fn ahead(&self, at_most: usize) -> Result<Vec<Waiting>, StoreError>;
}

/// Sending messages to the worker.
#[async_trait]
pub trait SendMessages: Send + Sync {
    /// Sends messages, ten to a request, each not before its delay (whole seconds) has gone by. An error means that some
    /// may not have been sent.
    async fn send(&self, messages: &[(Message, SignedDuration)]) -> Result<(), QueueError>;
}
