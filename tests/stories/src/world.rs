//! Everything there is, and time to pass in it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use podio_aws::{
    queue::{MemoryDeadLetters, MemoryJobs},
    twin::{MemoryCredentials, MemoryStore},
};
use podio_client::Timeouts;
use podio_engine::{Message, Order, order::Reserved, ports::SendMessages};
use podio_lifecycle::{
    accepting::{Acceptance, Answer},
    evidence::{Integrity, check::Stored},
    hold::Decision,
    hooks::{Delivery, DeliveryId, DeliveryState, EventType, Fields, HookList, HookRef, Interest},
    ids::{OffboardingId, OrgId, SpaceId, UserId},
    ledger::Ledger,
    offboarding::{Event, Offboarding, Person, Plan, Request, State},
    people::AuditSchedule,
    ports::{AcceptDeliveries, Clock, Deliveries, Metric, Random, ReadCalls, ReadOffboardings, WakeWorker},
    removal::{SpaceRemoval, Tally},
    work::{JobId, Waiting},
};
use podio_sandbox::{Call, Config, Running, Sandbox};
use sweep::Sweep;
use worker::{HookPolicy, Worker};

use crate::{
    clock::{Counting, VirtualClock},
    hooking::registration,
    queue::{DEAD, JOBS, Queues},
    wiring::{Counted, Wiring},
};

/// How a story begins.
pub struct Setup {
    /// Podio.
    pub podio: Config,
    /// What the product believes of the quota.
    pub ceiling: (u32, i64),
    /// Leavers in an hour before the rest are held.
    pub mass_threshold: usize,
}

/// A leaver as an HR system would post one.
#[derive(Clone)]
pub struct Leaver {
    /// What is asked for.
    pub request: Request,
    /// From which organization.
    pub org: OrgId,
}

impl Leaver {
    /// The account with that address leaves the sandbox's organization now.
    pub fn of(mail: &str) -> Self {
        Self::person(Person::Email(mail.parse().unwrap()))
    }

    /// The account with that id leaves the sandbox's organization now.
    pub fn user(user: u64) -> Self {
        Self::person(Person::User(UserId(user)))
    }

    fn person(person: Person) -> Self {
        let request = Request::new(person, podio_lifecycle::source::Source::Api { name: "hr".to_owned() });
        Self { request, org: OrgId(podio_sandbox::population::ORG_ID.0) }
    }
}

/// The product and its surroundings.
pub struct World {
    /// The time of everybody.
    pub clock: Arc<VirtualClock>,
    /// Podio.
    pub podio: Arc<Running>,
    /// The state table.
    pub store: Arc<MemoryStore>,
    /// The credentials table.
    pub credentials: Arc<MemoryCredentials>,
    /// The job queue as a function sees it.
    pub jobs: Arc<MemoryJobs>,
    pub(crate) queues: Queues,
    pub(crate) wiring: Wiring,
    pub(crate) worker: Arc<Worker>,
    pub(crate) sweep: Sweep,
    /// Randomness, the same in every run.
    pub random: Arc<dyn Random>,
    next_sweep: Timestamp,
}

impl World {
    /// A world in which nothing has happened yet.
    pub async fn new(setup: Setup) -> Self {
        Self::with_timeouts(setup, Timeouts::default()).await
    }

    /// The same with a patience of its own towards Podio, in real time.
    pub async fn with_timeouts(setup: Setup, timeouts: Timeouts) -> Self {
        // Another story of this process may have installed it already.
        rustls::crypto::ring::default_provider().install_default().ok();
        let clock = Arc::new(VirtualClock::new("2026-12-01T08:00:00Z".parse().unwrap()));
        let podio = Arc::new(Sandbox::start(Config { clock: clock.clone(), ..setup.podio }).await.unwrap());
        let store = Arc::new(MemoryStore::new());
        let credentials = Arc::new(MemoryCredentials::new());
        let queues = Queues::new();
        let jobs = Arc::new(MemoryJobs::new(queues.sqs.clone(), JOBS, clock.clone()));
        let random = Arc::new(Counting::default());
        let wiring = Wiring {
            store: store.clone(),
            credentials: credentials.clone(),
            jobs: jobs.clone(),
            random: random.clone(),
            ceiling: setup.ceiling,
            mass_threshold: setup.mass_threshold,
            hold_unknown: false,
            timeouts,
            hooks: HookPolicy::default(),
            metrics: Arc::new(Counted::default()),
            registration: Some(registration(HookList::default())),
            events: None,
            audit_schedule: AuditSchedule::NEVER,
        };
        let sweep_ports = sweep::Ports {
            due: store.clone(),
            pause: store.clone(),
            audits: store.clone(),
            quota: store.clone(),
            work: store.clone(),
            queue: jobs.clone(),
            metrics: wiring.metrics.clone(),
            dead_letters: Arc::new(MemoryDeadLetters::new(queues.sqs.clone(), DEAD, clock.clone())),
            clock: clock.clone(),
            random: random.clone(),
        };
        Self {
            worker: Arc::new(wiring.worker(clock.clone(), &podio.url())),
            sweep: Sweep::new(sweep_ports, wiring.ceiling(), podio_engine::quota::PATIENCE),
            next_sweep: clock.read(),
            clock,
            podio,
            store,
            credentials,
            jobs,
            queues,
            wiring,
            random,
        }
    }

    /// A worker that knows what has changed.
    pub(crate) fn renew_worker(&mut self) {
        self.worker = Arc::new(self.wiring.worker(self.clock.clone(), &self.podio.url()));
    }

    /// From now on the queue delivers each message twice, to two workers at once.
    pub fn deliver_everything_twice(&mut self) {
        self.queues.twice = true;
    }

    /// All messages are lost.
    pub fn lose_all_messages(&mut self) {
        let now = self.clock.now();
        self.queues.sqs.lock().unwrap().purge(JOBS, now).unwrap();
    }

    /// Puts a message into the queue that is no job.
    pub fn send_rubbish(&mut self, body: &str) {
        let message = podio_aws::queue::twin::NewMessage::new(body);
        self.queues.sqs.lock().unwrap().send(JOBS, message, self.clock.now()).unwrap();
    }

    /// Messages in the dead-letter queue.
    pub fn dead_letters(&self) -> usize {
        let counts = self.queues.sqs.lock().unwrap().counts(DEAD, self.clock.now()).unwrap();
        counts.visible + counts.in_flight
    }

    /// The most often that any message was received.
    pub fn most_receives(&self) -> u32 {
        self.queues.receives.values().copied().max().unwrap_or(0)
    }

    /// The longest that a worker was busy with one batch.
    pub fn longest_run(&self) -> SignedDuration {
        self.queues.longest
    }

    /// Accepts a leaver as the API does.
    pub async fn post(&self, leaver: &Leaver) -> OffboardingId {
        let now = self.clock.now();
        let id = OffboardingId::new(now, self.random.bytes());
        let acceptance = Acceptance { accept: &*self.store, offboardings: &*self.store, wake: Some(&*self.jobs) };
        match acceptance.take(id, leaver.org, &leaver.request, None, now).await.unwrap().answer {
            Answer::New(offboarding) | Answer::Merged(offboarding, _) | Answer::UnderWay(offboarding) => offboarding.id,
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// From now on the worker makes that of Podio's hooks.
    pub fn decide(&mut self, hooks: HookPolicy) {
        self.wiring.hooks = hooks;
        self.worker = Arc::new(self.wiring.worker(self.clock.clone(), &self.podio.url()));
    }

    /// How often something was counted.
    pub fn counted(&self, metric: Metric) -> u64 {
        self.wiring.metrics.of(metric)
    }

    /// Takes a delivery of Podio's as the door does.
    pub async fn deliver(&self, on: HookRef, fields: &[(&str, String)]) -> DeliveryId {
        let fields: Fields = fields.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
        let app = self.wiring.hooks.leavers_app.as_ref().map(|app| app.app);
        let interest = Interest { bus: false, leavers_app: app };
        let delivery = Delivery::read(on, &fields, self.clock.now(), interest).unwrap();
        self.store.accept(&delivery).await.unwrap();
        if delivery.event.kind == EventType::Verify {
            self.jobs.wake().await.unwrap();
        }
        delivery.id
    }

    /// Lets time pass until a delivery has ended.
    pub async fn until_it_is_dealt_with(&mut self, id: &DeliveryId) -> DeliveryState {
        self.pass(SignedDuration::from_hours(1), async |world: &Self| {
            let delivery = world.store.delivery(id).await.unwrap().expect("an accepted delivery");
            delivery.state.is_final().then_some(delivery.state)
        })
        .await
    }

    /// From now on the sweep sees to it that the credential is proved alive.
    pub fn keep_credential(&mut self) {
        let proof = podio_lifecycle::credentials::kept_alive(self.clock.now());
        self.sweep = self.sweep.clone().with_standing(vec![proof]);
    }

    /// From now on the organization is audited so often.
    pub fn audit_every(&mut self, schedule: &str) {
        self.wiring.audit_schedule = schedule.parse().unwrap();
        let org = OrgId(podio_sandbox::population::ORG_ID.0);
        self.sweep = self.sweep.clone().with_audits(self.wiring.audit_schedule, vec![org]);
        self.renew_worker();
    }

    /// Sends an order that nobody has reserved anything for, as a message that comes late.
    pub async fn order(&self, job: JobId) {
        let moments = vec![Reserved { at: self.clock.now(), limit: self.wiring.ceiling().key() }];
        self.jobs.send(&[(Message::Run(Order { job, moments }), SignedDuration::ZERO)]).await.unwrap();
    }

    /// The jobs that wait.
    pub fn waiting(&self) -> Vec<Waiting> {
        self.store.waiting()
    }

    /// What the door for HR and admins reaches.
    pub fn api(&self) -> api::Ports {
        let store = || self.store.clone();
        api::Ports {
            accept: store(),
            read: store(),
            write: store(),
            calls: store(),
            evidence: store(),
            pause: store(),
            quota: store(),
            work: store(),
            audits: store(),
            members: store(),
            rosters: store(),
            wake: self.jobs.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            metrics: self.wiring.metrics.clone(),
        }
    }

    /// Lets an operator do something.
    pub async fn operator(&self, id: &OffboardingId, event: Event) -> Offboarding {
        let ledger = Ledger { read: &*self.store, write: &*self.store, sealer: None };
        let offboarding = ledger.commit_anyhow(id, &event, self.clock.now()).await.unwrap();
        self.jobs.wake().await.unwrap();
        offboarding
    }

    /// The operator accepts every reason of the hold that stands.
    pub async fn approve(&self, id: &OffboardingId) -> Offboarding {
        let held = self.look(id).await;
        let State::Held { reasons, .. } = &held.state else { panic!("not held: {:?}", held.state) };
        let decision = Decision::on_all(held.hold_id().expect("a held offboarding has a hold"), reasons);
        self.operator(id, Event::Approved(decision)).await
    }

    /// The offboarding as it stands.
    pub async fn look(&self, id: &OffboardingId) -> Offboarding {
        self.store.load(id).await.unwrap().expect("an accepted offboarding")
    }

    /// Its spaces.
    pub async fn spaces(&self, id: &OffboardingId) -> Vec<SpaceRemoval> {
        match self.look(id).await.state.plan_number() {
            Some(plan) => self.store.spaces(id, plan).await.unwrap(),
            None => Vec::new(),
        }
    }

    /// What its evidence is worth.
    pub async fn integrity(&self, id: &OffboardingId) -> Integrity {
        let sealed = self.look(id).await.state.closing().map(|closing| closing.seal.clone());
        let stored = Stored::read(&*self.store, id, sealed.as_ref()).await.unwrap();
        stored.judge(id, sealed.as_ref(), self.clock.now())
    }

    /// The recorded calls.
    pub async fn recorded(&self, id: &OffboardingId) -> usize {
        self.store.calls(id).await.unwrap().len()
    }

    /// Lets time pass until the offboarding rests: completed, cancelled, failed or held. `within` is virtual time.
    pub async fn until_it_rests(&mut self, id: &OffboardingId, within: SignedDuration) -> Offboarding {
        self.pass(within, async |world: &Self| {
            let offboarding = world.look(id).await;
            (offboarding.state.stage().is_none() && offboarding.state.name() != "scheduled").then_some(offboarding)
        })
        .await
    }

    /// Lets time pass until `done` yields something.
    pub async fn pass<T>(&mut self, within: SignedDuration, done: impl AsyncFn(&Self) -> Option<T>) -> T {
        let deadline = self.clock.now() + within;
        loop {
            if let Some(result) = done(self).await {
                return result;
            }
            let now = self.clock.now();
            assert!(now < deadline, "nothing came of it within {within:#}");
            self.step().await;
        }
    }

    /// One batch of messages, or one sweep, or a jump to whichever comes first.
    pub async fn step(&mut self) {
        let now = self.clock.now();
        self.sweep_when_due().await;
        let worker = self.worker.clone();
        let clock = self.clock.clone();
        if !self.queues.pump(&worker, &clock).await {
            let next = self.queues.next_event(now).map_or(self.next_sweep, |next| next.min(self.next_sweep));
            self.clock.reach(next.max(now + SignedDuration::from_millis(1)));
        }
    }

    /// Sweeps once a minute; when the next sweep is due.
    pub(crate) async fn sweep_when_due(&mut self) -> Timestamp {
        let now = self.clock.now();
        if now >= self.next_sweep {
            self.next_sweep = now + SignedDuration::from_mins(1);
            // A sweep that storage failed is followed by the next.
            self.sweep.run().await.ok();
        }
        self.next_sweep
    }

    /// What the sandbox says of a person: the spaces that they are in.
    pub fn spaces_of(&self, user: UserId) -> Vec<SpaceId> {
        let (org, user) = (podio_sandbox::population::ORG_ID, podio_sandbox::UserId(user.0));
        self.podio
            .with_state(|state| state.spaces_of_member(org, user))
            .into_iter()
            .map(|space| SpaceId(space.0))
            .collect()
    }

    /// Podio's own log of the removals that took effect or were asked for, in order.
    pub fn deletes(&self) -> Vec<Call> {
        self.podio.log().into_iter().filter(|call| call.method == "DELETE").collect()
    }

    /// Calls that Podio counted against the quota.
    pub fn calls(&self) -> usize {
        self.podio.log().iter().filter(|call| !call.path.starts_with("/oauth/")).count()
    }

    /// Calls that Podio refused for the quota.
    pub fn rejections(&self) -> usize {
        self.podio.log().iter().filter(|call| call.rejected_420).count()
    }
}

/// The plan that stands.
pub fn plan_of(offboarding: &Offboarding) -> &Plan {
    offboarding.state.plan().unwrap_or_else(|| panic!("no plan stands: {:?}", offboarding.state))
}

/// How the spaces that are settled ended.
pub fn settled_of(offboarding: &Offboarding) -> Tally {
    Tally { pending: 0, ..plan_of(offboarding).spaces }
}
