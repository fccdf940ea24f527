//! The engine: the only function that holds a Podio credential, so that every call passes one quota.
//!
//! A batch of up to ten messages runs side by side. Each is an order to make the next calls of one job, whose moments were
//! reserved when it was dispatched; what the job cannot do within them waits in the work table. Nothing a job does can fail
//! its neighbours, not even a panic.

pub mod batch;
mod halt;
mod jobs;
mod registry;
mod session;
pub mod settings;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, tz::Offset};
use podio_client::Podio;
use podio_engine::{
    Dispatcher,
    ports::{QuotaRecord, SendMessages, WorkTable},
    quota::Ceiling,
};
use podio_lifecycle::{
    evidence::SigningKey,
    ids::{AppId, OrgId},
    ledger::{Ledger, Sealer},
    people::AuditSchedule,
    ports::{
        AcceptOffboardings, Audits, CarryOnAudits, Clock, Deliveries, FindRemoved, KeepEvidence, LearnCapabilities,
        LeaverItems, Metrics, PublishEvents, Random, ReadCalls, ReadMembers, ReadOffboardings, ReadPause, RecordCalls,
        SpaceRemovals, TakeTurns, WriteMembers, WriteOffboardings,
    },
};

pub use jobs::{FIRST_PATIENCE, Registration};
pub use podio_engine::Message;
use session::{Access, Offers};
pub use session::{Account, Tokens};

/// Everything that the worker reaches, each by its narrowest door.
#[derive(Clone)]
pub struct Ports {
    /// To read offboardings and space removals.
    pub offboardings: Arc<dyn ReadOffboardings>,
    /// To change offboardings.
    pub changes: Arc<dyn WriteOffboardings>,
    /// To settle spaces.
    pub removals: Arc<dyn SpaceRemovals>,
    /// To leave the organization one after the other.
    pub turns: Arc<dyn TakeTurns>,
    /// To deal with deliveries of hooks.
    pub deliveries: Arc<dyn Deliveries>,
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
    /// To begin and read audits.
    pub audits: Arc<dyn Audits>,
    /// To carry them on.
    pub auditing: Arc<dyn CarryOnAudits>,
    /// To read members.
    pub members: Arc<dyn ReadMembers>,
    /// To write them down.
    pub member_changes: Arc<dyn WriteMembers>,
    /// To seal the evidence.
    pub evidence: Arc<dyn KeepEvidence>,
    /// The quota.
    pub quota: Arc<dyn QuotaRecord>,
    /// The jobs that wait.
    pub work: Arc<dyn WorkTable>,
    /// Whether nothing may be removed at present.
    pub pause: Arc<dyn ReadPause>,
    /// What Podio offers.
    pub capabilities: Arc<dyn LearnCapabilities>,
    /// To send orders.
    pub queue: Arc<dyn SendMessages>,
    /// To count what operators watch.
    pub metrics: Arc<dyn Metrics>,
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
    /// So long after its last moment an attempt that nobody has told of counts as lost.
    pub patience: SignedDuration,
    /// Leavers in an hour before the rest are held.
    pub mass_threshold: usize,
    /// The same in percent of the members, where an audit knows them. The lower of the two counts.
    pub mass_share: usize,
    /// Whether somebody whom nobody ever knew is held, rather than completed as unknown.
    pub hold_unknown: bool,
    /// Signs evidence.
    pub evidence_key: SigningKey,
    /// How long evidence is kept; for good, if nothing is said.
    pub evidence_retention: Option<SignedDuration>,
    /// The organizations in which the acting account has to be an admin.
    pub organizations: Vec<OrgId>,
    /// The hooks that should be there, if any, and where ours deliver. Without it no verification is answered.
    pub registration: Option<Registration>,
    /// What follows from Podio's hooks.
    pub hooks: HookPolicy,
    /// How often each of the organizations is audited.
    pub audit_schedule: AuditSchedule,
    /// How long a member may be unseen before they are stale.
    pub stale_after: SignedDuration,
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

/// The worker: what a job is given, and the way to Podio, which a job has from its session alone.
pub struct Worker {
    context: Context,
    access: Access,
}

/// What every job is given beside its session.
pub(crate) struct Context {
    ports: Ports,
    policy: Policy,
    dispatcher: Arc<Dispatcher>,
    offers: Offers,
    /// Spaces of one leaver settle one after the other in this process: side by side their transactions would only get in
    /// each other's way.
    settling: tokio::sync::Mutex<()>,
}

impl Worker {
    /// A worker that calls `podio` with the account behind `tokens`.
    pub fn new(ports: Ports, policy: Policy, podio: Podio, tokens: Tokens) -> Self {
        let dispatcher = Arc::new(Dispatcher {
            quota: ports.quota.clone(),
            work: ports.work.clone(),
            pause: ports.pause.clone(),
            queue: ports.queue.clone(),
            clock: ports.clock.clone(),
            random: ports.random.clone(),
            configured: policy.ceiling,
            patience: policy.patience,
            known: Arc::default(),
        });
        let access = Access::new(podio, tokens, dispatcher.clone(), &ports);
        let offers = Offers::new(&ports);
        let context = Context { ports, policy, dispatcher, offers, settling: tokio::sync::Mutex::default() };
        Self { context, access }
    }
}

impl Context {
    fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    fn ledger(&self) -> Ledger<'_> {
        Ledger {
            read: &*self.ports.offboardings,
            write: &*self.ports.changes,
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
