//! Storage, queue and clock in memory. Each access lets others go first, so that dispatches overtake each other.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use podio_engine::{
    Dispatcher, Message, Order,
    ports::{Claimed, QuotaRecord, SendMessages, WorkTable},
    quota::{Ceiling, PATIENCE, Quota},
};
use podio_lifecycle::{
    ids::SpaceId,
    pause::Pause,
    ports::{Clock, QueueError, Random, ReadPause, SaveError, StoreError},
    work::{Calls, Group, JobId, Priority, Waiting},
};

pub(crate) const START: i64 = 1_700_000_000;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

pub(crate) fn removal(number: u64) -> Waiting {
    Waiting {
        job: JobId::new(JobId::SPACE, number),
        priority: Priority::Removal,
        place: at(0),
        since: at(0),
        not_before: None,
        faulted_at: None,
        calls: Calls::of(podio_lifecycle::removal::ROUTE, 1),
        group: Some(Group::Space(SpaceId(number))),
    }
}

/// The world that dispatches share.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) seconds: AtomicI64,
    quota: Mutex<(Quota, u64)>,
    pub(crate) jobs: Mutex<BTreeMap<JobId, Waiting>>,
    pub(crate) claims: Mutex<BTreeMap<JobId, Timestamp>>,
    /// What was sent, and how many requests were made.
    pub(crate) sent: Mutex<Vec<(Message, SignedDuration)>>,
    pub(crate) conflicts: AtomicI64,
    queue_down: AtomicBool,
    paused: AtomicBool,
    random: Mutex<Option<fastrand::Rng>>,
}

impl World {
    pub(crate) fn new(seed: u64, jobs: impl IntoIterator<Item = Waiting>) -> Arc<Self> {
        let world = Self { random: Mutex::new(Some(fastrand::Rng::with_seed(seed))), ..Self::default() };
        world.jobs.lock().unwrap().extend(jobs.into_iter().map(|job| (job.job.clone(), job)));
        Arc::new(world)
    }

    pub(crate) fn dispatcher(self: &Arc<Self>) -> Dispatcher {
        Dispatcher {
            quota: self.clone(),
            work: self.clone(),
            pause: self.clone(),
            queue: self.clone(),
            clock: self.clone(),
            random: self.clone(),
            configured: Ceiling::new(250, SignedDuration::from_hours(1)).unwrap(),
            patience: PATIENCE,
            known: Arc::default(),
        }
    }

    pub(crate) fn go_to(&self, second: i64) {
        self.seconds.store(second, Ordering::SeqCst);
    }

    pub(crate) fn queue_is_down(&self, down: bool) {
        self.queue_down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::SeqCst);
    }

    pub(crate) fn quota(&self) -> Quota {
        self.quota.lock().unwrap().0.clone()
    }

    /// Takes what was sent out of the queue: the orders.
    pub(crate) fn orders(&self) -> Vec<Order> {
        let sent = std::mem::take(&mut *self.sent.lock().unwrap());
        let order = |(message, _)| match message {
            Message::Run(order) => Some(order),
            Message::Wake => None,
        };
        sent.into_iter().filter_map(order).collect()
    }

    async fn let_others_go_first(&self) {
        let turns = self.random.lock().unwrap().as_mut().map_or(0, |random| random.u8(0..4));
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        at(self.seconds.load(Ordering::SeqCst))
    }
    async fn sleep(&self, _: SignedDuration) {
        self.let_others_go_first().await;
    }
}

impl Random for World {
    fn bytes(&self) -> [u8; 10] {
        [7; 10]
    }
}

#[async_trait]
impl QuotaRecord for World {
    async fn read(&self) -> Result<(Quota, u64), StoreError> {
        self.let_others_go_first().await;
        Ok(self.quota.lock().unwrap().clone())
    }
    async fn write(&self, expected: u64, quota: &Quota) -> Result<(), SaveError> {
        self.let_others_go_first().await;
        let mut stored = self.quota.lock().unwrap();
        if stored.1 != expected {
            self.conflicts.fetch_add(1, Ordering::SeqCst);
            return Err(SaveError::Conflict);
        }
        *stored = (quota.clone(), expected + 1);
        Ok(())
    }
}

#[async_trait]
impl WorkTable for World {
    async fn ready(&self, now: Timestamp, _: Option<Timestamp>, limit: usize) -> Result<Vec<Waiting>, StoreError> {
        let jobs = self.jobs.lock().unwrap();
        let is_ready = |job: &&Waiting| job.not_before.is_none_or(|from| from <= now);
        Ok(jobs.values().filter(is_ready).take(limit).cloned().collect())
    }
    async fn put(&self, waiting: &Waiting) -> Result<(), StoreError> {
        self.jobs.lock().unwrap().insert(waiting.job.clone(), waiting.clone());
        Ok(())
    }
    async fn claim(&self, job: &JobId, attempt: Timestamp) -> Result<Claimed, StoreError> {
        self.claims.lock().unwrap().insert(job.clone(), attempt);
        Ok(Claimed::Yes { deaths: 0 })
    }
    async fn claimed(&self, job: &JobId) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.claims.lock().unwrap().get(job).copied())
    }
    async fn survived(&self, _: &JobId) -> Result<(), StoreError> {
        Ok(())
    }
    async fn wait_again(&self, waiting: &Waiting) -> Result<(), StoreError> {
        self.put(waiting).await
    }
    async fn leave(&self, job: &JobId) -> Result<(), StoreError> {
        self.jobs.lock().unwrap().remove(job);
        Ok(())
    }
}

#[async_trait]
impl ReadPause for World {
    async fn pause(&self) -> Result<Pause, StoreError> {
        let since = self.paused.load(Ordering::SeqCst).then(|| at(0));
        Ok(Pause { since, ..Pause::default() })
    }
}

#[async_trait]
impl SendMessages for World {
    async fn send(&self, messages: &[(Message, SignedDuration)]) -> Result<(), QueueError> {
        if self.queue_down.load(Ordering::SeqCst) {
            return Err(QueueError("down".to_owned()));
        }
        self.sent.lock().unwrap().extend_from_slice(messages);
        Ok(())
    }
}
