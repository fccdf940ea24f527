//! The quota: what Podio lets one API key and its acting user call in an hour, and when the next call may go out.
//!
//! [`Quota`] is the one record that all workers share: the [moments](Moments) under each ceiling that Podio has shown, which
//! jobs they were reserved for, what [others](Others) spend on the same key, and which [outages](Outages) there are.

mod budget;
mod ceiling;
mod choose;
mod moments;
mod others;
mod outage;
mod play;
mod reserve;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::offboarding::SKEW;
use serde::{Deserialize, Serialize};

pub use self::{
    ceiling::{Ceiling, Learned},
    choose::MOST_JOBS,
    moments::Moments,
    others::Others,
    outage::Outages,
    play::Play,
    reserve::Heard,
};
use crate::order::{Order, Reserved};

/// So long after its last moment an attempt that nobody has told of may still be at work, at most.
pub const PATIENCE: SignedDuration = SignedDuration::from_secs(90);
/// For so long the index may still show a job that is done.
const INDEX_LAG: SignedDuration = SignedDuration::from_secs(5);

/// What all workers share about the quota of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quota {
    /// By ceiling: routes under the same ceiling are taken to share a bucket.
    pub moments: BTreeMap<u32, Moments>,
    /// What Podio has told of the ceiling of each route.
    pub routes: BTreeMap<String, Learned>,
    /// Whose the moments are that may not have been spent yet.
    pub named: Vec<Named>,
    /// The moment that was given to a removal last: the next one keeps its distance.
    pub last_removal: Option<Timestamp>,
    /// Until when Podio refuses every call, if it said so.
    pub blocked_until: Option<Timestamp>,
    /// When Podio last refused a call although the quota had room for it.
    pub refused_at: Option<Timestamp>,
    /// How often Podio has answered 420.
    pub rejections: u64,
    /// When a worker is told to dispatch again, where windows are shorter than the sweep is patient.
    pub wake_at: Option<Timestamp>,
    /// What those have called that may have a small share only, by the name of their budget.
    pub budgets: BTreeMap<u64, Moments>,
    /// Who else spends on the key.
    pub others: Others,
    /// What does not work at present.
    pub outages: Outages,
    /// How long answers took lately, in milliseconds.
    pub answers_take: i64,
}

/// An attempt that was reserved: until it has ended, or its patience is over, nobody else takes its job up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The job, as [`name`] has it.
    #[serde(rename = "j")]
    pub job: u64,
    /// Until when.
    #[serde(rename = "u")]
    pub until: Timestamp,
    /// Its moments; none once it has ended.
    #[serde(rename = "m", default, skip_serializing_if = "Vec::is_empty")]
    pub moments: Vec<Reserved>,
    /// The first of them, once it has ended: the next attempt begins later, since that is how the two are told apart.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Timestamp>,
    /// Whether its job was done with it, and need not be taken up though the index may still show it.
    #[serde(rename = "d", default, skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
    /// Whether it ended before its moment, and its job waits again: it could not use that moment, and would find the next
    /// one as useless at once.
    #[serde(rename = "e", default, skip_serializing_if = "std::ops::Not::not")]
    pub early: bool,
}

impl Named {
    /// A job whose moments these are.
    pub fn new(job: &podio_lifecycle::work::JobId, moments: &[Reserved], patience: SignedDuration) -> Self {
        let last = moments.last().map_or(Timestamp::MIN, |last| last.at);
        Self {
            job: name(job),
            until: last + patience,
            moments: moments.to_vec(),
            after: None,
            done: false,
            early: false,
        }
    }

    /// Until when its job rests although no attempt is under way; none where one is.
    pub(crate) fn rests_until(&self) -> Option<Timestamp> {
        let after = self.after?;
        Some(if self.done { self.until } else { after + SignedDuration::from_millis(1) })
    }

    /// Whether its job is not to be taken up at `now`.
    pub(crate) fn holds_back(&self, now: Timestamp) -> bool {
        now < self.until && (self.done || self.after.is_none_or(|after| self.early && now <= after))
    }
}

/// A job's name in the record: short, and the same in every version of the program (FNV-1a).
pub fn name(job: &podio_lifecycle::work::JobId) -> u64 {
    let bytes = job.kind.bytes().chain([0]).chain(job.subject.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Quota {
    /// The ceiling that a route falls under: as Podio has taught, else as configured.
    pub fn ceiling(&self, route: &str, configured: Ceiling) -> Ceiling {
        self.routes.get(route).map_or(configured, |learned| configured.with_limit(learned.limit))
    }

    /// The moments under a ceiling.
    pub fn under(&self, ceiling: Ceiling) -> Moments {
        self.moments.get(&ceiling.key()).cloned().unwrap_or_default()
    }

    /// Calls that may lie in one window: what is left of the ceiling beside others.
    pub fn allowed(&self, ceiling: Ceiling, now: Timestamp) -> Ceiling {
        let refused_lately = self.refused_at.is_some_and(|at| now.duration_since(at) < ceiling.span() * 2);
        let left = self.others.left_to_them(now, ceiling);
        let left = if refused_lately { left.max(ceiling.limit() / 10) } else { left };
        ceiling.with_limit(u32::try_from(ceiling.limit().saturating_sub(left)).unwrap_or(u32::MAX))
    }

    /// Whether Podio refuses every call.
    pub fn is_blocked(&self, now: Timestamp) -> bool {
        self.blocked_until.is_some_and(|until| now < until)
    }

    /// The first moment that may be given to anybody. Where Podio refuses every call it lies a little after the end of that,
    /// since the next worker's clock may be ahead of the one that has told when that is.
    pub(crate) fn open_from(&self, now: Timestamp) -> Timestamp {
        self.blocked_until.map_or(now, |until| now.max(until + SKEW))
    }

    /// Whether somebody else is taken to spend on the key, so that one call goes first and the others wait for its answer.
    pub fn is_shared(&self, now: Timestamp, configured: Ceiling) -> bool {
        let refused_lately = self.refused_at.is_some_and(|at| now.duration_since(at) < configured.span() * 2);
        refused_lately || self.others.left_to_them(now, configured) > 0
    }

    /// Podio answered 420: nothing goes out for `wait`, or for a whole window where Podio did not say for how long.
    pub fn refused(&mut self, now: Timestamp, wait: Option<SignedDuration>, configured: Ceiling) {
        let until = now + wait.unwrap_or(configured.window());
        self.blocked_until = self.blocked_until.max(Some(until));
        self.refused_at = Some(now);
        self.rejections += 1;
        // Moments that lie ahead stay: somebody who does not know of the block yet may be about to spend them. Those who
        // know give them back when their orders come.
    }

    /// Takes out moments that will not be spent.
    pub fn strike(&mut self, unspent: &[Reserved]) {
        for reserved in unspent {
            if let Some(moments) = self.moments.get_mut(&reserved.limit) {
                moments.strike(reserved.at);
            }
        }
    }

    /// An attempt has ended. A job that waits again is free for the next one, which must have a later moment than this one:
    /// by that they are told apart. One that is done may still be shown by the index for a moment.
    pub fn ended(&mut self, order: &Order, waits_again: bool, now: Timestamp) {
        let job = name(&order.job);
        let is_it = |named: &Named| named.job == job && named.moments.first() == order.moments.first();
        let Some(named) = self.named.iter_mut().find(|named| is_it(named)) else { return };
        // Long enough for the clocks of two workers, and for the index.
        let until = now.max(order.attempt()) + INDEX_LAG;
        let early = waits_again && now <= order.attempt();
        *named = Named { job, until, moments: Vec::new(), after: Some(order.attempt()), done: !waits_again, early };
    }

    /// A job that was done has just been written down to wait: this is not the index that lags behind.
    pub fn waits_anew(&mut self, job: &podio_lifecycle::work::JobId) {
        let job = name(job);
        self.named.iter_mut().filter(|named| named.job == job).for_each(|named| named.done = false);
    }

    /// Forgets what counts no more.
    pub fn forget(&mut self, now: Timestamp, configured: Ceiling) {
        for moments in self.moments.values_mut() {
            moments.forget(now - configured.span());
        }
        self.moments.retain(|limit, moments| *limit == configured.key() || !moments.is_empty());
        self.others.forget(now, configured);
        self.forget_budgets(now, configured);
    }
}
