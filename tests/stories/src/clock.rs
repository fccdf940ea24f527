//! One clock for everybody, Podio included.

use std::sync::{
    Mutex,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::ports;

/// Stands still until somebody sleeps or the world has nothing to do.
pub struct VirtualClock {
    now: Mutex<Timestamp>,
    /// What each call to Podio takes, in milliseconds.
    latency: AtomicI64,
}

impl VirtualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now: Mutex::new(now), latency: AtomicI64::new(0) }
    }

    /// What it shows.
    pub fn read(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    /// From now on each call to Podio takes that long.
    pub fn slow_down(&self, latency: SignedDuration) {
        self.latency.store(i64::try_from(latency.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// Moves on to `moment`, never back.
    pub fn reach(&self, moment: Timestamp) {
        let mut now = self.now.lock().unwrap();
        *now = (*now).max(moment);
    }
}

#[async_trait]
impl ports::Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.read()
    }

    async fn sleep(&self, duration: SignedDuration) {
        let until = self.read() + duration;
        // The others get a chance to do what they would have done in between.
        tokio::task::yield_now().await;
        self.reach(until);
    }
}

impl podio_sandbox::Clock for VirtualClock {
    /// Podio looks at its clock once for each request, which is when its time passes.
    fn now(&self) -> Timestamp {
        let arrived = self.read();
        self.reach(arrived + SignedDuration::from_millis(self.latency.load(Ordering::Relaxed)));
        arrived
    }
}

/// Random enough for ids, and the same in every run.
#[derive(Default)]
pub(crate) struct Counting(AtomicU64);

impl ports::Random for Counting {
    fn bytes(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[2..].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        bytes
    }
}
