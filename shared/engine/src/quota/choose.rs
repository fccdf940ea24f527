//! Whose turn it is: which of the jobs that wait get the moments of the next minute and a half.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::work::{Calls, Group, JobId, Priority, Waiting};

use super::{Ceiling, Named, PATIENCE, Quota, name};
use crate::order::{Order, Reserved};

/// Jobs that one dispatch sends.
pub const MOST_JOBS: usize = 20;
/// Calls that one job gets at a time.
const MOST_CALLS: usize = 10;
/// The distance of the first twenty moments of a dispatch, and of further ones that would come at the same time.
const CLOSE: SignedDuration = SignedDuration::from_millis(50);
const APART: SignedDuration = SignedDuration::from_millis(400);
/// Moments that lie further apart than this keep no distance.
const NEAR: SignedDuration = SignedDuration::from_secs(5);
/// A removal that is younger waits while plans are being made, so that leavers who are posted together meet in one call.
const YOUNG: SignedDuration = SignedDuration::from_secs(10);
/// What is left to those who come next where all removals that wait go out at once, in percent: a few plans. One leaver of
/// twelve spaces in an organization of two hundred takes 230 of 250 calls where Podio offers no shortcut, and is not to be
/// spread over an hour for the last of them.
const KEPT_OPEN: usize = 5;
/// The background takes no more than this share of a ceiling, in percent, and is owed that one.
const MOST_OF_BACKGROUND: usize = 80;
const OWED_TO_BACKGROUND: usize = 5;
/// Calls that must follow each other at once are owed together, however small the ceiling is.
const OWED_TOGETHER: usize = 3;

/// From one sweep to the next.
const SWEEPS: SignedDuration = SignedDuration::from_mins(1);
/// The queue's clock has whole seconds.
const SOON: SignedDuration = SignedDuration::from_secs(1);

/// What one dispatch keeps in mind.
pub(super) struct Round {
    now: Timestamp,
    /// No moment lies before this one.
    pub(super) from: Timestamp,
    /// No moment lies behind this one.
    horizon: Timestamp,
    /// Ceilings that have no room left before the horizon.
    full: BTreeSet<u32>,
    /// Groups of which a job is on its way.
    groups: BTreeSet<Group>,
    /// The moment that was given last, by ceiling.
    last: BTreeMap<u32, Timestamp>,
    /// Calls that wait: whether all removals may go out at once.
    pub(super) waiting_calls: usize,
    pub(super) given: usize,
    /// When the first of those that found no room would go out.
    next: Option<Timestamp>,
}

impl Round {
    pub(super) fn new(quota: &Quota, now: Timestamp, horizon: Timestamp) -> Self {
        let last = quota.moments.iter().filter_map(|(limit, moments)| Some((*limit, moments.last()?)));
        Self {
            now,
            from: quota.open_from(now),
            horizon,
            full: BTreeSet::new(),
            groups: BTreeSet::new(),
            last: last.collect(),
            waiting_calls: 0,
            given: 0,
            next: None,
        }
    }
}

impl Quota {
    /// Reserves the moments of the next minute and a half for those whose turn it is, in the order of `waiting`. The orders
    /// to send; the record names them.
    pub fn choose(
        &mut self,
        waiting: &[Waiting],
        now: Timestamp,
        patience: SignedDuration,
        configured: Ceiling,
    ) -> Vec<Order> {
        let held_back: BTreeSet<u64> =
            self.named.iter().filter(|named| named.holds_back(now)).map(|named| named.job).collect();
        let after: BTreeMap<u64, Timestamp> =
            self.named.iter().filter_map(|named| Some((named.job, named.after?))).collect();
        let is_free = |job: &&Waiting| !held_back.contains(&name(&job.job));
        let (free, taken): (Vec<&Waiting>, Vec<&Waiting>) = waiting.iter().partition(|job| is_free(job));
        let plans =
            waiting.iter().any(|job| job.priority == Priority::Interactive && job.job.kind == JobId::OFFBOARDING);
        let mut round = Round {
            groups: taken.iter().filter_map(|job| job.group.clone()).collect(),
            waiting_calls: free.iter().map(|job| job.calls.routes.len().max(1)).sum(),
            ..Round::new(self, now, now + configured.horizon())
        };
        let mut orders = Vec::new();
        for job in in_order(&free, self.owes_background(now, configured)) {
            if orders.len() == MOST_JOBS {
                break;
            }
            let is_young = job.priority == Priority::Removal && plans && now.duration_since(job.since) < YOUNG;
            if is_young || job.group.as_ref().is_some_and(|group| round.groups.contains(group)) {
                continue;
            }
            let from = round.from;
            if let Some(after) = after.get(&name(&job.job)) {
                round.from = from.max(*after + SignedDuration::from_millis(1));
            }
            let order = self.give(job, &mut round, configured);
            round.from = from;
            let Some(order) = order else { continue };
            round.groups.extend(job.group.clone());
            self.named.retain(|named| named.job != name(&job.job));
            self.named.push(Named::new(&job.job, &order.moments, patience));
            orders.push(order);
        }
        self.wake_at = self.wake_at.filter(|at| *at > now);
        let horizon = configured.horizon();
        // Where windows are short, the next sweep would come too late.
        if let (None, Some(next), true) = (self.wake_at, round.next, horizon < SWEEPS) {
            self.wake_at = Some((next - horizon).max(now + SOON));
        }
        // Somebody may have written down anew what has just been done: an approval, perhaps.
        let rests = taken.iter().filter_map(|job| self.named.iter().find(|named| named.job == name(&job.job)));
        if let Some(free) = rests.filter_map(Named::rests_until).min().map(|free| free.max(now + SOON)) {
            self.wake_at = Some(self.wake_at.map_or(free, |at| at.min(free)));
        }
        orders
    }

    /// Whether the background has had less than it is owed.
    fn owes_background(&self, now: Timestamp, configured: Ceiling) -> bool {
        let has = self.moments.get(&configured.key()).map_or(0, |moments| moments.used_by_background(now, configured));
        has * 100 < configured.limit() * OWED_TO_BACKGROUND
    }

    /// The moments of a job's next calls, if their ceilings have room for them before the horizon.
    pub(super) fn give(&mut self, job: &Waiting, round: &mut Round, configured: Ceiling) -> Option<Order> {
        let routes = routes(&job.calls);
        let first = routes.first().cloned().unwrap_or_default();
        if !self.outages.lets_through(&first, round.now) {
            return None;
        }
        let limits: Vec<u32> = routes.iter().map(|route| self.ceiling(route, configured).key()).collect();
        let open = limits.iter().take_while(|limit| !round.full.contains(limit)).count();
        if open == 0 || (job.calls.back_to_back && open < limits.len()) {
            return None;
        }
        let horizon = round.horizon;
        let mut calls = open;
        // No window holds more, however close together they are wanted.
        while calls > 1 && !self.could_hold(&limits[..calls], configured, round.now) {
            calls -= 1;
        }
        let at = loop {
            let at = self.moment_of_all(job.priority, &limits[..calls], configured, round);
            if at.is_some_and(|at| at <= horizon) {
                break at;
            }
            round.next = round.next.into_iter().chain(at).min();
            if job.calls.back_to_back || calls == 1 {
                break None;
            }
            calls /= 2;
        };
        let Some(at) = at else {
            if job.priority != Priority::Background {
                let full = by_ceiling(&limits[..calls]).into_iter().filter(|(limit, calls)| {
                    let own = self.moment(job.priority, *calls, configured.with_limit(*limit), round);
                    own.is_none_or(|at| at > horizon)
                });
                round.full.extend(full.map(|(limit, _)| limit).collect::<Vec<_>>());
            }
            return None;
        };
        let background = job.priority == Priority::Background;
        let gap = SignedDuration::from_millis(self.answers_take).max(CLOSE);
        let mut moments: Vec<Reserved> = Vec::with_capacity(calls);
        for (limit, n) in limits.into_iter().take(calls).zip(0..) {
            let added = self.moments.entry(limit).or_default().add(at + gap * n, background);
            moments.push(Reserved { at: added, limit });
            round.last.insert(limit, added);
        }
        if job.priority == Priority::Removal {
            self.last_removal = moments.first().map(|first| first.at);
        }
        round.given += calls;
        round.waiting_calls = round.waiting_calls.saturating_sub(calls);
        self.outages.sends(&first, round.now, at.duration_since(round.now) + PATIENCE);
        Some(Order { job: job.job.clone(), moments })
    }

    /// Whether one window could hold these calls at all.
    fn could_hold(&self, limits: &[u32], configured: Ceiling, now: Timestamp) -> bool {
        by_ceiling(limits)
            .into_iter()
            .all(|(limit, calls)| calls <= self.allowed(configured.with_limit(limit), now).limit())
    }

    /// When the first of these calls may go out, so that each finds room under its own ceiling.
    fn moment_of_all(
        &self,
        priority: Priority,
        limits: &[u32],
        configured: Ceiling,
        round: &Round,
    ) -> Option<Timestamp> {
        let calls = by_ceiling(limits);
        let mut at = round.from;
        for (limit, calls) in &calls {
            at = at.max(self.moment(priority, *calls, configured.with_limit(*limit), round)?);
        }
        if calls.len() == 1 {
            return Some(at);
        }
        loop {
            let free = calls.iter().map(|(limit, calls)| {
                let ceiling = configured.with_limit(*limit);
                self.under(ceiling).free(at, *calls, self.allowed(ceiling, round.now))
            });
            match free.max().filter(|free| *free > at) {
                Some(later) => at = later,
                None => return Some(at),
            }
        }
    }

    /// When the first of so many calls may go out; none where the background has had enough.
    fn moment(&self, priority: Priority, calls: usize, ceiling: Ceiling, round: &Round) -> Option<Timestamp> {
        let allowed = self.allowed(ceiling, round.now);
        let moments = self.under(ceiling);
        let mut at = moments.free(round.from, calls, allowed);
        match priority {
            Priority::Interactive => {}
            Priority::Removal => {
                let left = allowed.limit().saturating_sub(moments.used(at, allowed));
                let all_fit = round.waiting_calls + allowed.limit() * KEPT_OPEN / 100 < left;
                let is_scarce = (moments.used(at, allowed) + calls) * 2 > allowed.limit();
                if let (true, false, Some(last)) = (is_scarce, all_fit, self.last_removal) {
                    at = moments.free(at.max(moments.spread(at, last, calls, allowed)), calls, allowed);
                }
            }
            Priority::Background => {
                let most = allowed.limit() * MOST_OF_BACKGROUND / 100;
                let owed = allowed.limit() * OWED_TO_BACKGROUND / 100;
                let within = moments.used(at, allowed) + calls <= most;
                if !within && moments.used_by_background(at, allowed) + calls > owed.max(calls.min(OWED_TOGETHER)) {
                    return None;
                }
            }
        }
        let last = round.last.get(&ceiling.key()).copied();
        let tight = if round.given < MOST_JOBS { CLOSE } else { APART };
        match last.filter(|last| last.duration_since(at).abs() < NEAR && *last + tight > at) {
            Some(last) => Some(moments.free(last + tight, calls, allowed)),
            None => Some(at),
        }
    }
}

/// At most ten calls at a time; those that need not follow each other at once are asked for again.
fn routes(calls: &Calls) -> Vec<String> {
    if calls.routes.is_empty() { vec![String::new()] } else { calls.routes.iter().take(MOST_CALLS).cloned().collect() }
}

/// How many of these calls fall under each ceiling.
fn by_ceiling(limits: &[u32]) -> BTreeMap<u32, usize> {
    let mut calls = BTreeMap::new();
    for limit in limits {
        *calls.entry(*limit).or_default() += 1;
    }
    calls
}

/// By priority and place; one of the background goes before the removals where it has had less than it is owed.
fn in_order<'a>(free: &[&'a Waiting], owed: bool) -> Vec<&'a Waiting> {
    let mut jobs: Vec<&Waiting> = free.to_vec();
    jobs.sort_by_key(|job| (job.priority, job.place));
    let first = jobs.iter().position(|job| job.priority == Priority::Background);
    if let (true, Some(first)) = (owed, first) {
        let owed = jobs.remove(first);
        let place = jobs.partition_point(|job| job.priority == Priority::Interactive);
        jobs.insert(place, owed);
    }
    jobs
}
