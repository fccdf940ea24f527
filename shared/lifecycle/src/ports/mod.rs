//! The narrow doors through which the functions reach storage, the queue and the clock.
//!
//! One trait for each thing that a function may do, so that a function's signature says what its role must allow. The
//! DynamoDB and SQS adapters and their in-memory twins implement them and pass one shared suite of tests.

mod evidence;
mod hooks;
mod pause;
mod people;
mod scim;
mod turns;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

pub use self::evidence::{AppendCalls, KeepEvidence, ReadCalls, ReadEvidence, RecordCalls};
pub use self::hooks::{AcceptDeliveries, Accepted, Deliveries, PublishError, PublishEvents};
pub use self::pause::{ReadPause, WritePause};
pub use self::people::{Audits, Begun, CarryOnAudits, ChangeCursor, CompareRosters, Part, ReadMembers, WriteMembers};
pub use self::scim::{ScimPage, ScimUserNotSaved, ScimUsers};
pub use self::turns::TakeTurns;
use crate::{
    capability::Capabilities,
    credentials::TokenRecord,
    ids::{ItemId, OffboardingId, OrgId, SpaceId, UserId},
    leavers_app::LeaverItem,
    offboarding::{DueKind, Filter, Offboarding, PersonClaim, Unreadable},
    removal::{SpaceKey, SpaceRemoval},
};

/// The time. Passed in, so that a simulation can own it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Waits; only for what is shorter than a message's way through the queue.
    async fn sleep(&self, duration: SignedDuration);
}

/// Randomness. Passed in, so that a simulation can repeat it.
pub trait Random: Send + Sync {
    /// Unpredictable bytes.
    fn bytes(&self) -> [u8; 10];
}

/// Storage could not be asked, or what it holds cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Down, throttled, or no answer; the write may or may not have happened.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// An item that this version cannot read.
    #[error("stored item is unreadable: {0}")]
    Corrupt(String),
}

/// A conditional write did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    /// Somebody else wrote since: read again and decide anew.
    #[error("somebody else has written since")]
    Conflict,
    /// The person is claimed by another offboarding.
    #[error("another offboarding of this person is under way")]
    PersonTaken(OffboardingId),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The caller's idempotency key, and what it was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key, made unique among senders.
    pub key: String,
    /// Fingerprint of the request's body.
    pub fingerprint: String,
    /// Until when repetitions are recognised.
    pub expires_at: Timestamp,
}

/// What became of an accepted request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It is stored.
    New,
    /// The same request was accepted before, as this offboarding.
    Repeated(OffboardingId),
    /// The key was used for another request.
    KeyReused,
    /// The person is being off-boarded already, by this offboarding. Nothing is stored, the key neither.
    AlreadyRunning(OffboardingId),
}

/// What became of a second request for somebody who is being off-boarded already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joined {
    /// It is stored.
    Done,
    /// The same request was accepted before, as this offboarding.
    Repeated(OffboardingId),
    /// The key was used for another request.
    KeyReused,
}

/// A page of offboardings, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The offboardings.
    pub offboardings: Vec<Offboarding>,
    /// Those that this version cannot read.
    pub unreadable: Vec<Unreadable>,
    /// Where the next page begins; none at the end. A page may be short, even empty, and yet not be the last.
    pub next: Option<OffboardingId>,
}

/// Accepting requests.
#[async_trait]
pub trait AcceptOffboardings: Send + Sync {
    /// Stores a new offboarding, its idempotency key and its claim on the person (none for a dry run) in one transaction.
    async fn create(&self, offboarding: &Offboarding, key: Option<&IdempotencyKey>) -> Result<Created, StoreError>;
    /// Lets a key stand for an offboarding that runs already, and stores what that has become by a second request, if
    /// anything, in one transaction: on condition that `running`, as it was read, is what is stored.
    async fn join(
        &self,
        running: &Offboarding,
        changed: Option<&Offboarding>,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Joined, SaveError>;
}

/// Reading offboardings.
#[async_trait]
pub trait ReadOffboardings: Send + Sync {
    /// One offboarding, read consistently.
    async fn load(&self, id: &OffboardingId) -> Result<Option<Offboarding>, StoreError>;
    /// Those before `before` (exclusive) that `filter` asks for, newest first, however many newer ones it does not ask for.
    async fn list(&self, filter: &Filter, limit: usize, before: Option<&OffboardingId>) -> Result<Page, StoreError>;
    /// How many were accepted in `since..until` (by id, dry runs left out), counted to `at_most`.
    async fn count_accepted(
        &self,
        since: Timestamp,
        until: &OffboardingId,
        at_most: usize,
    ) -> Result<usize, StoreError>;
    /// All space removals of one plan, in the order of their spaces, read consistently.
    async fn spaces(&self, id: &OffboardingId, plan: u64) -> Result<Vec<SpaceRemoval>, StoreError>;
    /// Offboardings that are scheduled or at work, oldest first, up to `limit`.
    async fn active(&self, limit: usize) -> Result<Vec<Offboarding>, StoreError>;
}

/// Writing offboardings.
#[async_trait]
pub trait WriteOffboardings: Send + Sync {
    /// Stores `offboarding` with the revision after `expected`, if `expected` is what is stored; with it, in the same
    /// transaction, what becomes of the claim on the person, and a removal that was settled (as [`SpaceRemovals::save_space`]
    /// would store it).
    async fn save(
        &self,
        expected: u64,
        offboarding: &Offboarding,
        person: PersonClaim,
        settled: Option<&SpaceRemoval>,
    ) -> Result<(), SaveError>;
}

/// Who was removed, and by which offboarding: kept when an offboarding completes, and never forgotten.
#[async_trait]
pub trait FindRemoved: Send + Sync {
    /// Of these people, those whom an offboarding has removed from the organization, each with the last that did.
    async fn removed(&self, org: OrgId, users: &[UserId]) -> Result<Vec<(UserId, OffboardingId)>, StoreError>;
}

/// Which offboarding an item of the leavers app has become.
#[async_trait]
pub trait LeaverItems: Send + Sync {
    /// What is remembered of an item.
    async fn leaver_item(&self, item: ItemId) -> Result<Option<LeaverItem>, StoreError>;
    /// Remembers it; false, and nothing changed, where a later revision of the item is remembered.
    async fn remember_item(&self, item: &LeaverItem) -> Result<bool, StoreError>;
}

/// Keeping track of space removals.
#[async_trait]
pub trait SpaceRemovals: Send + Sync {
    /// One removal, read consistently.
    async fn space(&self, key: &SpaceKey) -> Result<Option<SpaceRemoval>, StoreError>;
    /// Stores a removal with the revision after the one that it carries, if that is what is stored (0: if there is none).
    async fn save_space(&self, removal: &SpaceRemoval) -> Result<(), SaveError>;
    /// The same for many at once; what is stored already is left out of account only if it is the same plan's first write.
    async fn save_spaces(&self, removals: &[SpaceRemoval]) -> Result<(), SaveError>;
    /// Up to `at_most` removals that wait to take somebody out of that space. The index may lag behind by a moment.
    async fn waiting_in(&self, space: SpaceId, at_most: usize) -> Result<Vec<SpaceKey>, StoreError>;
}

/// Finding what an operator should be told of.
#[async_trait]
pub trait FindDue: Send + Sync {
    /// Up to `limit` offboardings that have been listed under a kind since `until` or before, the longest first.
    async fn due(&self, kind: DueKind, until: Timestamp, limit: usize) -> Result<Vec<OffboardingId>, StoreError>;
}

/// What is known of Podio's capabilities. Writes are last-one-wins: each entry can be learned again.
#[async_trait]
pub trait LearnCapabilities: Send + Sync {
    /// What is known.
    async fn capabilities(&self) -> Result<Capabilities, StoreError>;
    /// Remembers it.
    async fn learned(&self, capabilities: &Capabilities) -> Result<(), StoreError>;
}

/// Something worth counting, and worth an alarm where it should not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Podio answered 420.
    QuotaRejections,
    /// Calls that somebody else made with the same key.
    OtherCalls,
    /// People who were removed and are members again.
    ReturnedLeavers,
    /// Deliveries of Podio's that nothing could be done about.
    RefusedDeliveries,
    /// Hooks that should be there and could not be registered.
    MissingHooks,
    /// Proofs that the credential lives, or may do what it must, that failed.
    CredentialAtRisk,
    /// Offboardings that have failed and were not retried yet, at this moment.
    FailedOffboardings,
    /// Leavers whom nobody ever knew by that address or id.
    UnknownPersons,
    /// Offboardings that wait for a person's decision, at this moment.
    Held,
    /// Events of HR systems that are not about leavers.
    IgnoredEvents,
    /// Events of HR systems that mean a leaver and could not be used.
    RefusedEvents,
    /// Members of an organization, when an audit ends.
    Members,
    /// Those of them who were not seen for too long.
    StaleMembers,
    /// How long no audit has ended, in percent of the time between two of them.
    AuditAge,
}

impl Metric {
    /// Its name, as alarms know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::QuotaRejections => "QuotaRejections",
            Self::OtherCalls => "OtherCalls",
            Self::ReturnedLeavers => "ReturnedLeavers",
            Self::RefusedDeliveries => "RefusedDeliveries",
            Self::MissingHooks => "MissingHooks",
            Self::CredentialAtRisk => "CredentialAtRisk",
            Self::FailedOffboardings => "FailedOffboardings",
            Self::UnknownPersons => "UnknownPersons",
            Self::Held => "Held",
            Self::IgnoredEvents => "IgnoredEvents",
            Self::RefusedEvents => "RefusedEvents",
            Self::Members => "Members",
            Self::StaleMembers => "StaleMembers",
            Self::AuditAge => "AuditAge",
        }
    }
}

/// Counting what operators watch.
pub trait Metrics: Send + Sync {
    /// Counts `count` more of it.
    fn add(&self, metric: Metric, count: u64);
}

/// The shared access token.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// The record, if there is one. Read consistently.
    async fn load(&self) -> Result<Option<TokenRecord>, StoreError>;
    /// Stores the record with the revision after the one it carries, if that is what is stored (0: if there is none).
    async fn save(&self, record: &TokenRecord) -> Result<(), SaveError>;
}

/// The queue did not take it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the queue is unavailable: {0}")]
pub struct QueueError(pub String);

/// Telling the worker that something waits.
#[async_trait]
pub trait WakeWorker: Send + Sync {
    /// Sends word. Should that fail, the sweep finds what waits, a minute later.
    async fn wake(&self) -> Result<(), QueueError>;
}

/// A message that crashed the worker too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The body, which may be no message of ours.
    pub body: String,
    /// The handle to delete it with.
    pub receipt: String,
}

/// The dead-letter queue.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Up to ten of them, hidden from others for a while.
    async fn receive(&self) -> Result<Vec<DeadLetter>, QueueError>;
    /// Done with it.
    async fn delete(&self, receipt: &str) -> Result<(), QueueError>;
}
