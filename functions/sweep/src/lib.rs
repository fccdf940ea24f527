//! The clock's function: makes the whole forgiving.
//!
//! It starts what is due, sends again what a crash or a lost message left undone, and turns what ended in the
//! dead-letter queue into a failure that a person sees. Everything it does may be done twice.

mod dead_letters;
mod deliveries;
mod hooks;
mod start;
mod unsealed;
mod waiting;
mod watch;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    effects::Outlets,
    hooks::HookRef,
    ledger::Ledger,
    ports::{
        Clock, DeadLetters, Deliveries, FindDeliveries, FindDue, Metrics, ReadOffboardings, RememberLooks, SendJobs,
        StoreError, TrackRemovals, WriteOffboardings,
    },
};
use serde::Serialize;

/// Everything that the sweep reaches. It cannot call Podio.
#[derive(Clone)]
pub struct Ports {
    /// To find what is due.
    pub due: Arc<dyn FindDue>,
    /// To read offboardings.
    pub offboardings: Arc<dyn ReadOffboardings>,
    /// To change them.
    pub changes: Arc<dyn WriteOffboardings>,
    /// To look at batches.
    pub removals: Arc<dyn TrackRemovals>,
    /// To find deliveries whose jobs were lost.
    pub due_deliveries: Arc<dyn FindDeliveries>,
    /// To look at them, and to give them up.
    pub deliveries: Arc<dyn Deliveries>,
    /// To know when hooks were last looked at.
    pub kept: Arc<dyn RememberLooks>,
    /// To count what operators watch.
    pub metrics: Arc<dyn Metrics>,
    /// To send jobs.
    pub jobs: Arc<dyn SendJobs>,
    /// To read what crashed the worker.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What one sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Offboardings whose time has come.
    pub started: u32,
    /// Offboardings, batches and deliveries whose jobs were sent again.
    pub resent: u32,
    /// Objects whose hooks are to be looked at.
    pub hooks_looked_at: u32,
    /// Settled batches that a crash had left uncounted.
    pub counted: u32,
    /// Items that needed no more watching.
    pub retired: u32,
    /// Messages sent so that evidence is sealed.
    pub woken: u32,
    /// Dead letters turned into failures.
    pub dead_letters: u32,
    /// Dead letters that nobody can read; they stay for a person.
    pub unreadable: u32,
    /// Offboardings that have been held for more than a day.
    pub held_for_a_day: u32,
    /// Offboardings that have failed and wait for a retry.
    pub failed: u32,
    /// Items left for the next sweep, since storage or the queue failed.
    pub postponed: u32,
}

impl Swept {
    fn log(&self) {
        tracing::info!(
            started = self.started,
            resent = self.resent,
            hooks_looked_at = self.hooks_looked_at,
            counted = self.counted,
            retired = self.retired,
            dead_letters = self.dead_letters,
            unreadable = self.unreadable,
            held_for_a_day = self.held_for_a_day,
            failed = self.failed,
            postponed = self.postponed,
            "swept"
        );
    }
}

/// Items looked at in one round; a sweep goes on until a round brings nothing new.
const ROUND: usize = 100;

/// Rounds in one sweep, so that a sweep ends within its time.
const ROUNDS: usize = 20;

/// The sweep.
#[derive(Clone)]
pub struct Sweep {
    ports: Ports,
    /// How long after the expected moment something counts as lost: longer than a worker may be busy with it.
    patience: SignedDuration,
    /// What should have hooks.
    hooked: Vec<HookRef>,
}

impl Sweep {
    /// A sweep with that much patience.
    pub fn new(ports: Ports, patience: SignedDuration) -> Self {
        Self { ports, patience, hooked: Vec::new() }
    }

    /// The same, that has the hooks of these objects looked at.
    pub fn keeping_hooks(self, hooked: Vec<HookRef>) -> Self {
        Self { hooked, ..self }
    }

    /// Sweeps once.
    pub async fn run(&self) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        self.start_due(&mut swept).await?;
        self.watch(&mut swept).await?;
        self.resend_deliveries(&mut swept).await?;
        self.keep_hooks(&mut swept).await?;
        self.bury(&mut swept).await;
        self.wake_to_seal(&mut swept).await?;
        self.count_waiting(&mut swept).await?;
        swept.log();
        Ok(swept)
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
            sealer: None,
        }
    }
}
