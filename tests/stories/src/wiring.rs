//! How a worker is put together.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use jiff::SignedDuration;
use podio_aws::{
    queue::MemoryJobs,
    twin::{MemoryCredentials, MemoryEvents, MemoryStore},
};
use podio_client::{
    ClientSecret, Password, Podio, RefreshToken, Timeouts,
    oauth::{ClientCredentials, Grant},
};
use podio_engine::quota::Ceiling;
use podio_lifecycle::{
    evidence::{Journal, SigningKey},
    people::AuditSchedule,
    ports::{Clock, Metric, Metrics, PublishEvents},
};
use podio_sandbox::config;
use worker::{HookPolicy, Policy, Ports, Registration, Tokens, Worker};

use crate::clock::Counting;

/// The seed of the key that the stories sign evidence with.
const EVIDENCE_SEED: &[u8; 32] = b"evidence key of the stories, too";

/// What all workers share.
pub(crate) struct Wiring {
    pub store: Arc<MemoryStore>,
    pub credentials: Arc<MemoryCredentials>,
    pub jobs: Arc<MemoryJobs>,
    pub random: Arc<Counting>,
    pub ceiling: (u32, i64),
    pub mass_threshold: usize,
    pub hold_unknown: bool,
    pub timeouts: Timeouts,
    pub hooks: HookPolicy,
    pub metrics: Arc<Counted>,
    pub registration: Option<Registration>,
    pub audit_schedule: AuditSchedule,
    pub events: Option<Arc<MemoryEvents>>,
}

impl Wiring {
    /// The quota as it is configured.
    pub(crate) fn ceiling(&self) -> Ceiling {
        let (limit, seconds) = self.ceiling;
        Ceiling::new(limit, SignedDuration::from_secs(seconds)).unwrap()
    }

    /// A worker that has just started, on a machine with that clock, and calls the Podio at `url`.
    pub(crate) fn worker(&self, clock: Arc<dyn Clock>, url: &str) -> Worker {
        let client = Podio::with_timeouts(url, self.timeouts).unwrap();
        let tokens = Tokens::new(
            self.credentials.clone(),
            clock.clone(),
            client.clone(),
            ClientCredentials {
                client_id: config::CLIENT_ID.to_owned(),
                client_secret: ClientSecret::new(config::CLIENT_SECRET),
            },
            vec![
                Grant::Refresh(RefreshToken::new(config::REFRESH_TOKEN)),
                // A rotated refresh token whose answer is lost is lost for good; the password gets a new one.
                Grant::Password { username: config::USERNAME.to_owned(), password: Password::new(config::PASSWORD) },
            ],
            "stories".to_owned(),
        );
        let evidence_key = SigningKey::from_seed(EVIDENCE_SEED).unwrap();
        let ports = Ports {
            offboardings: self.store.clone(),
            changes: self.store.clone(),
            removals: self.store.clone(),
            turns: self.store.clone(),
            deliveries: self.store.clone(),
            events: self.events.clone().map(|bus| -> Arc<dyn PublishEvents> { bus }),
            removed: self.store.clone(),
            accept: self.store.clone(),
            leaver_items: self.store.clone(),
            record: Arc::new(Journal::new(self.store.clone(), evidence_key.clone(), None)),
            calls: self.store.clone(),
            audits: self.store.clone(),
            auditing: self.store.clone(),
            members: self.store.clone(),
            member_changes: self.store.clone(),
            evidence: self.store.clone(),
            pause: self.store.clone(),
            quota: self.store.clone(),
            work: self.store.clone(),
            capabilities: self.store.clone(),
            queue: self.jobs.clone(),
            metrics: self.metrics.clone(),
            clock,
            random: self.random.clone(),
        };
        let policy = Policy {
            ceiling: self.ceiling(),
            patience: podio_engine::quota::PATIENCE,
            mass_threshold: self.mass_threshold,
            mass_share: 10,
            hold_unknown: self.hold_unknown,
            evidence_key,
            evidence_retention: None,
            organizations: vec![podio_lifecycle::ids::OrgId(podio_sandbox::population::ORG_ID.0)],
            hooks: self.hooks.clone(),
            registration: self.registration.clone(),
            audit_schedule: self.audit_schedule,
            stale_after: SignedDuration::from_hours(24 * 90),
        };
        Worker::new(ports, policy, client, tokens)
    }
}

/// What was counted, for stories that look at it; most look at Podio's own log instead.
#[derive(Default)]
pub(crate) struct Counted(Mutex<HashMap<Metric, u64>>);

impl Counted {
    pub(crate) fn of(&self, metric: Metric) -> u64 {
        self.0.lock().unwrap().get(&metric).copied().unwrap_or(0)
    }
}

impl Metrics for Counted {
    fn add(&self, metric: Metric, count: u64) {
        *self.0.lock().unwrap().entry(metric).or_default() += count;
    }
}
