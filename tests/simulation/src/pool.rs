//! The invocations that are under way, and whose turn it is.
//!
//! One thread, no runtime: chance decides which of those that can go on does so next, so one seed is one order of all
//! steps of all invocations.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use jiff::Timestamp;

use crate::dice::Dice;

/// What an invocation does.
pub type Work<T> = Pin<Box<dyn Future<Output = T>>>;

/// The invocations under way: `P` is what each is for, `T` what it results in.
pub struct Pool<P, T> {
    all: Vec<Invocation<P, T>>,
    started: u64,
}

struct Invocation<P, T> {
    number: u64,
    purpose: P,
    work: Work<T>,
    call: Arc<Call>,
    /// When it is killed for taking too long.
    deadline: Timestamp,
}

/// What became of one step.
pub enum Step<P, T> {
    /// Nobody can go on before time passes.
    Quiet,
    /// The invocation of that number goes on.
    Under(u64),
    /// It has ended.
    Ended(u64, P, T),
}

struct Call(AtomicBool);

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<P, T> Default for Pool<P, T> {
    fn default() -> Self {
        Self { all: Vec::new(), started: 0 }
    }
}

impl<P, T> Pool<P, T> {
    /// Starts an invocation; its number.
    pub fn start(&mut self, purpose: P, deadline: Timestamp, work: Work<T>) -> u64 {
        self.started += 1;
        let call = Arc::new(Call(AtomicBool::new(true)));
        self.all.push(Invocation { number: self.started, purpose, work, call, deadline });
        self.started
    }

    /// Lets one of those that can go on do so.
    pub fn step(&mut self, dice: &Dice) -> Step<P, T> {
        let ready: Vec<usize> = (0..self.all.len()).filter(|at| self.all[*at].call.0.load(Ordering::Relaxed)).collect();
        let Some(at) = (!ready.is_empty()).then(|| ready[dice.below(ready.len())]) else { return Step::Quiet };
        let invocation = &mut self.all[at];
        invocation.call.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(invocation.call.clone());
        match invocation.work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => Step::Under(invocation.number),
            Poll::Ready(result) => {
                let ended = self.all.swap_remove(at);
                Step::Ended(ended.number, ended.purpose, result)
            }
        }
    }

    /// Ends an invocation in the midst of whatever it does; what it was for.
    pub fn kill(&mut self, number: u64) -> Option<P> {
        let at = self.all.iter().position(|invocation| invocation.number == number)?;
        Some(self.all.swap_remove(at).purpose)
    }

    /// Those that have taken too long.
    pub fn overdue(&self, now: Timestamp) -> Vec<u64> {
        self.all.iter().filter(|it| it.deadline <= now).map(|it| it.number).collect()
    }

    /// When the next will have taken too long.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.all.iter().map(|it| it.deadline).min()
    }
}
