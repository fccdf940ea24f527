//! The function, with a table and a queue that a test can look into and take away.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hooks::{Ports, Settings, handle};
use jiff::{SignedDuration, Timestamp};
use lambda_http::{Body, Request, Response, http};
use podio_aws::{
    queue::{
        MemoryJobs,
        twin::{Receive, Settings as QueueSettings, Sqs},
    },
    twin::MemoryStore,
};
use podio_engine::{Message, ports::WorkTable};
use podio_lifecycle::{
    hooks::{Delivery, Interest},
    ids::AppId,
    ports::{Clock, Metric, Metrics, Random},
    work::JobId,
};
use podio_signatures::hook_key;

const QUEUE: &str = "jobs";
pub const DEAD: &str = "dead";
/// The app whose items are leavers.
pub const LEAVERS_APP: u64 = 55;

pub struct World {
    pub store: Arc<MemoryStore>,
    pub jobs: Arc<MemoryJobs>,
    pub clock: Arc<StoppedClock>,
    pub settings: Settings,
    pub sqs: Arc<Mutex<Sqs>>,
    pub ports: Ports,
}

/// Shows what it is told to.
pub struct StoppedClock(Mutex<Timestamp>);

impl StoppedClock {
    pub fn advance(&self, duration: SignedDuration) {
        *self.0.lock().unwrap() += duration;
    }
}

#[async_trait]
impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: SignedDuration) {
        self.advance(duration);
    }
}

/// No test here looks at what is counted.
pub struct Unwatched;

impl Metrics for Unwatched {
    fn add(&self, _: Metric, _: u64) {}
}

/// Always the same.
pub struct Certain;

impl Random for Certain {
    fn bytes(&self) -> [u8; 10] {
        [7; 10]
    }
}

impl World {
    /// Nobody is interested in more than the service itself.
    pub fn new() -> Self {
        Self::with(Interest::default())
    }

    /// Events are published, and items of one app are leavers.
    pub fn with_a_bus() -> Self {
        Self::with(Interest { bus: true, leavers_app: Some(AppId(LEAVERS_APP)) })
    }

    pub fn with(interest: Interest) -> Self {
        let clock = Arc::new(StoppedClock(Mutex::new("2026-12-01T08:00:00Z".parse().unwrap())));
        let mut sqs = Sqs::new(1);
        sqs.create_queue(QUEUE, QueueSettings::default()).unwrap();
        sqs.create_queue(DEAD, QueueSettings::default()).unwrap();
        let sqs = Arc::new(Mutex::new(sqs));
        let store = Arc::new(MemoryStore::new());
        let jobs = Arc::new(MemoryJobs::new(sqs.clone(), QUEUE, clock.clone()));
        let ports = Ports { accept: store.clone(), wake: jobs.clone(), clock: clock.clone() };
        let settings = Settings { hook_secret: "hook-secret-for-tests".into(), interest };
        Self { store, jobs, clock, settings, sqs, ports }
    }

    /// The address of an object's hooks.
    pub fn address(&self, ref_type: &str, ref_id: u64) -> String {
        let key = hook_key::make(&self.settings.hook_secret, ref_type, &ref_id.to_string());
        format!("/hooks/podio/{ref_type}/{ref_id}/{key}")
    }

    pub async fn send(&self, method: &str, path: &str, body: &[u8]) -> Response<Body> {
        let request = http::Request::builder().method(method).uri(path).body(Body::from(body.to_vec())).unwrap();
        self.answer(request).await
    }

    pub async fn answer(&self, request: Request) -> Response<Body> {
        handle(&self.ports, &self.settings, &request).await
    }

    /// Delivers to the hooks of a space; the status.
    pub async fn deliver(&self, body: &str) -> u16 {
        self.send("POST", &self.address("space", 5), body.as_bytes()).await.status().as_u16()
    }

    /// The only delivery that is stored.
    pub fn stored(&self) -> Delivery {
        let mut all: Vec<Delivery> = self.store.deliveries().into_values().collect();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    /// The jobs that wait in the work table.
    pub async fn waiting(&self) -> Vec<JobId> {
        let far = self.clock.now() + SignedDuration::from_hours(24);
        self.store.ready(far, None, 100_000).await.unwrap().into_iter().map(|waiting| waiting.job).collect()
    }

    /// Takes all messages off the queue.
    pub fn take_messages(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            let received = self.sqs.lock().unwrap().receive(QUEUE, &Receive::up_to(10), self.clock.now()).unwrap();
            if received.is_empty() {
                return messages;
            }
            for message in received {
                messages.push(Message::decode(&message.body).unwrap());
                self.sqs.lock().unwrap().delete(QUEUE, &message.receipt_handle, self.clock.now()).unwrap();
            }
        }
    }
}
