//! Chance: one seed, and everything that is drawn follows from it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use podio_lifecycle::ports::Random;

/// A generator that all who throw it share.
pub struct Dice(Mutex<fastrand::Rng>);

impl Dice {
    /// The dice of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// Dice of its own for a part that must not disturb the others.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self(Mutex::new(self.lock().fork()))
    }

    /// True with that probability.
    pub fn chance(&self, probability: f64) -> bool {
        probability > 0.0 && self.lock().f64() < probability
    }

    /// A number below `bound`.
    pub fn below(&self, bound: usize) -> usize {
        self.lock().usize(..bound.max(1))
    }

    /// A number from `least` to `most`.
    pub fn between(&self, least: i64, most: i64) -> i64 {
        self.lock().i64(least..=most)
    }

    /// One of them.
    pub fn pick<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Any number.
    pub fn any(&self) -> u64 {
        self.lock().u64(..)
    }

    fn lock(&self) -> MutexGuard<'_, fastrand::Rng> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Random for Dice {
    fn bytes(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        self.lock().fill(&mut bytes);
        bytes
    }
}
