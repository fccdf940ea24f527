//! The engine: the only function that holds a Podio credential, so that every call passes one quota.
//!
//! A batch of up to ten messages is read together: their offboardings are loaded once, their slots are reserved in one
//! conditional write, then the jobs run side by side. A job whose slot lies ahead is parked: its slot is written down and
//! its message sleeps in the queue until then. Nothing a job does can fail its neighbours, not even a panic.

pub mod batch;
mod caller;
mod jobs;
mod message;
mod probe;
mod reserve;
mod roster;
pub mod settings;

mod tokens;
mod unsealed;
mod verdict;

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp, tz::Offset};
use podio_client::Podio;
use podio_lifecycle::{
    effects::Outlets,
    evidence::SigningKey,
    ids::{AppId, OrgId},
    ledger::{Ledger, Sealer},
    ports::{
        AcceptOffboardings, Clock, Deliveries, FindDue, FindRemoved, KeepEvidence, LearnCapabilities, LeaverItems,
        Metrics, ParkMessages, PublishEvents, QuotaLog, Random, ReadCalls, ReadOffboardings, RecordCalls,
        RememberLooks, SendJobs, ShareRemovals, TakeTurns, TrackRemovals, WriteOffboardings,
    },
    quota::{Ceiling, Quota},
};

pub use jobs::{FIRST_PATIENCE, Registration};
pub use message::{Message, Outcome};
pub use tokens::{Account, Tokens};

/// Everything that the worker reaches, each by its narrowest door.
#[derive(Clone)]
pub struct Ports {
    /// To read offboardings and batches.
    pub offboardings: Arc<dyn ReadOffboardings>,
    /// To change offboardings.
    pub changes: Arc<dyn WriteOffboardings>,
    /// To settle spaces.
    pub removals: Arc<dyn TrackRemovals>,
    /// To leave the organization one after the other.
    pub turns: Arc<dyn TakeTurns>,
    /// To leave a space together with others.
    pub sharing: Arc<dyn ShareRemovals>,
    /// To deal with deliveries of hooks.
    pub deliveries: Arc<dyn Deliveries>,
    /// To know when hooks were last looked at.
    pub kept: Arc<dyn RememberLooks>,
    /// To tell others of them, where there is a bus.
    pub events: Option<Arc<dyn PublishEvents>>,
    /// To know who was removed before.
    pub removed: Arc<dyn FindRemoved>,
    /// To accept leavers of whom a hook tells.
    pub accept: Arc<dyn AcceptOffboardings>,
    /// To remember which items they were.
    pub leaver_items: Arc<dyn LeaverItems>,
    /// To record calls.
    pub record: Arc<dyn RecordCalls>,
    /// To read them back.
    pub calls: Arc<dyn ReadCalls>,
    /// To seal the evidence.
    pub evidence: Arc<dyn KeepEvidence>,
    /// To find those whose evidence is not sealed yet.
    pub due: Arc<dyn FindDue>,
    /// The quota.
    pub quota: Arc<dyn QuotaLog>,
    /// What Podio offers.
    pub capabilities: Arc<dyn LearnCapabilities>,
    /// To send the next jobs.
    pub jobs: Arc<dyn SendJobs>,
    /// To count what operators watch.
    pub metrics: Arc<dyn Metrics>,
    /// To put messages back for later.
    pub parking: Arc<dyn ParkMessages>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// What an operator decides.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Calls that fit into a window.
    pub ceiling: Ceiling,
    /// Leavers in an hour before the rest are held.
    pub mass_threshold: usize,
    /// Signs evidence.
    pub evidence_key: SigningKey,
    /// How long evidence is kept; for good, if nothing is said.
    pub evidence_retention: Option<SignedDuration>,
    /// The hooks that should be there, if any.
    pub registration: Option<Registration>,
    /// What follows from Podio's hooks.
    pub hooks: HookPolicy,
}

/// What an operator wants to follow from Podio's hooks.
#[derive(Debug, Clone, Default)]
pub struct HookPolicy {
    /// The organization of which the hooks tell.
    pub org: Option<OrgId>,
    /// Whether somebody who was removed and is back is removed again.
    pub remove_returned: bool,
    /// The app whose items are leavers.
    pub leavers_app: Option<LeaversApp>,
}

/// The app whose items are leavers, and where they say what.
#[derive(Debug, Clone)]
pub struct LeaversApp {
    /// The app.
    pub app: AppId,
    /// The organization that they leave.
    pub org: OrgId,
    /// The external id of the field that names the person.
    pub person_field: String,
    /// That of the last day.
    pub last_day_field: String,
    /// That of the reason.
    pub reason_field: String,
    /// Where a day ends.
    pub zone: Offset,
}

/// The worker.
pub struct Worker {
    ports: Ports,
    policy: Policy,
    podio: Podio,
    tokens: Tokens,
    /// The quota as last seen, to tell which answers of Podio's are news.
    quota: Mutex<Quota>,
    /// What is done by one job at a time.
    turns: jobs::Turns,
    /// What was read of the members lately, for many jobs at once.
    roster: tokio::sync::Mutex<Option<roster::Roster>>,
    /// Who finds out what others have left of the quota.
    probe: probe::Probe,
}

impl Worker {
    /// A worker that calls `podio` with the account behind `tokens`.
    pub fn new(ports: Ports, policy: Policy, podio: Podio, tokens: Tokens) -> Self {
        Self {
            ports,
            policy,
            podio,
            tokens,
            quota: Mutex::default(),
            turns: jobs::Turns::default(),
            roster: tokio::sync::Mutex::default(),
            probe: probe::Probe::default(),
        }
    }

    fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    fn ledger(&self) -> Ledger<'_> {
        Ledger {
            offboardings: &*self.ports.changes,
            outlets: Outlets {
                offboardings: &*self.ports.offboardings,
                removals: &*self.ports.removals,
                jobs: &*self.ports.jobs,
            },
            sealer: Some(Sealer {
                evidence: &*self.ports.evidence,
                key: &self.policy.evidence_key,
                retention: self.policy.evidence_retention,
            }),
        }
    }

    /// Two bytes of randomness, for spreading retries.
    fn jitter(&self) -> u16 {
        let [first, second, ..] = self.ports.random.bytes();
        u16::from_be_bytes([first, second])
    }
}
