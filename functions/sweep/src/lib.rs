//! The clock's function: makes the whole forgiving.
//!
//! Each minute it dispatches what waits, so that nothing depends on a word that was lost; it sees to it that the jobs are
//! there that come back by themselves; and it counts what waits for a person. Everything it does may be done twice.

mod audits;
mod dead_letters;
mod waiting;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use podio_engine::{
    Dispatcher, Report,
    ports::{QuotaRecord, SendMessages, WorkTable},
    quota::Ceiling,
};
use podio_lifecycle::{
    ids::OrgId,
    people::AuditSchedule,
    ports::{Audits, Clock, DeadLetters, FindDue, Metrics, Random, ReadPause, StoreError},
    work::Waiting,
};
use serde::Serialize;

/// Everything that the sweep reaches. It cannot call Podio.
#[derive(Clone)]
pub struct Ports {
    /// To find what waits for a person.
    pub due: Arc<dyn FindDue>,
    /// To tell how long no audit has ended.
    pub audits: Arc<dyn Audits>,
    /// The quota.
    pub quota: Arc<dyn QuotaRecord>,
    /// The jobs that wait.
    pub work: Arc<dyn WorkTable>,
    /// Whether nothing may be removed at present.
    pub pause: Arc<dyn ReadPause>,
    /// To send orders.
    pub queue: Arc<dyn SendMessages>,
    /// To count what operators watch.
    pub metrics: Arc<dyn Metrics>,
    /// To read what crashed the worker.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// What one sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Orders that were sent.
    pub orders: usize,
    /// Dead letters whose jobs wait in the work table anyway.
    pub dead_letters: u32,
    /// Dead letters that nobody can read; they stay for a person.
    pub unreadable: u32,
    /// Offboardings that wait for a decision.
    pub held: u32,
    /// Offboardings that have failed and wait for a retry.
    pub failed: u32,
}

/// Items looked at in one round: one is enough for an alarm.
const ROUND: usize = 100;

/// The sweep.
#[derive(Clone)]
pub struct Sweep {
    ports: Ports,
    dispatcher: Dispatcher,
    /// Jobs that come back by themselves, as they wait first.
    standing: Vec<Waiting>,
    /// How often which organizations are audited.
    audited: (AuditSchedule, Vec<OrgId>),
}

impl Sweep {
    /// A sweep under that quota, for which an attempt counts as lost that was not heard of for so long.
    pub fn new(ports: Ports, configured: Ceiling, patience: SignedDuration) -> Self {
        let dispatcher = Dispatcher {
            quota: ports.quota.clone(),
            work: ports.work.clone(),
            pause: ports.pause.clone(),
            queue: ports.queue.clone(),
            clock: ports.clock.clone(),
            random: ports.random.clone(),
            configured,
            patience,
            known: Arc::default(),
        };
        Self { ports, dispatcher, standing: Vec::new(), audited: (AuditSchedule::NEVER, Vec::new()) }
    }

    /// The same, that sees to it that these jobs are there.
    pub fn with_standing(self, standing: Vec<Waiting>) -> Self {
        Self { standing, ..self }
    }

    /// The same, that sees to it that these organizations are audited.
    pub fn with_audits(mut self, schedule: AuditSchedule, organizations: Vec<OrgId>) -> Self {
        let now = self.now();
        self.standing.extend(organizations.iter().filter_map(|org| schedule.standing(*org, now)));
        Self { audited: (schedule, organizations), ..self }
    }

    /// Sweeps once.
    pub async fn run(&self) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        for job in &self.standing {
            self.ports.work.put(job).await?;
        }
        swept.orders = self.dispatcher.dispatch(&Report::default()).await?.orders;
        self.read_dead_letters(&mut swept).await;
        self.count_waiting(&mut swept).await?;
        self.count_audit_age().await?;
        tracing::info!(
            orders = swept.orders,
            dead_letters = swept.dead_letters,
            unreadable = swept.unreadable,
            held = swept.held,
            failed = swept.failed,
            "swept"
        );
        Ok(swept)
    }

    fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }
}
