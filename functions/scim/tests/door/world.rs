//! The function, with a table and a queue in memory, and a clock that moves when told.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use lambda_http::{
    Body, Request,
    http::{self, HeaderMap},
};
use podio_aws::twin::MemoryStore;
use podio_lifecycle::{
    ids::{OffboardingId, OrgId, UserId},
    offboarding::{Event, Filter, Leaver, NewPlan, Offboarding, Person},
    ports::{Clock, Metric, Metrics, QueueError, Random, ReadOffboardings, ScimUsers, WakeWorker, WriteOffboardings},
    scim::ScimUser,
};
use podio_signatures::bearer::Tokens;
use scim::{Ports, Settings, handle};
use serde_json::{Value, json};

pub const TOKEN: &str = "a-token-of-okta-0123456789";
pub const OTHER_TOKEN: &str = "a-token-of-entra-012345678";
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

pub struct World {
    pub store: Arc<MemoryStore>,
    pub queue: Arc<Queue>,
    pub clock: Arc<Stopped>,
    pub counted: Arc<Counted>,
    pub ports: Ports,
    pub settings: Settings,
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
        let queue = Arc::new(Queue::default());
        let clock = Arc::new(Stopped(Mutex::new("2026-12-01T08:00:00Z".parse().unwrap())));
        let counted = Arc::new(Counted::default());
        let ports = Ports {
            users: store.clone(),
            accept: store.clone(),
            read: store.clone(),
            write: store.clone(),
            wake: queue.clone(),
            clock: clock.clone(),
            random: Arc::new(Counting::default()),
            metrics: counted.clone(),
        };
        let tokens = Tokens::parse_named([format!("okta:{TOKEN}").as_str(), &format!("entra:{OTHER_TOKEN}")]).unwrap();
        let settings = Settings { tokens: Some(tokens), organization: OrgId(678) };
        Self { store, queue, clock, counted, ports, settings }
    }

    pub async fn send(&self, request: Request) -> Reply {
        self.clock.advance(1);
        let answer = handle(&self.ports, &self.settings, request).await;
        let (parts, body) = answer.into_parts();
        let reply = Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        };
        if reply.status == 204 {
            assert_eq!(reply.text, "");
        } else {
            assert_eq!(reply.headers["content-type"], "application/scim+json");
        }
        assert_eq!(reply.headers["cache-control"], "no-store");
        reply
    }

    pub async fn call_as(&self, token: &str, method: &str, path: &str, body: &str) -> Reply {
        let uri = format!("https://hr.example.com/scim/v2{path}");
        let request =
            http::Request::builder().method(method).uri(uri).header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub async fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.call_as(TOKEN, method, path, &body.to_string()).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call_as(TOKEN, "GET", path, "").await
    }

    pub async fn delete(&self, id: &str) -> Reply {
        self.call_as(TOKEN, "DELETE", &format!("/Users/{id}"), "").await
    }

    /// Changes a user by these operations.
    pub async fn patch(&self, id: &str, operations: Value) -> Reply {
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
        self.call("PATCH", &format!("/Users/{id}"), &body).await
    }

    /// A user who was created; its id.
    pub async fn created(&self, body: &Value) -> String {
        let reply = self.call("POST", "/Users", body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    /// The users that a filter finds.
    pub async fn found(&self, filter: &str) -> Vec<Value> {
        let query = serde_urlencoded::to_string([("filter", filter)]).unwrap();
        let reply = self.get(&format!("/Users?{query}")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let list = reply.json();
        let users = list["Resources"].as_array().unwrap().clone();
        assert_eq!(list["totalResults"], users.len());
        users
    }

    pub async fn user(&self, id: &str) -> ScimUser {
        self.store.scim_user(&id.parse().unwrap()).await.unwrap().unwrap()
    }

    /// Every offboarding that there is, newest first.
    pub async fn offboardings(&self) -> Vec<Offboarding> {
        self.store.list(&Filter::default(), 100, None).await.unwrap().offboardings
    }

    /// The only offboarding that there is.
    pub async fn only_offboarding(&self) -> Offboarding {
        let mut all = self.offboardings().await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// Something happens in the worker.
    pub async fn happen(&self, id: &OffboardingId, event: Event) -> Offboarding {
        let before = self.store.load(id).await.unwrap().unwrap();
        let change = before.apply(event, self.clock.now()).unwrap();
        self.store.save(before.revision, &change.offboarding, change.person, None).await.unwrap();
        self.store.load(id).await.unwrap().unwrap()
    }

    /// The worker has planned the removal of a member who is in no space.
    pub async fn planned(&self, id: &OffboardingId) -> Offboarding {
        let begun = self.happen(id, Event::PlanningBegun).await;
        let leaver = Leaver { user_id: UserId(12_345), email: None, name: None };
        let plan = NewPlan { leaver, spaces: 0, previewed: false, reasons: vec![], place: begun.place };
        self.happen(id, Event::Planned(plan)).await
    }

    /// The worker has removed somebody, and proved it.
    pub async fn removed(&self, id: &OffboardingId) {
        self.planned(id).await;
        self.happen(id, Event::OrgRemovalClaimed).await;
        self.happen(id, Event::OrgRemovalDone).await;
        self.clock.advance(60);
        self.happen(id, Event::VerifiedGone { asked_at: self.clock.now() }).await;
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// Checks that it is an error as SCIM wants it; its `scimType`.
    #[track_caller]
    pub fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let error = self.json();
        assert_eq!(error["schemas"], json!([ERROR]));
        assert_eq!(error["status"], status.to_string(), "a text");
        assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{error}");
        error["scimType"].as_str().unwrap_or_default().to_owned()
    }

    /// Checks that it shows a user who is inactive.
    #[track_caller]
    pub fn shows_inactive(&self) {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.json()["active"], false);
    }
}

/// A user as Okta provisions one.
pub fn jane() -> Value {
    json!({
        "schemas": [USER], "userName": "jane.doe@example.com", "name": {"givenName": "Jane", "familyName": "Doe"},
        "emails": [{"primary": true, "value": "jane@example.com", "type": "work"}], "displayName": "Jane Doe",
        "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7", "groups": [], "password": "1mz050nq", "active": true,
    })
}

pub fn mail(address: &str) -> Person {
    Person::Email(address.parse().unwrap())
}

/// A queue that counts how often the worker was woken, and can be down.
#[derive(Default)]
pub struct Queue {
    woken: AtomicUsize,
    pub down: AtomicBool,
}

impl Queue {
    /// How often since the last look.
    pub fn take(&self) -> usize {
        self.woken.swap(0, Ordering::SeqCst)
    }
}

#[async_trait]
impl WakeWorker for Queue {
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
