//! Who fails, and who dies: asked at each door, before and after what goes through it.
//!
//! A door is a call of a port, or a call of Podio. Between two doors an invocation has no effect on anything outside
//! itself, so to die at every door, before and after, is to die at every await that matters.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use podio_aws::twin::Moment;

use crate::{dice::Dice, journal::Journal};

/// How often what goes wrong while the storm lasts; each a probability for each door or step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// Storage or queue fails, and nothing has happened.
    pub before: f64,
    /// Storage or queue has done it, and the answer is lost.
    pub after: f64,
    /// The invocation is killed at a door.
    pub death: f64,
    /// The invocation is killed between two polls, wherever it is.
    pub sudden_death: f64,
    /// A message is delivered a second time while somebody has it.
    pub redelivery: f64,
    /// A message that is done with is not deleted.
    pub undeleted: f64,
    /// A message that is sent does not arrive.
    pub loss: f64,
}

/// The fate of all invocations of one run.
pub struct Fate {
    journal: Arc<Journal>,
    dice: Dice,
    doomed: AtomicBool,
    plan: Mutex<Plan>,
}

#[derive(Default)]
struct Plan {
    rates: Option<Rates>,
    doors: u64,
    dies_at: Option<u64>,
    tokens_hurt: bool,
}

impl Fate {
    /// A kind fate: nobody dies but at the door of that number, if any.
    pub fn new(journal: Arc<Journal>, dice: Dice, dies_at: Option<u64>) -> Self {
        let plan = Plan { dies_at, ..Plan::default() };
        Self { journal, dice, doomed: AtomicBool::new(false), plan: Mutex::new(plan) }
    }

    /// From now on things go wrong that often.
    pub fn rage(&self, rates: Rates) {
        self.lock().rates = Some(rates);
    }

    /// All is well again.
    pub fn calm_down(&self) {
        self.lock().rates = None;
    }

    /// The rates, while the storm lasts.
    pub fn rates(&self) -> Option<Rates> {
        self.lock().rates
    }

    /// Doors gone through so far.
    pub fn doors(&self) -> u64 {
        self.lock().doors
    }

    /// Somebody stands at a door: whether it fails. Whoever is to die here is told that it fails, and is gone before
    /// it can make anything of it.
    pub fn strike(&self, door: &'static str, operation: &str, moment: Moment) -> bool {
        let mut plan = self.lock();
        plan.doors += 1;
        let dies = plan.dies_at == Some(plan.doors);
        let rates = plan.rates;
        drop(plan);
        let rate = rates.unwrap_or_default();
        let hurt = self.strikes(door, operation, moment, dies, rate);
        self.lock().tokens_hurt |= hurt && door == "tokens";
        hurt
    }

    /// Whether the table of the tokens has ever failed, or somebody died at it.
    pub fn hurt_tokens(&self) -> bool {
        self.lock().tokens_hurt
    }

    fn strikes(&self, door: &'static str, operation: &str, moment: Moment, dies: bool, rate: Rates) -> bool {
        if dies || self.dice.chance(rate.death) {
            self.journal.note(format_args!("  † {moment:?} {door} {operation}"));
            self.doomed.store(true, Ordering::Relaxed);
            return true;
        }
        let (chance, kind) = match moment {
            Moment::Before => (rate.before, "storage or queue down"),
            Moment::After => (rate.after, "answer of storage or queue lost"),
        };
        // Podio's own faults are the sandbox's.
        let fails = door != "podio" && self.dice.chance(chance);
        if fails {
            self.journal.fault(kind, format_args!("{door} {operation}"));
        }
        fails
    }

    /// Whether the invocation that has just been polled is to die. Asking settles it.
    pub fn takes(&self) -> bool {
        let sudden = self.rates().is_some_and(|rates| self.dice.chance(rates.sudden_death));
        self.doomed.swap(false, Ordering::Relaxed) || sudden
    }

    /// Whether something happens that goes wrong that often.
    pub fn chance(&self, of: impl Fn(&Rates) -> f64) -> bool {
        self.rates().is_some_and(|rates| self.dice.chance(of(&rates)))
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
