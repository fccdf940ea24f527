//! How the four functions are put together: as deployed, but for what they reach.

use std::sync::{Arc, OnceLock};

use jiff::SignedDuration;
use podio_aws::{
    queue::{MemoryDeadLetters, MemoryJobs},
    twin::MemoryStore,
};
use podio_client::{ClientSecret, Podio, oauth::ClientCredentials};
use podio_engine::{
    ports::{QuotaRecord, WorkTable},
    quota::{Ceiling, PATIENCE},
};
use podio_lifecycle::{
    credentials::kept_alive,
    evidence::{Journal, SigningKey},
    hooks::{HookList, Interest, kept},
    ids::OrgId,
    ports::{Clock, Credentials, Metric, Metrics, ReadOffboardings, ReadPause, SpaceRemovals, WriteOffboardings},
};
use podio_sandbox::{config, population::ORG_ID};
use podio_signatures::bearer::Tokens as Bearers;
use sweep::Sweep;
use worker::{HookPolicy, Policy, Ports, Registration, Tokens, Worker};

use crate::{dice::Dice, podio::Road, scene::Scene};

/// The token of the admins.
pub const TOKEN: &str = "simulated-admins-token-0001";
/// The secret that the HR system signs with.
pub const SECRET: &str = "whsec_c2ltdWxhdGVkLWhyLXN5c3RlbXMtc2VjcmV0LTMyISE=";
/// The secret of the hooks' addresses.
pub const HOOK_SECRET: &str = "simulated hook secret";
/// Where the hooks deliver.
pub const BASE_URL: &str = "https://doors.example.com";
const EVIDENCE_SEED: &[u8; 32] = b"a simulated key of 32 bytes long";

/// What all functions share. The narrow doors are those through which bugs are planted.
pub struct Wiring {
    /// The state table.
    pub store: Arc<MemoryStore>,
    /// To read offboardings.
    pub offboardings: Arc<dyn ReadOffboardings>,
    /// To change them.
    pub changes: Arc<dyn WriteOffboardings>,
    /// To settle spaces.
    pub removals: Arc<dyn SpaceRemovals>,
    /// The quota.
    pub quota: Arc<dyn QuotaRecord>,
    /// The jobs that wait.
    pub work: Arc<dyn WorkTable>,
    /// Whether the functions that dispatch and remove see a pause.
    pub pause: Arc<dyn ReadPause>,
    /// The tokens.
    pub credentials: Arc<dyn Credentials>,
    /// The queue.
    pub jobs: Arc<MemoryJobs>,
    /// The dead letters.
    pub dead_letters: Arc<MemoryDeadLetters>,
    /// The way to Podio.
    pub road: Arc<Road>,
    /// Chance for ids and jitter.
    pub random: Arc<Dice>,
    /// What an operator decides of the quota.
    pub ceiling: Ceiling,
    /// The hooks that are wanted.
    pub hooks: Option<HookList>,
    /// How far ahead of the time the sweep is.
    pub sweep_ahead: SignedDuration,
    /// The scene.
    pub scene: Scene,
}

impl Wiring {
    /// A worker that has just started on a machine with that clock.
    pub fn worker(&self, clock: Arc<dyn Clock>) -> Worker {
        let client = client().carried_by(self.road.clone());
        let key = ClientCredentials {
            client_id: config::CLIENT_ID.to_owned(),
            client_secret: ClientSecret::new(config::CLIENT_SECRET),
        };
        let tokens = Tokens::new(
            self.credentials.clone(),
            clock.clone(),
            client.clone(),
            key,
            self.scene.grants(),
            "simulated".to_owned(),
        );
        let store = &self.store;
        #[expect(clippy::expect_used, reason = "every seed of 32 bytes is a key")]
        let evidence_key = SigningKey::from_seed(EVIDENCE_SEED).expect("a seed of 32 bytes");
        let ports = Ports {
            offboardings: self.offboardings.clone(),
            changes: self.changes.clone(),
            removals: self.removals.clone(),
            turns: store.clone(),
            deliveries: store.clone(),
            events: None,
            removed: store.clone(),
            accept: store.clone(),
            leaver_items: store.clone(),
            record: Arc::new(Journal::new(store.clone(), evidence_key.clone(), None)),
            pause: self.pause.clone(),
            calls: store.clone(),
            audits: store.clone(),
            auditing: store.clone(),
            members: store.clone(),
            member_changes: store.clone(),
            evidence: store.clone(),
            quota: self.quota.clone(),
            work: self.work.clone(),
            capabilities: store.clone(),
            queue: self.jobs.clone(),
            metrics: Arc::new(Nobody),
            clock,
            random: self.random.clone(),
        };
        let registration = self.hooks.clone().map(|hooks| Registration {
            hooks,
            base_url: BASE_URL.to_owned(),
            secret: HOOK_SECRET.into(),
        });
        let policy = Policy {
            ceiling: self.ceiling,
            patience: PATIENCE,
            mass_threshold: self.scene.mass_threshold,
            mass_share: 10,
            hold_unknown: false,
            evidence_key,
            evidence_retention: None,
            organizations: vec![OrgId(ORG_ID.0)],
            hooks: HookPolicy { org: Some(OrgId(ORG_ID.0)), remove_returned: false, leavers_app: None },
            registration,
            audit_schedule: self.scene.audits,
            stale_after: SignedDuration::from_hours(24 * 90),
        };
        Worker::new(ports, policy, client, tokens)
    }

    /// The sweep.
    pub fn sweep(&self, clock: Arc<dyn Clock>) -> Sweep {
        let store = &self.store;
        let ports = sweep::Ports {
            pause: self.pause.clone(),
            due: store.clone(),
            quota: self.quota.clone(),
            work: self.work.clone(),
            queue: self.jobs.clone(),
            audits: store.clone(),
            metrics: Arc::new(Nobody),
            dead_letters: self.dead_letters.clone(),
            clock: clock.clone(),
            random: self.random.clone(),
        };
        let now = clock.now();
        let hooks = self.hooks.iter().flat_map(HookList::all).map(|wanted| kept(&wanted.on, now));
        let standing = hooks.chain([kept_alive(now)]).collect();
        let sweep = Sweep::new(ports, self.ceiling, PATIENCE).with_standing(standing);
        sweep.with_audits(self.scene.audits, vec![OrgId(ORG_ID.0)])
    }

    /// The door for HR and admins.
    pub fn api(&self, clock: Arc<dyn Clock>) -> (api::Ports, api::Settings) {
        let store = &self.store;
        let ports = api::Ports {
            accept: store.clone(),
            read: self.offboardings.clone(),
            write: self.changes.clone(),
            pause: store.clone(),
            calls: store.clone(),
            evidence: store.clone(),
            quota: store.clone(),
            work: store.clone(),
            audits: store.clone(),
            members: store.clone(),
            rosters: store.clone(),
            wake: self.jobs.clone(),
            clock,
            random: self.random.clone(),
            metrics: Arc::new(Nobody),
        };
        let settings = api::Settings {
            organizations: vec![OrgId(ORG_ID.0)],
            senders: podio_signatures::standard_webhooks::Senders::parse([SECRET]).expect("a secret"),
            api_tokens: Bearers::parse([TOKEN]).expect("tokens"),
            directory: podio_signatures::senders::Directory::default(),
            two_person_approval: false,
            ceiling: self.ceiling,
        };
        (ports, settings)
    }

    /// The door for Podio.
    pub fn hooks(&self, clock: Arc<dyn Clock>) -> (hooks::Ports, hooks::Settings) {
        let ports = hooks::Ports { accept: self.store.clone(), wake: self.jobs.clone(), clock };
        let interest = Interest { bus: false, leavers_app: None };
        (ports, hooks::Settings { hook_secret: HOOK_SECRET.into(), interest })
    }
}

/// A client of no Podio in particular; it is costly to make and cheap to clone.
fn client() -> Podio {
    static CLIENT: OnceLock<Podio> = OnceLock::new();
    let make = || {
        // Somebody else in this process may have installed one.
        rustls::crypto::ring::default_provider().install_default().ok();
        Podio::new("http://127.0.0.1:9").expect("a client")
    };
    CLIENT.get_or_init(make).clone()
}

struct Nobody;

impl Metrics for Nobody {
    fn add(&self, _: Metric, _: u64) {}
}
