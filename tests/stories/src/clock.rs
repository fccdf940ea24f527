//! One clock for everybody, Podio included.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::ports;

/// Stands still until somebody sleeps or the world has nothing to do.
pub struct VirtualClock(Mutex<Timestamp>);

impl VirtualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// What it shows.
    pub fn read(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    /// Moves on to `moment`, never back.
    pub fn reach(&self, moment: Timestamp) {
        let mut now = self.0.lock().unwrap();
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
    fn now(&self) -> Timestamp {
        self.read()
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
