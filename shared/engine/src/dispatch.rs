//! The dispatch: read the quota and what waits, decide, write on condition that nobody wrote in between, send.
//!
//! Two dispatches at once are harmless: the second one's write fails, and it reads again. One that dies after its write
//! leaves moments that nobody spends; their jobs are taken up again once their patience is over.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    ports::{Clock, Random, ReadPause, SaveError, StoreError},
    work::{JobId, Priority, Waiting},
};

use crate::{
    order::{Message, Order, Reserved},
    ports::{QuotaRecord, SendMessages, WorkTable},
    quota::{Ceiling, Heard, MOST_JOBS, Quota, name},
};

/// Orders are sent so that they arrive that much before their first moment.
pub const EARLY: SignedDuration = SignedDuration::from_secs(2);
/// From one sweep to the next.
const SWEEPS: SignedDuration = SignedDuration::from_mins(1);
/// Jobs that are looked at for one dispatch.
pub(crate) const MOST_LOOKED_AT: usize = 300;
/// Attempts at a write that other workers keep overtaking.
const CONTENDED: usize = 20;

/// What a worker has to tell after a batch.
#[derive(Debug, Default)]
pub struct Report {
    /// The attempts that have ended, however, and whether their job waits again.
    pub ended: Vec<(Order, bool)>,
    /// Moments that were not spent and never will be.
    pub unspent: Vec<Reserved>,
    /// What the headers of answers said.
    pub heard: Vec<Heard>,
    /// The routes that Podio answered, and those that a job got no answer to.
    pub answered: Vec<String>,
    /// A job's name, and the route that it got no answer to.
    pub unanswered: Vec<(u64, String)>,
    /// Calls that count against a budget: its name, and when they were sent.
    pub charged: Vec<(u64, Timestamp)>,
    /// How long the last answer took.
    pub took: Option<SignedDuration>,
    /// How jobs wait that were just written, none where they wait no more: the index may not show it yet.
    pub fresh: BTreeMap<JobId, Option<Waiting>>,
}

impl Report {
    /// Adds what another run has to tell.
    pub fn join(&mut self, other: Self) {
        let Self { ended, unspent, heard, answered, unanswered, charged, took, fresh } = other;
        self.ended.extend(ended);
        self.unspent.extend(unspent);
        self.heard.extend(heard);
        self.answered.extend(answered);
        self.unanswered.extend(unanswered);
        self.charged.extend(charged);
        self.took = took.or(self.took);
        self.fresh.extend(fresh);
    }
}

/// What a dispatch did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dispatched {
    /// Orders that were sent.
    pub orders: usize,
    /// Calls of others that were newly seen.
    pub other_calls: u64,
}

/// Takes jobs from the work table when the quota has room.
#[derive(Clone)]
pub struct Dispatcher {
    /// The quota.
    pub quota: Arc<dyn QuotaRecord>,
    /// The jobs that wait.
    pub work: Arc<dyn WorkTable>,
    /// Whether nothing may be removed at present.
    pub pause: Arc<dyn ReadPause>,
    /// The way to the workers.
    pub queue: Arc<dyn SendMessages>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, to keep out of each other's way.
    pub random: Arc<dyn Random>,
    /// The quota as an operator has configured it.
    pub configured: Ceiling,
    /// So long after its last moment an attempt that nobody has told of counts as lost.
    pub patience: SignedDuration,
    /// The quota as this process last saw it.
    pub known: Arc<Mutex<Quota>>,
}

impl Dispatcher {
    /// Looks at the quota as this process last saw it.
    pub fn with_known<T>(&self, look: impl FnOnce(&Quota) -> T) -> T {
        look(&self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the quota, so that a block which somebody else ran into is known.
    ///
    /// # Errors
    /// Storage failed.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let (quota, _) = self.quota.read().await?;
        self.remember(&quota);
        Ok(())
    }

    fn remember(&self, quota: &Quota) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone_from(quota);
    }

    /// Writes the report into the quota's record, gives moments to those whose turn it is, and sends their orders.
    ///
    /// # Errors
    /// Storage or the queue failed. What was reserved and not sent is taken up again later.
    pub async fn dispatch(&self, report: &Report) -> Result<Dispatched, StoreError> {
        let (before, _) = self.quota.read().await?;
        let waiting = self.waiting(report, &before).await?;
        let unspent = self.never_begun(&before, &waiting).await?;
        let (orders, other_calls, wake_at) = self
            .update(|quota, now| {
                let other_calls = self.book(quota, report, &unspent, now);
                let told = quota.wake_at;
                let orders = quota.choose(&waiting, now, self.patience, self.configured);
                (orders, other_calls, quota.wake_at.filter(|at| Some(*at) != told))
            })
            .await?;
        let dispatched = Dispatched { orders: orders.len(), other_calls };
        let soonest = self.soonest(report).into_iter().chain(wake_at).min();
        self.send(orders, soonest).await;
        Ok(dispatched)
    }

    /// What waits, by the index and by what the caller has just written.
    async fn waiting(&self, report: &Report, quota: &Quota) -> Result<Vec<Waiting>, StoreError> {
        let now = self.clock.now();
        let found = self.work.ready(now, quota.outages.recovered_at, MOST_LOOKED_AT).await?;
        let mut waiting: BTreeMap<_, _> = found.into_iter().map(|job| (job.job.clone(), job)).collect();
        for (job, fresh) in &report.fresh {
            match fresh.as_ref().filter(|fresh| fresh.not_before.is_none_or(|from| from <= now)) {
                Some(fresh) => waiting.insert(job.clone(), fresh.clone()),
                None => waiting.remove(job),
            };
        }
        let mut waiting: Vec<Waiting> = waiting.into_values().collect();
        waiting.sort_by_key(|job| (job.priority, job.place));
        if waiting.iter().any(Waiting::removes) && self.pause.pause().await?.is_on() {
            waiting.retain(|job| !job.removes());
        }
        Ok(waiting)
    }

    /// The moments of attempts that nobody has begun although it is too late for them: their dispatch died before it sent
    /// them, or the queue lost them.
    async fn never_begun(&self, quota: &Quota, waiting: &[Waiting]) -> Result<Vec<Reserved>, StoreError> {
        let now = self.clock.now();
        let mut unspent = Vec::new();
        for named in quota.named.iter().filter(|named| named.until <= now) {
            let Some(job) = waiting.iter().find(|job| name(&job.job) == named.job) else { continue };
            let Some(first) = named.moments.first() else { continue };
            if self.work.claimed(&job.job).await?.is_none_or(|claimed| claimed < first.at) {
                unspent.extend(&named.moments);
            }
        }
        Ok(unspent)
    }

    fn book(&self, quota: &mut Quota, report: &Report, unspent: &[Reserved], now: Timestamp) -> u64 {
        quota.strike(unspent);
        quota.strike(&report.unspent);
        report.ended.iter().for_each(|(order, waits_again)| quota.ended(order, *waits_again, now));
        quota.named.retain(|named| now < named.until);
        let fresh = report.fresh.iter().filter(|(_, waiting)| waiting.is_some());
        fresh.for_each(|(job, _)| quota.waits_anew(job));
        for (job, route) in &report.unanswered {
            quota.outages.unanswered(route, *job, now);
        }
        for route in &report.answered {
            quota.outages.answered(route, now);
        }
        for (budget, at) in &report.charged {
            quota.charge(*budget, *at);
        }
        if let Some(took) = report.took {
            quota.answers_take = i64::try_from(took.as_millis()).unwrap_or(0).clamp(0, 5_000);
        }
        let other_calls = report.heard.iter().map(|heard| quota.learn(heard, now, self.configured)).sum();
        quota.forget(now, self.configured);
        other_calls
    }

    /// When the first of those has its time that have just begun to pause, and no sweep comes earlier.
    fn soonest(&self, report: &Report) -> Option<Timestamp> {
        let now = self.clock.now();
        let pauses = report.fresh.values().flatten().filter_map(|job| job.not_before).filter(|until| *until > now);
        pauses.min().filter(|until| until.duration_since(now) < SWEEPS)
    }

    async fn send(&self, orders: Vec<Order>, soonest: Option<Timestamp>) {
        let now = self.clock.now();
        let last = orders.iter().map(Order::attempt).max();
        let is_full = orders.len() == MOST_JOBS;
        let mut messages: Vec<(Message, SignedDuration)> = orders
            .into_iter()
            .map(|order| {
                let ahead = order.attempt().duration_since(now) - EARLY;
                // The queue's clock has whole seconds, and no message may come late.
                (Message::Run(order), SignedDuration::from_secs(ahead.as_secs().max(0)))
            })
            .collect();
        if let Some(soonest) = soonest {
            messages.push((Message::Wake, soonest.duration_since(now)));
        }
        if let Some(last) = last.filter(|_| is_full) {
            // There may be more whose turn it is; the next ones are chosen when these are about to be through.
            let ahead = last.duration_since(now).as_secs() - 1;
            messages.push((Message::Wake, SignedDuration::from_secs(ahead.max(1))));
        }
        if messages.is_empty() {
            return;
        }
        if let Err(error) = self.queue.send(&messages).await {
            tracing::warn!(%error, "orders were not sent; their jobs are taken up again when their patience is over");
        }
    }

    /// Takes the moment of one more call of a job that is running.
    ///
    /// # Errors
    /// Storage failed.
    pub async fn one_more(
        &self,
        route: &str,
        priority: Priority,
        patience: SignedDuration,
    ) -> Result<Option<Reserved>, StoreError> {
        self.update(|quota, now| quota.one_more(route, priority, now, patience, self.configured)).await
    }

    /// Writes a refusal of Podio's into the quota's record at once, so that nobody else runs into it.
    ///
    /// # Errors
    /// Storage failed.
    pub async fn refused(&self, wait: Option<SignedDuration>) -> Result<(), StoreError> {
        self.update(|quota, now| quota.refused(now, wait, self.configured)).await
    }

    /// Applies `change` to the quota; writes only if there is a difference.
    async fn update<T>(&self, change: impl Fn(&mut Quota, Timestamp) -> T) -> Result<T, StoreError> {
        for attempt in 0..CONTENDED {
            let (before, revision) = self.quota.read().await?;
            let mut quota = before.clone();
            let result = change(&mut quota, self.clock.now());
            if quota == before {
                self.remember(&quota);
                return Ok(result);
            }
            match self.quota.write(revision, &quota).await {
                Ok(()) => {
                    self.remember(&quota);
                    return Ok(result);
                }
                Err(SaveError::Store(error)) => return Err(error),
                Err(SaveError::Conflict | SaveError::PersonTaken(_)) => {
                    let [random, ..] = self.random.bytes();
                    let spread = i64::from(random % 50) * (i64::try_from(attempt).unwrap_or(0) + 1) / 4;
                    self.clock.sleep(SignedDuration::from_millis(spread)).await;
                }
            }
        }
        Err(StoreError::Unavailable("too many workers write the quota at once".to_owned()))
    }
}
