//! A world to test in: storage and queue in memory, a clock that stands still until told.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use api::{Ports, Settings, handle};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use lambda_http::{
    Body, Request,
    http::{self, HeaderMap, request::Builder},
};
use podio_aws::twin::MemoryStore;
use podio_engine::quota::Ceiling;
use podio_lifecycle::{
    evidence::{Journal, SigningKey},
    ids::{OffboardingId, OrgId, SpaceId, UserId},
    ledger::{Ledger, Sealer},
    offboarding::{Event, Leaver, NewPlan, Offboarding, PersonClaim, PersonName},
    ports::{
        Clock, Metric, Metrics, QueueError, Random, ReadOffboardings, SpaceRemovals, WakeWorker, WriteOffboardings,
    },
    removal::{RemovalState, SpaceKey, SpaceRemoval},
    work::Priority,
};
use podio_signatures::{
    bearer::Tokens,
    senders::Directory,
    standard_webhooks::{Secret, Senders, sign},
};
use serde_json::{Value, json};

pub const TOKEN: &str = "a-token-for-tests-0123456789";
/// Tokens of other callers, each with its role.
pub const VIEWER: &str = "viewers-token-0123456789abc";
pub const REQUESTER: &str = "requesters-token-0123456789";
pub const OTHER_REQUESTER: &str = "other-requesters-token-012345";
pub const APPROVER: &str = "approvers-token-0123456789ab";
/// The secret of the sender `payroll`; the one below is of the sender `default`.
pub const PAYROLL_SECRET: &str = "whsec_bmV3IHNlY3JldCBvZiB0d2VudHkgZm91ciBieXRlcw==";
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const START: &str = "2026-03-01T12:00:00Z";

pub struct World {
    pub store: Arc<MemoryStore>,
    pub wakes: Arc<Wakes>,
    pub clock: Arc<Stopped>,
    pub ports: Ports,
    pub settings: Settings,
    pub counted: Arc<Counted>,
}

/// An answer, read.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl World {
    pub fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let wakes = Arc::new(Wakes::default());
        let clock = Arc::new(Stopped(Mutex::new(START.parse().unwrap())));
        let counted = Arc::new(Counted::default());
        let ports = Ports {
            accept: store.clone(),
            read: store.clone(),
            write: store.clone(),
            calls: store.clone(),
            evidence: store.clone(),
            quota: store.clone(),
            work: store.clone(),
            pause: store.clone(),
            audits: store.clone(),
            members: store.clone(),
            rosters: store.clone(),
            wake: wakes.clone(),
            clock: clock.clone(),
            random: Arc::new(Counting::default()),
            metrics: counted.clone(),
        };
        let settings = Settings {
            organizations: vec![OrgId(678), OrgId(9)],
            senders: Senders::parse([SECRET, &format!("payroll:{PAYROLL_SECRET}")]).unwrap(),
            api_tokens: Tokens::parse([
                TOKEN,
                &format!("audit:viewer:{VIEWER}"),
                &format!("hr:requester:{REQUESTER}"),
                &format!("it:requester:{OTHER_REQUESTER}"),
                &format!("boss:approver:{APPROVER}"),
            ])
            .unwrap(),
            directory: Directory::default(),
            two_person_approval: false,
            ceiling: Ceiling::new(10, SignedDuration::from_secs(100)).unwrap(),
        };
        Self { store, wakes, clock, ports, settings, counted }
    }

    pub async fn send(&self, request: Request) -> Reply {
        let answer = handle(&self.ports, &self.settings, request).await;
        let (parts, body) = answer.into_parts();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(parts.headers["cache-control"], "no-store");
        assert_eq!(parts.headers["x-content-type-options"], "nosniff");
        Reply { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// With a token.
    pub async fn call(&self, method: &str, path: &str, body: &str) -> Reply {
        self.send(bearer(method, path).body(Body::from(body)).unwrap()).await
    }

    /// With another token than the admin's.
    pub async fn call_as(&self, token: &str, method: &str, path: &str, body: &str) -> Reply {
        let request =
            http::Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// A leaver that was posted with that token.
    pub async fn accepted_as(&self, token: &str, body: &Value) -> OffboardingId {
        let reply = self.call_as(token, "POST", "/offboardings", &body.to_string()).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        reply.json()["id"].as_str().unwrap().parse().unwrap()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, "").await
    }

    /// A leaver, signed.
    pub async fn post_signed(&self, webhook_id: &str, body: &str) -> Reply {
        self.send(self.signed(webhook_id, self.clock.now(), body).body(Body::from(body)).unwrap()).await
    }

    /// The headers of a signed leaver.
    pub fn signed(&self, webhook_id: &str, sent_at: Timestamp, body: &str) -> Builder {
        self.signed_with(SECRET, webhook_id, sent_at, body)
    }

    /// The same with another sender's secret.
    pub fn signed_with(&self, secret: &str, webhook_id: &str, sent_at: Timestamp, body: &str) -> Builder {
        let secret: Secret = secret.parse().unwrap();
        http::Request::post("/offboardings")
            .header("webhook-id", webhook_id)
            .header("webhook-timestamp", sent_at.as_second().to_string())
            .header("webhook-signature", sign(&secret, webhook_id, sent_at, body.as_bytes()))
    }

    /// A leaver that was accepted.
    pub async fn accepted(&self, body: Value) -> OffboardingId {
        let reply = self.call("POST", "/offboardings", &body.to_string()).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        reply.json()["id"].as_str().unwrap().parse().unwrap()
    }

    pub async fn load(&self, id: &OffboardingId) -> Offboarding {
        self.store.load(id).await.unwrap().unwrap()
    }

    /// Something happens in the worker.
    pub async fn happen(&self, id: &OffboardingId, event: Event) -> Offboarding {
        let before = self.load(id).await;
        let change = before.apply(event, self.clock.now()).unwrap();
        self.store.save(before.revision, &change.offboarding, change.person, None).await.unwrap();
        self.load(id).await
    }

    /// The key that the worker signs with.
    pub fn key() -> SigningKey {
        SigningKey::from_seed(&[7; 32]).unwrap()
    }

    /// What the worker records calls with.
    pub fn journal(&self) -> Journal {
        Journal::new(self.store.clone(), Self::key(), None)
    }

    /// What the worker changes and seals offboardings with.
    pub fn ledger<'a>(&'a self, key: &'a SigningKey) -> Ledger<'a> {
        Ledger {
            read: &*self.store,
            write: &*self.store,
            sealer: Some(Sealer { evidence: &*self.store, key, retention: None }),
        }
    }

    /// The worker has made a plan with so many spaces and these reasons to hold.
    pub async fn planned(&self, id: &OffboardingId, spaces: u64, reasons: Vec<podio_lifecycle::hold::Reason>) {
        let begun = self.happen(id, Event::PlanningBegun).await;
        let now = self.clock.now();
        let removals: Vec<_> = (1..=spaces)
            .map(|n| {
                let key = key_of(&begun, SpaceId(n));
                let removal = SpaceRemoval::new(key, Some(format!("Space {n}")), RemovalState::Pending);
                // Nothing waits for an offboarding that is held.
                if reasons.is_empty() { removal.waiting_since(now, Priority::Removal, begun.place) } else { removal }
            })
            .collect();
        self.store.save_spaces(&removals).await.unwrap();
        let leaver = Leaver {
            user_id: UserId(12345),
            email: Some("jane@example.com".parse().unwrap()),
            name: Some(PersonName("Jane <Doe>".into())),
        };
        let spaces = u32::try_from(spaces).unwrap();
        let plan = NewPlan { leaver, spaces, previewed: false, reasons, place: begun.place };
        self.happen(id, Event::Planned(plan)).await;
    }

    /// The worker has settled a space of the plan.
    pub async fn settle(&self, id: &OffboardingId, space: SpaceId, state: RemovalState) {
        let (before, now) = (self.load(id).await, self.clock.now());
        let pending = self.store.space(&key_of(&before, space)).await.unwrap().unwrap();
        let change = before.apply(Event::SpaceSettled(state), now).unwrap();
        let settled = pending.settled(state, now);
        self.store.save(before.revision, &change.offboarding, change.person, Some(&settled)).await.unwrap();
    }

    /// Rewrites a stored offboarding behind everybody's back.
    pub async fn rewrite(&self, id: &OffboardingId, person: PersonClaim, change: impl FnOnce(&mut Offboarding)) {
        let mut offboarding = self.load(id).await;
        let revision = offboarding.revision;
        change(&mut offboarding);
        self.store.save(revision, &offboarding, person, None).await.unwrap();
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// Checks that it is a problem as RFC 9457 wants it.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {problem}");
        }
        problem
    }

    /// The pointers, or names of parameters, that a problem names.
    #[track_caller]
    pub fn errors(&self, status: u16, member: &str) -> Vec<String> {
        let problem = self.problem(status);
        let errors = problem["errors"].as_array().unwrap();
        errors.iter().map(|error| error[member].as_str().unwrap().to_owned()).collect()
    }
}

pub fn bearer(method: &str, path: &str) -> Builder {
    http::Request::builder().method(method).uri(path).header("authorization", format!("Bearer {TOKEN}"))
}

pub fn jane() -> Value {
    json!({"user": {"email": "jane@example.com"}})
}

/// A queue that counts how often the worker was woken, and can be down.
#[derive(Default)]
pub struct Wakes {
    woken: AtomicUsize,
    pub down: AtomicBool,
}

impl Wakes {
    /// How often since the last look.
    pub fn take(&self) -> usize {
        self.woken.swap(0, Ordering::SeqCst)
    }
}

#[async_trait]
impl WakeWorker for Wakes {
    async fn wake(&self) -> Result<(), QueueError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(QueueError("down".into()));
        }
        self.woken.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

pub struct Stopped(Mutex<Timestamp>);

impl Stopped {
    pub fn advance(&self, seconds: i64) {
        *self.0.lock().unwrap() += SignedDuration::from_secs(seconds);
    }
}

#[async_trait]
impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: SignedDuration) {
        *self.0.lock().unwrap() += duration;
    }
}

/// The name of the removal from a space of the plan.
pub fn key_of(offboarding: &Offboarding, space: SpaceId) -> SpaceKey {
    SpaceKey { offboarding: offboarding.id.clone(), plan: offboarding.state.plan_number().unwrap(), space }
}

/// What was counted.
#[derive(Default)]
pub struct Counted(Mutex<HashMap<Metric, u64>>);

impl Counted {
    pub fn of(&self, metric: Metric) -> u64 {
        self.0.lock().unwrap().get(&metric).copied().unwrap_or(0)
    }
}

impl Metrics for Counted {
    fn add(&self, metric: Metric, count: u64) {
        *self.0.lock().unwrap().entry(metric).or_default() += count;
    }
}

/// Numbers that differ.
#[derive(Default)]
struct Counting(AtomicU64);

impl Random for Counting {
    fn bytes(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        bytes
    }
}
