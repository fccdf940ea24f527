//! What every implementation of the storage ports must do, told as behaviour.

pub mod accepting;
pub mod delivering;
pub mod evidence;
pub mod listing;
pub mod noting;
pub mod people;
pub mod quota;
pub mod reconciling;
pub mod remembering;
pub mod removing;
pub mod saving;
pub mod scim;
pub mod sealing;
pub mod telling;
pub mod tokens;
pub mod working;

use std::{future::Future, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use podio_engine::ports::{LookAhead, QuotaRecord, ReadQuota, WorkTable};
use podio_lifecycle::{
    ids::{OffboardingId, OrgId, SpaceId, UserId},
    offboarding::{Abandoned, End, Leaver, Offboarding, Person, Plan, Request, State},
    ports::{
        AcceptDeliveries, AcceptOffboardings, Audits, CarryOnAudits, CompareRosters, Created, Deliveries, FindDue,
        FindRemoved, IdempotencyKey, KeepEvidence, LearnCapabilities, LeaverItems, ReadCalls, ReadMembers,
        ReadOffboardings, ScimUsers, SpaceRemovals, TakeTurns, WriteMembers, WriteOffboardings, WritePause,
    },
    removal::{RemovalState, SpaceKey, SpaceRemoval, Tally},
    source::Source,
};

/// All storage ports but the credentials.
pub trait Store:
    AcceptDeliveries
    + AcceptOffboardings
    + Audits
    + CarryOnAudits
    + CompareRosters
    + Deliveries
    + FindDue
    + FindRemoved
    + KeepEvidence
    + LearnCapabilities
    + LeaverItems
    + LookAhead
    + QuotaRecord
    + ReadCalls
    + ReadMembers
    + ReadOffboardings
    + ReadQuota
    + ScimUsers
    + SpaceRemovals
    + TakeTurns
    + WorkTable
    + WriteMembers
    + WriteOffboardings
    + WritePause
    + 'static
{
}

impl<S> Store for S where
    S: AcceptDeliveries
        + AcceptOffboardings
        + Audits
        + CarryOnAudits
        + CompareRosters
        + Deliveries
        + FindDue
        + FindRemoved
        + KeepEvidence
        + LearnCapabilities
        + LeaverItems
        + LookAhead
        + QuotaRecord
        + ReadCalls
        + ReadMembers
        + ReadOffboardings
        + ReadQuota
        + ScimUsers
        + SpaceRemovals
        + TakeTurns
        + WorkTable
        + WriteMembers
        + WriteOffboardings
        + WritePause
        + 'static
{
}

/// A second of the day on which everything happens.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

/// The offboarding of the person with that address, accepted at that second.
pub fn leaver(mail: &str, second: i64) -> Offboarding {
    let request = Request {
        reason: Some("Contract ended".into()),
        ..Request::new(Person::Email(mail.parse().unwrap()), Source::Api { name: "hr".to_owned() })
    };
    let mut random = [0; 10];
    random[..8].copy_from_slice(&fingerprint(mail).to_be_bytes());
    let id = OffboardingId::new(at(second), random);
    Offboarding::accept(id, OrgId(678), request, at(second))
}

/// Different for different texts, the same each time.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The same as a dry run.
pub fn rehearsed(mut offboarding: Offboarding) -> Offboarding {
    offboarding.request.dry_run = true;
    offboarding
}

/// What was planned for that person, who is in no space.
pub fn planned_for(leaver: Leaver) -> Plan {
    Plan {
        number: 1,
        leaver,
        spaces: Tally::default(),
        round: 0,
        previewed: false,
        asked_anew_from: 0,
        extensions: 0,
        repeats: 0,
        suspects: Vec::new(),
    }
}

/// Removed, and that was verified.
pub fn removed(leaver: Leaver) -> State {
    let end = End::Removed { plan: planned_for(leaver), left_at: at(50), returned_at: None };
    State::Completed { at: at(60), end, closing: None }
}

/// Called off before anything was known.
pub fn called_off() -> State {
    State::Cancelled { duplicate_of: None, left: Abandoned::Scheduled { leaver: None }, closing: None }
}

/// Somebody of whom Podio shows nothing but the id.
pub fn user(id: u64) -> Leaver {
    Leaver { user_id: UserId(id), email: None, name: None }
}

/// An idempotency key that is remembered for a day.
pub fn key(key: &str, body: &str) -> IdempotencyKey {
    IdempotencyKey { key: key.into(), fingerprint: body.into(), expires_at: at(0) + SignedDuration::from_hours(24) }
}

/// Accepts an offboarding that nothing stands against.
pub async fn accepted(store: &impl Store, offboarding: Offboarding) -> Offboarding {
    assert_eq!(store.create(&offboarding, None).await, Ok(Created::New));
    offboarding
}

/// The leaver in one space of the first plan, which does not wait yet.
pub fn removal(offboarding: &Offboarding, space: u64) -> SpaceRemoval {
    let key = SpaceKey { offboarding: offboarding.id.clone(), plan: 1, space: SpaceId(space) };
    SpaceRemoval::new(key, Some(format!("Space {space}")), RemovalState::Pending)
}

/// A plan of pending spaces, numbered from 1.
pub fn plan(offboarding: &Offboarding, spaces: u64) -> Vec<SpaceRemoval> {
    (1..=spaces).map(|space| removal(offboarding, space)).collect()
}

/// Does the same several times at once; the answers in any order.
pub async fn at_once<S, T, F>(store: &Arc<S>, times: u64, act: impl Fn(Arc<S>, u64) -> F) -> Vec<T>
where
    S: Send + Sync + 'static,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let tasks: Vec<_> = (0..times).map(|n| tokio::spawn(act(Arc::clone(store), n))).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}
