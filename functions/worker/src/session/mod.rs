//! The way to Podio for one run of one job: token, moment, call, evidence, in that order, for every call alike.

mod access;
mod budget;
mod moments;
mod probe;
mod tokens;

use jiff::{SignedDuration, Timestamp};
use podio_client::{Doubt, Error, Meaning, Request, user};
use podio_engine::{
    Order, Report,
    quota::{Heard, name},
};
use podio_lifecycle::{
    capability::Capability,
    evidence::CallRecord,
    ids::{OffboardingId, UserId},
    offboarding::Offboarding,
    removal::SpaceRemoval,
    work::{JobId, Priority, Waiting},
};

pub(crate) use self::access::{Access, Offers};
pub use self::tokens::{Account, Tokens};
use self::{budget::Budget, moments::Moments};
use crate::halt::Halt;

/// How long one run of a job goes on calling. What is not done by then goes on in the next run, long before the
/// function's own time is up: a run that is killed would have to do everything again.
const RUN: SignedDuration = SignedDuration::from_secs(15);

/// The way to Podio for one run of one job.
pub(crate) struct Session<'a> {
    access: &'a Access,
    job: JobId,
    /// The moment by which others know this attempt.
    pub(crate) attempt: Timestamp,
    deaths: u32,
    moments: Moments<'a>,
    account: Option<Account>,
    renewed: bool,
    /// The offboardings for which calls are recorded.
    recorded_for: Vec<OffboardingId>,
    /// Calls that were made so far.
    pub(crate) calls: u32,
    /// What this run may spend, where there is a limit to that.
    pub(crate) budget: Budget<'a>,
    report: Report,
}

impl<'a> Session<'a> {
    /// A session that may spend the moments of an order.
    pub(crate) fn new(access: &'a Access, order: &Order, deaths: u32) -> Self {
        Self {
            access,
            job: order.job.clone(),
            attempt: order.attempt(),
            deaths,
            moments: Moments::new(access, &order.moments, access.clock.now() + RUN),
            account: None,
            renewed: false,
            recorded_for: Vec::new(),
            calls: 0,
            budget: Budget::unlimited(access),
            report: Report::default(),
        }
    }

    /// What is to be told at the end; moments that were not spent go back.
    pub(crate) fn finish(self) -> Report {
        let mut report = self.report;
        report.unspent.extend(self.moments.into_unspent());
        report.charged.extend(self.budget.into_charged());
        report
    }

    /// Whether an attempt before this one died, so that Podio may have done what nobody has noted.
    pub(crate) fn follows_a_death(&self) -> bool {
        self.deaths > 0
    }

    /// From now on further moments are taken as for calls of that priority.
    pub(crate) fn at_priority(&mut self, priority: Priority) {
        self.moments.priority = priority;
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

    /// Makes one call. The error says why it could not be made, or must be made later.
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
        if !self.access.offers.may_offer(capability).await? {
            return Ok(Meaning::NotOffered);
        }
        let answer = self.call(request).await?;
        if matches!(answer, Meaning::NotOffered) {
            self.access.offers.learn_missing(capability).await?;
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
        self.account = Some(self.access.tokens.replace(&refused).await?);
        Ok(())
    }

    /// Renews a token that is a week old although it would live on: so the refresh token proves alive.
    pub(crate) async fn renew_when_old(&self) -> Result<(), Halt> {
        self.access.tokens.renew_when_old().await
    }

    async fn call_once<T>(&mut self, request: &Request<T>) -> Result<Result<T, Error>, Halt> {
        self.moments.in_time()?;
        let account = self.account().await?;
        let route = request.quota_route();
        let turn = self.moments.take(&route).await?;
        let at = self.access.clock.now();
        self.calls += 1;
        self.budget.charge(1);
        let exchange = self.access.podio.send(&account.token, request).await;
        let (receipt, answered_at) = (exchange.receipt, self.access.clock.now());
        self.note(&route, at, answered_at, &receipt.rate, exchange.result.as_ref().err());
        let refused = match exchange.result {
            Err(Error::RateLimited { wait }) => Some(self.access.refused(wait).await),
            _ => {
                self.access.heard();
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
            self.access.record.record(offboarding, &call).await?;
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

    /// The account that the service acts as: as Podio told with the token, else asked for once and remembered. None
    /// where Podio does not tell at all.
    pub(crate) async fn acting_user(&mut self) -> Result<Option<UserId>, Halt> {
        if let Some(acting) = self.account().await?.acting_user {
            return Ok(Some(acting));
        }
        match self.call(&user::own()).await? {
            Meaning::Yes(account) => {
                self.access.tokens.remember_acting(account.user_id).await?;
                Ok(Some(account.user_id))
            }
            Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) | Meaning::Unclear(Doubt::Unreadable) => Ok(None),
            Meaning::Unclear(doubt) => Err(doubt.into()),
        }
    }

    /// Obtains the token and waits for a moment without spending it, so that the call goes out at once.
    pub(crate) async fn be_ready<T>(&mut self, request: &Request<T>) -> Result<(), Halt> {
        self.account().await?;
        self.moments.be_ready(&request.quota_route()).await
    }

    async fn account(&mut self) -> Result<Account, Halt> {
        match &self.account {
            Some(account) => Ok(account.clone()),
            None => Ok(self.account.insert(self.access.tokens.current().await?).clone()),
        }
    }
}
