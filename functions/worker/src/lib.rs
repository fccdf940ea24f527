//! The engine: the only function that holds a Podio credential, so that every call passes one quota.
//!
//! A batch of up to ten messages is read together: their offboardings are loaded once, their slots are reserved in one
//! conditional write, then the jobs run side by side. A job whose slot lies ahead is parked: its slot is written down and
//! its message sleeps in the queue until then. Nothing a job does can fail its neighbours, not even a panic.

pub mod batch;
mod caller;
mod jobs;
mod message;
mod reserve;
pub mod settings;

mod tokens;
mod verdict;

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use podio_client::Podio;
use podio_lifecycle::{
    effects::Outlets,
    ledger::{Ledger, Sealer},
    ports::{
        Clock, Deliveries, LearnCapabilities, Metrics, ParkMessages, PublishEvents, QuotaLog, Random, ReadCalls,
        ReadOffboardings, RecordCalls, SendJobs, ShareRemovals, TrackRemovals, WriteOffboardings,
    },
    quota::{Ceiling, Quota},
};
use secrecy::{ExposeSecret, SecretString};

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
    /// To leave a space together with others.
    pub sharing: Arc<dyn ShareRemovals>,
    /// To deal with deliveries of hooks.
    pub deliveries: Arc<dyn Deliveries>,
    /// To tell others of them, where there is a bus.
    pub events: Option<Arc<dyn PublishEvents>>,
    /// To record calls.
    pub record: Arc<dyn RecordCalls>,
    /// To read them back when the evidence is sealed.
    pub calls: Arc<dyn ReadCalls>,
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
    pub evidence_key: SecretString,
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
}

impl Worker {
    /// A worker that calls `podio` with the account behind `tokens`.
    pub fn new(ports: Ports, policy: Policy, podio: Podio, tokens: Tokens) -> Self {
        Self { ports, policy, podio, tokens, quota: Mutex::default(), turns: jobs::Turns::default() }
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
                calls: &*self.ports.calls,
                key: self.policy.evidence_key.expose_secret().as_bytes(),
            }),
        }
    }

    /// Two bytes of randomness, for spreading retries.
    fn jitter(&self) -> u16 {
        let [first, second, ..] = self.ports.random.bytes();
        u16::from_be_bytes([first, second])
    }
}
