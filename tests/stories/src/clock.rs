//! One clock for everybody, Podio included.
//!
//! It moves in one of two ways. By itself: whoever sleeps moves it, and each call to Podio adds its latency; that is
//! enough for a story of one worker. Or driven: whoever sleeps waits until the [`Fleet`](crate::Fleet) moves the clock,
//! which it does once nobody has anything left to do before then, so that what happens side by side takes the time of
//! the longest and not the sum of all.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::ports;

/// Stands still until somebody sleeps or the world has nothing to do.
pub struct VirtualClock {
    now: Mutex<Timestamp>,
    /// What each call to Podio takes, in milliseconds.
    latency: AtomicI64,
    driven: AtomicBool,
    sleepers: Mutex<BTreeMap<(Timestamp, u64), Waker>>,
    slept: AtomicU64,
}

impl VirtualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now: Mutex::new(now),
            latency: AtomicI64::new(0),
            driven: AtomicBool::new(false),
            sleepers: Mutex::new(BTreeMap::new()),
            slept: AtomicU64::new(0),
        }
    }

    /// What it shows.
    pub fn read(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    /// From now on each call to Podio takes that long.
    pub fn slow_down(&self, latency: SignedDuration) {
        self.latency.store(i64::try_from(latency.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// What each call to Podio takes.
    pub fn latency(&self) -> SignedDuration {
        SignedDuration::from_millis(self.latency.load(Ordering::Relaxed))
    }

    /// Moves on to `moment`, never back, and wakes whoever slept until then.
    pub fn reach(&self, moment: Timestamp) {
        let now = {
            let mut now = self.now.lock().unwrap();
            *now = (*now).max(moment);
            *now
        };
        let mut sleepers = self.sleepers.lock().unwrap();
        while let Some(first) = sleepers.first_entry().filter(|first| first.key().0 <= now) {
            first.remove().wake();
        }
    }

    /// From now on nobody moves it by sleeping.
    pub fn drive(&self) {
        self.driven.store(true, Ordering::Relaxed);
    }

    /// When the next sleeper wants to wake.
    pub fn next_waking(&self) -> Option<Timestamp> {
        self.sleepers.lock().unwrap().keys().next().map(|(until, _)| *until)
    }

    /// Waits until somebody has moved the clock there.
    pub fn sleep_until(&self, until: Timestamp) -> Sleep<'_> {
        Sleep { clock: self, key: (until, self.slept.fetch_add(1, Ordering::Relaxed)) }
    }
}

#[async_trait]
impl ports::Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.read()
    }

    async fn sleep(&self, duration: SignedDuration) {
        let until = self.read() + duration;
        if self.driven.load(Ordering::Relaxed) {
            return self.sleep_until(until).await;
        }
        // The others get a chance to do what they would have done in between.
        tokio::task::yield_now().await;
        self.reach(until);
    }
}

impl podio_sandbox::Clock for VirtualClock {
    /// Podio looks at its clock once for each request, which is when its time passes. Where the clock is driven, the
    /// gateway in front of Podio lets it pass instead.
    fn now(&self) -> Timestamp {
        let arrived = self.read();
        if !self.driven.load(Ordering::Relaxed) {
            self.reach(arrived + self.latency());
        }
        arrived
    }
}

/// Done when the clock shows that moment.
pub struct Sleep<'a> {
    clock: &'a VirtualClock,
    key: (Timestamp, u64),
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.read() >= self.key.0 {
            return Poll::Ready(());
        }
        self.clock.sleepers.lock().unwrap().insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.clock.sleepers.lock().unwrap().remove(&self.key);
    }
}

/// The clock of a machine that is not quite right.
pub struct SkewedClock {
    /// The right time.
    pub clock: Arc<VirtualClock>,
    /// How far this one is ahead of it.
    pub ahead: SignedDuration,
}

#[async_trait]
impl ports::Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        self.clock.read() + self.ahead
    }

    async fn sleep(&self, duration: SignedDuration) {
        ports::Clock::sleep(&*self.clock, duration).await;
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
