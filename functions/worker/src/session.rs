//! The way to Podio for one run of one job: token, moment, call, evidence, in that order, for every call alike.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use podio_client::{Doubt, Error, Meaning, Request, user};
use podio_engine::{
    Order, Report,
    order::Reserved,
    quota::{Ceiling, Heard, name},
};
use podio_lifecycle::{
    capability::{Capabilities, Capability},
    evidence::CallRecord,
    ids::{OffboardingId, UserId},
    offboarding::Offboarding,
    removal::SpaceRemoval,
    work::{JobId, Priority, Waiting},
};
use tokio::sync::MutexGuard;

use crate::{Worker, tokens::Account, verdict::Halt};

/// A moment this near is waited for in the function.
pub(crate) const SHORT: SignedDuration = SignedDuration::from_secs(2);
/// An order arrives that much before its moment at most: two seconds, rounded by the queue's clock, by a clock that is behind.
const EARLIEST: SignedDuration = SignedDuration::from_secs(8);
/// How long one run of a job goes on calling. What is not done by then goes on in the next run, long before the
/// function's own time is up: a run that is killed would have to do everything again.
const RUN: SignedDuration = SignedDuration::from_secs(15);

/// The way to Podio for one run of one job.
pub(crate) struct Session<'a> {
    worker: &'a Worker,
    job: JobId,
    attempt: Timestamp,
    deaths: u32,
    priority: Priority,
    moments: VecDeque<Reserved>,
    account: Option<Account>,
    renewed: bool,
    deadline: Timestamp,
    /// The offboardings for which calls are recorded.
    recorded_for: Vec<OffboardingId>,
    calls: u32,
    /// The budget that calls are charged to: its name, and its share of the quota.
    budget: Option<(u64, Ceiling)>,
    report: Report,
}

impl<'a> Session<'a> {
    /// A session that may spend the moments of an order.
    pub(crate) fn new(worker: &'a Worker, order: &Order, deaths: u32) -> Self {
        Self {
            worker,
            job: order.job.clone(),
            attempt: order.attempt(),
            deaths,
            priority: Priority::Interactive,
            moments: order.moments.iter().copied().collect(),
            account: None,
            renewed: false,
            deadline: worker.now() + RUN,
            recorded_for: Vec::new(),
            calls: 0,
            budget: None,
            report: Report::default(),
        }
    }

    /// What is to be told at the end; moments that were not spent go back.
    pub(crate) fn finish(self) -> Report {
        let mut report = self.report;
        report.unspent.extend(self.moments);
        report
    }

    /// The moment by which others know this attempt.
    pub(crate) fn attempt(&self) -> Timestamp {
        self.attempt
    }

    /// Whether an attempt before this one died, so that Podio may have done what nobody has noted.
    pub(crate) fn follows_a_death(&self) -> bool {
        self.deaths > 0
    }

    /// Calls that were made so far.
    pub(crate) fn calls(&self) -> u32 {
        self.calls
    }

    /// From now on further moments are taken as for calls of that priority.
    pub(crate) fn at_priority(&mut self, priority: Priority) {
        self.priority = priority;
    }

    /// From now on calls are charged to the budget of that name, which has that share of the quota.
    pub(crate) fn charge_to(&mut self, budget: &JobId, share: Ceiling) {
        self.budget = Some((name(budget), share));
    }

    /// Charges calls that others will make because of this run.
    pub(crate) fn charge(&mut self, calls: usize) {
        let Some((budget, share)) = self.budget else { return };
        // More than the whole share would only make the record longer.
        let now = self.worker.now();
        self.report.charged.extend(std::iter::repeat_n((budget, now), calls.min(share.limit())));
    }

    /// Whether the budget has room for so many more calls; if not, until when to pause. To be asked before something is
    /// begun that is worth nothing half done, which may then take a few calls more.
    pub(crate) fn afford(&self, calls: usize) -> Result<(), Halt> {
        let Some((budget, share)) = self.budget else { return Ok(()) };
        let now = self.worker.now();
        let charged: Vec<Timestamp> = self.report.charged.iter().map(|(_, at)| *at).collect();
        let room = self.worker.dispatcher.with_known(|known| known.room_in_budget(budget, &charged, calls, share, now));
        if room > now { Err(Halt::Pause(room)) } else { Ok(()) }
    }

    /// From now on calls are recorded for these offboardings.
    pub(crate) fn record_for(&mut self, offboardings: Vec<OffboardingId>) {
        self.recorded_for = offboardings;
    }

    /// Tells the next dispatch how a job waits, none where it waits no more: the index may not show it yet.
    pub(crate) fn fresh(&mut self, job: JobId, waiting: Option<Waiting>) {
        self.report.fresh.insert(job, waiting);
    }

    /// The same of an offboarding's stage.
    pub(crate) fn fresh_stage(&mut self, offboarding: &Offboarding) {
        self.fresh(JobId::new(JobId::OFFBOARDING, &offboarding.id), offboarding.waiting());
    }

    /// The same of a removal.
    pub(crate) fn fresh_removal(&mut self, removal: &SpaceRemoval) {
        self.fresh(removal.key.job(), removal.waiting());
    }

    /// Makes one call. The outer error says why it could not be made or must be made later; the inner one is what Podio
    /// answered.
    pub(crate) async fn call<T>(&mut self, request: &Request<T>) -> Result<Meaning<T>, Halt> {
        match self.call_once(request).await?.into() {
            // Podio says "expired" of revoked and invented tokens too, so one renewal must do.
            Meaning::Unclear(Doubt::Token) if !self.renewed => {
                self.renew().await?;
                Ok(self.call_once(request).await?.into())
            }
            answer => Ok(answer),
        }
    }

    /// Makes a call that only some Podios know. One that does not is not asked again for a week.
    pub(crate) async fn call_if_offered<T>(
        &mut self,
        capability: Capability,
        request: &Request<T>,
    ) -> Result<Meaning<T>, Halt> {
        if !self.may_offer(capability).await? {
            return Ok(Meaning::NotOffered);
        }
        let answer = self.call(request).await?;
        if matches!(answer, Meaning::NotOffered) {
            self.learn_missing(capability).await?;
        }
        Ok(answer)
    }

    /// Makes one call that is not to be repeated without a look in between: a refused token ends this run.
    pub(crate) async fn call_unrepeated<T>(&mut self, request: &Request<T>) -> Result<Meaning<T>, Halt> {
        match self.call_once(request).await?.into() {
            Meaning::Unclear(Doubt::Token) if !self.renewed => {
                self.renew().await?;
                Err(Halt::Fault)
            }
            answer => Ok(answer),
        }
    }

    async fn renew(&mut self) -> Result<(), Halt> {
        self.renewed = true;
        let refused = self.account().await?;
        self.account = Some(self.worker.tokens.replace(&refused).await?);
        Ok(())
    }

    async fn call_once<T>(&mut self, request: &Request<T>) -> Result<Result<T, Error>, Halt> {
        if self.worker.now() > self.deadline {
            return Err(Halt::Wait);
        }
        let account = self.account().await?;
        let route = request.quota_route();
        let turn = self.take_moment(&route).await?;
        let at = self.worker.now();
        self.calls += 1;
        self.charge(1);
        let exchange = self.worker.podio.send(&account.token, request).await;
        let (receipt, answered_at) = (exchange.receipt, self.worker.now());
        self.note(&route, at, answered_at, &receipt.rate, exchange.result.as_ref().err());
        let refused = match exchange.result {
            Err(Error::RateLimited { wait }) => Some(self.refused(wait).await),
            _ => {
                self.worker.heard();
                None
            }
        };
        drop(turn);
        tracing::info!(
            job = %self.job, method = %receipt.method, route = receipt.route, status = receipt.status,
            podio_request = receipt.request_id.as_deref(), "called Podio",
        );
        let call = CallRecord {
            at,
            answered_at,
            method: receipt.method.to_string(),
            path: receipt.path,
            status: receipt.status,
            request_id: receipt.request_id,
        };
        for offboarding in &self.recorded_for {
            self.worker.ports.record.record(offboarding, &call).await?;
        }
        match refused {
            Some(booked) => {
                booked?;
                Err(Halt::Wait)
            }
            None => Ok(exchange.result),
        }
    }

    /// Keeps what an answer, or its absence, says about the quota and about outages.
    fn note(
        &mut self,
        route: &str,
        at: Timestamp,
        answered_at: Timestamp,
        rate: &podio_client::RateHeaders,
        error: Option<&Error>,
    ) {
        self.report.took = Some(answered_at.duration_since(at));
        match error {
            Some(Error::Unavailable { .. } | Error::Decode(_)) => {
                self.report.unanswered.push((name(&self.job), route.to_owned()));
            }
            // What the headers of a refusal teach is worth nothing compared with the refusal.
            Some(Error::RateLimited { .. }) => self.report.answered.push(route.to_owned()),
            _ => {
                self.report.answered.push(route.to_owned());
                let (limit, remaining) = (rate.limit, rate.remaining);
                self.report.heard.push(Heard { route: route.to_owned(), at, limit, remaining });
            }
        }
    }

    /// Podio refused although there should have been room: everything stops for as long as it says.
    async fn refused(&mut self, wait: Option<std::time::Duration>) -> Result<(), Halt> {
        let wait = wait.and_then(|wait| SignedDuration::try_from(wait).ok());
        tracing::warn!(wait_seconds = wait.map(|wait| wait.as_secs()), "Podio answered 420");
        self.worker.ports.metrics.add(podio_lifecycle::ports::Metric::QuotaRejections, 1);
        Ok(self.worker.dispatcher.refused(wait).await?)
    }

    /// The account that the service acts as: as Podio told with the token, else asked for once and remembered. None
    /// where Podio does not tell at all.
    pub(crate) async fn acting_user(&mut self) -> Result<Option<UserId>, Halt> {
        if let Some(acting) = self.account().await?.acting_user {
            return Ok(Some(acting));
        }
        match self.call(&user::own()).await? {
            Meaning::Yes(account) => {
                self.worker.tokens.remember_acting(account.user_id).await?;
                Ok(Some(account.user_id))
            }
            Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) | Meaning::Unclear(Doubt::Unreadable) => Ok(None),
            Meaning::Unclear(doubt) => Err(doubt.into()),
        }
    }

    /// Obtains the token and waits for a moment without spending it, so that the call goes out at once.
    pub(crate) async fn be_ready<T>(&mut self, request: &Request<T>) -> Result<(), Halt> {
        self.account().await?;
        let moment = self.next_moment(&request.quota_route()).await?;
        self.moments.push_front(moment);
        if self.worker.is_refused() { Err(Halt::Wait) } else { Ok(()) }
    }

    /// What Podio is known to offer.
    pub(crate) async fn capabilities(&self) -> Result<Capabilities, Halt> {
        Ok(self.worker.ports.capabilities.capabilities().await?)
    }

    /// Whether a call that only some Podios know is worth trying.
    pub(crate) async fn may_offer(&self, capability: Capability) -> Result<bool, Halt> {
        Ok(self.capabilities().await?.may_offer(capability, self.worker.now()))
    }

    /// Remembers that Podio does not know a route.
    pub(crate) async fn learn_missing(&self, capability: Capability) -> Result<(), Halt> {
        let mut known = self.capabilities().await?;
        known.missing(capability, self.worker.now());
        tracing::info!(?capability, "Podio does not offer this; using the fallback for a week");
        Ok(self.worker.ports.capabilities.learned(&known).await?)
    }

    async fn account(&mut self) -> Result<Account, Halt> {
        match &self.account {
            Some(account) => Ok(account.clone()),
            None => Ok(self.account.insert(self.worker.tokens.current().await?).clone()),
        }
    }

    /// Spends a moment, and takes the turn if others wait for the answer. Whoever has missed the moment meanwhile takes
    /// another, and whoever learns that Podio refuses everything waits until that is over.
    async fn take_moment(&mut self, route: &str) -> Result<Option<MutexGuard<'a, ()>>, Halt> {
        loop {
            let moment = self.next_moment(route).await?;
            let turn = self.worker.turn_to_probe().await;
            if self.worker.is_refused() {
                self.moments.push_front(moment);
                return Err(Halt::Wait);
            }
            if !self.is_missed(moment) {
                return Ok(turn);
            }
            self.report.unspent.push(moment);
            if self.worker.now() > self.deadline {
                return Err(Halt::Wait);
            }
        }
    }

    /// The next moment under the ceiling of a route, once it has come; one that was missed is not worth anything.
    async fn next_moment(&mut self, route: &str) -> Result<Reserved, Halt> {
        let limit = self.ceiling(route).key();
        loop {
            let reserved = self.moments.iter().position(|moment| moment.limit == limit);
            let moment = match reserved.and_then(|index| self.moments.remove(index)) {
                Some(moment) if self.is_missed(moment) => {
                    self.report.unspent.push(moment);
                    continue;
                }
                Some(moment) => moment,
                None => {
                    let more = self.worker.dispatcher.one_more(route, self.priority, SHORT).await?;
                    more.ok_or(Halt::Wait)?
                }
            };
            let ahead = moment.at.duration_since(self.worker.now());
            if ahead > EARLIEST {
                self.moments.push_front(moment);
                return Err(Halt::Wait);
            }
            if ahead > SignedDuration::ZERO {
                self.worker.ports.clock.sleep(ahead).await;
            }
            return Ok(moment);
        }
    }

    fn ceiling(&self, route: &str) -> Ceiling {
        let configured = self.worker.dispatcher.configured;
        self.worker.dispatcher.with_known(|known| known.ceiling(route, configured))
    }

    fn is_missed(&self, moment: Reserved) -> bool {
        self.worker.now().duration_since(moment.at) > self.worker.dispatcher.configured.lateness()
    }
}
