//! Faults on demand: the store that is down, and the store that did its work and whose answer was lost.

use std::sync::{Mutex, MutexGuard, PoisonError};

use podio_lifecycle::ports::StoreError;

/// When a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Before the work: nothing happens.
    Before,
    /// After the work: it happened, but the caller is told nothing of it.
    After,
}

/// Asked at both moments of each operation, by the name of the port's method (`load_token` and `save_token` for the
/// credentials); true means that it fails.
pub type Strike = dyn FnMut(&'static str, Moment) -> bool + Send;

/// The faults of one twin.
#[derive(Default)]
pub struct Faults {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failing: usize,
    strike: Option<Box<Strike>>,
}

impl Faults {
    /// The next `count` operations fail before they do anything.
    pub fn fail_next(&self, count: usize) {
        self.lock().failing = count;
    }

    /// Every operation asks `strike` from now on.
    pub fn decided_by(&self, strike: impl FnMut(&'static str, Moment) -> bool + Send + 'static) {
        self.lock().strike = Some(Box::new(strike));
    }

    /// All is well again.
    pub fn end(&self) {
        *self.lock() = State::default();
    }

    /// Does the work of one operation, or not, as the faults have it. It can be abandoned at two points, before and
    /// after the work, which is where a process can die.
    pub(crate) async fn around<T, E: From<Fault>>(
        &self,
        operation: &'static str,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        tokio::task::yield_now().await;
        self.check(operation, Moment::Before)?;
        let answer = work();
        tokio::task::yield_now().await;
        self.check(operation, Moment::After)?;
        answer
    }

    fn check(&self, operation: &'static str, moment: Moment) -> Result<(), Fault> {
        let mut state = self.lock();
        if moment == Moment::Before && state.failing > 0 {
            state.failing -= 1;
            return Err(Fault);
        }
        let struck = state.strike.as_mut().is_some_and(|strike| strike(operation, moment));
        if struck { Err(Fault) } else { Ok(()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fault that was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault;

impl From<Fault> for StoreError {
    fn from(_: Fault) -> Self {
        Self::Unavailable("a fault on demand".to_owned())
    }
}

impl From<Fault> for podio_lifecycle::ports::SaveError {
    fn from(fault: Fault) -> Self {
        Self::Store(fault.into())
    }
}

impl From<Fault> for podio_lifecycle::ports::ScimUserNotSaved {
    fn from(fault: Fault) -> Self {
        Self::Store(fault.into())
    }
}

impl From<Fault> for podio_lifecycle::ports::PublishError {
    fn from(_: Fault) -> Self {
        Self("a fault on demand".to_owned())
    }
}

impl From<Fault> for podio_lifecycle::ports::QueueError {
    fn from(_: Fault) -> Self {
        Self("a fault on demand".to_owned())
    }
}
