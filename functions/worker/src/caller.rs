//! Calling Podio on behalf of one job: token, slot, call, evidence, in that order, for every call alike.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use podio_client::{Error, Request, user};
use podio_lifecycle::{
    capability::{Capabilities, Capability},
    evidence::CallRecord,
    ids::{OffboardingId, UserId},
    quota::{Booking, Lane, Need, Slot},
};
use tokio::sync::MutexGuard;

use crate::{Worker, reserve::SHORT, tokens::Account, verdict::Halt};

/// How long one run of a job goes on calling. What is not done by then goes on in the next run, long before the
/// function's own time is up: a run that is killed would have to do everything again.
const RUN: SignedDuration = SignedDuration::from_secs(15);
/// The least that the background waits when there is no slot for it.
const BACKGROUND_PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// The way to Podio for one run of one job.
pub(crate) struct Caller<'a> {
    worker: &'a Worker,
    offboarding: Option<&'a OffboardingId>,
    lane: Lane,
    /// The route that the slots were reserved for; a call under another ceiling takes its own.
    route: String,
    slots: VecDeque<Booking>,
    account: Option<Account>,
    renewed: bool,
    deadline: Timestamp,
    /// Others whom the next calls concern as well.
    others: Vec<OffboardingId>,
    last_call: Option<CallRecord>,
}

impl<'a> Caller<'a> {
    /// A caller that may spend `slots`, which were reserved for `route`. Its calls are recorded for the offboarding, if
    /// there is one.
    pub(crate) fn new(
        worker: &'a Worker,
        offboarding: Option<&'a OffboardingId>,
        lane: Lane,
        route: String,
        slots: Vec<Booking>,
    ) -> Self {
        let deadline = worker.now() + RUN;
        Self {
            worker,
            offboarding,
            lane,
            route,
            slots: slots.into(),
            account: None,
            renewed: false,
            deadline,
            others: Vec::new(),
            last_call: None,
        }
    }

    /// From now on slots are taken as for calls of that kind.
    pub(crate) fn in_lane(&mut self, lane: Lane) {
        self.lane = lane;
    }

    /// From now on calls are recorded for these offboardings too.
    pub(crate) fn also_for(&mut self, others: Vec<OffboardingId>) {
        self.others = others;
    }

    /// Takes slots back that a call would have had to wait for.
    pub(crate) fn keep(&mut self, slots: Vec<Booking>) {
        self.slots.extend(slots);
    }

    /// Leaves all slots but the first `calls` for a later stage.
    pub(crate) fn keep_for_later(&mut self, calls: usize) -> Vec<Slot> {
        self.slots.split_off(calls.min(self.slots.len())).into_iter().map(|booking| booking.slot).collect()
    }

    /// Gives back what was not spent and still lies ahead. Should that fail, the slots are lost, and nothing else.
    pub(crate) async fn finish(mut self) {
        self.give_back().await;
    }

    /// What does not lie ahead is lost: a duplicate of the message may have spent it.
    async fn give_back(&mut self) {
        let now = self.worker.now();
        let ahead: Vec<Slot> =
            self.slots.drain(..).filter(|booking| booking.at > now).map(|booking| booking.slot).collect();
        self.worker.give_back_or_lose(&self.route, &ahead).await;
    }

    /// Makes one call. The outer error says why it could not be made or must be made later; the inner one is what Podio
    /// answered.
    pub(crate) async fn call<T>(&mut self, request: &Request<T>) -> Result<Result<T, Error>, Halt> {
        match self.call_once(request).await? {
            // Podio says "expired" of revoked and invented tokens too, so one renewal must do.
            Err(Error::Unauthorized) if !self.renewed => {
                self.renew().await?;
                self.call_once(request).await
            }
            answer => Ok(answer),
        }
    }

    /// Makes one call that is not to be repeated without a look in between: a refused token ends this run.
    pub(crate) async fn call_unrepeated<T>(&mut self, request: &Request<T>) -> Result<Result<T, Error>, Halt> {
        match self.call_once(request).await? {
            Err(Error::Unauthorized) if !self.renewed => {
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
            return Err(Halt::Wait(self.slots.drain(..).collect()));
        }
        let account = self.account().await?;
        let turn = self.take_turn(&request.quota_route()).await?;
        let at = self.worker.now();
        let exchange = self.worker.podio.send(&account.token, request).await;
        let (receipt, answered_at) = (exchange.receipt, self.worker.now());
        // What the headers of a refusal teach is worth nothing compared with the refusal.
        let booked = if let Err(Error::RateLimited { wait }) = exchange.result {
            self.book_rejection(wait).await
        } else {
            if let Err(error) = self.worker.learn(&receipt).await {
                tracing::warn!(%error, "what Podio said about the quota could not be noted");
            }
            self.worker.heard();
            Ok(())
        };
        drop(turn);
        tracing::info!(
            offboarding = self.offboarding.map(tracing::field::display), method = %receipt.method, route = receipt.route,
            status = receipt.status, podio_request = receipt.request_id.as_deref(), "called Podio",
        );
        let call = CallRecord {
            at,
            answered_at,
            method: receipt.method.to_string(),
            path: receipt.path,
            status: receipt.status,
            request_id: receipt.request_id,
        };
        for offboarding in self.offboarding.into_iter().chain(&self.others) {
            self.record(offboarding, &call).await?;
        }
        self.last_call = Some(call);
        booked?;
        match exchange.result {
            Err(Error::RateLimited { .. }) => Err(self.wait_anew().await?),
            result => Ok(result),
        }
    }

    /// Whether it has slots left that were reserved beforehand.
    pub(crate) fn has_slots(&self) -> bool {
        !self.slots.is_empty()
    }

    /// The call that was made last.
    pub(crate) fn last_call(&self) -> Option<&CallRecord> {
        self.last_call.as_ref()
    }

    /// Records calls that were made for another offboarding and serve this one as well.
    pub(crate) async fn cite(&self, calls: &[CallRecord]) -> Result<(), Halt> {
        let Some(offboarding) = self.offboarding else { return Ok(()) };
        for call in calls {
            self.record(offboarding, call).await?;
        }
        Ok(())
    }

    async fn record(&self, offboarding: &OffboardingId, call: &CallRecord) -> Result<(), Halt> {
        Ok(self.worker.ports.record.record(offboarding, call).await?)
    }

    /// Makes sure that the next `calls` calls need not be reserved one by one, if the quota has room for them now.
    pub(crate) async fn expect(&mut self, calls: usize) -> Result<(), Halt> {
        let missing = calls.saturating_sub(self.slots.len());
        if missing > 1 {
            let slots = self.reserve(&self.route.clone(), missing).await?;
            self.slots.extend(slots);
        }
        Ok(())
    }

    /// The account that the service acts as: as Podio told with the token, else asked for once and remembered. None
    /// where Podio does not tell at all.
    pub(crate) async fn acting_user(&mut self) -> Result<Option<UserId>, Halt> {
        if let Some(acting) = self.account().await?.acting_user {
            return Ok(Some(acting));
        }
        match self.call(&user::own()).await? {
            Ok(account) => {
                self.worker.tokens.remember_acting(account.user_id).await?;
                Ok(Some(account.user_id))
            }
            Err(Error::NotFound(_) | Error::Forbidden { .. } | Error::Invalid { .. } | Error::Decode(_)) => Ok(None),
            Err(error) => Err(Halt::of(&error, "the look-up of the acting account")),
        }
    }

    /// Obtains the token and waits for a slot without spending it, so that the call goes out at once.
    pub(crate) async fn be_ready<T>(&mut self, request: &Request<T>) -> Result<(), Halt> {
        self.account().await?;
        let route = request.quota_route();
        let slot = self.take_slot(&route).await?;
        if !self.is_own(&route) {
            self.finish_other(route).await;
        }
        self.slots.push_front(slot);
        if self.worker.is_refused() {
            return Err(self.wait_anew().await?);
        }
        Ok(())
    }

    /// Whether a route falls under the ceiling that the slots were reserved under.
    fn is_own(&self, route: &str) -> bool {
        let configured = self.worker.policy.ceiling;
        self.worker.with_known_quota(|known| known.ceiling(route, configured) == known.ceiling(&self.route, configured))
    }

    /// From here on the slots are those of another ceiling.
    async fn finish_other(&mut self, route: String) {
        let (left, from) = (std::mem::take(&mut self.slots), std::mem::replace(&mut self.route, route));
        let left: Vec<Slot> = left.into_iter().map(|booking| booking.slot).collect();
        self.worker.give_back_or_lose(&from, &left).await;
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

    /// Obtains the token, for whoever is about to make others wait.
    pub(crate) async fn sign_in(&mut self) -> Result<(), Halt> {
        self.account().await.map(drop)
    }

    async fn account(&mut self) -> Result<Account, Halt> {
        match &self.account {
            Some(account) => Ok(account.clone()),
            None => Ok(self.account.insert(self.worker.tokens.current().await?).clone()),
        }
    }

    /// Takes a slot, and the turn if others wait for the answer. Whoever has missed the slot meanwhile takes another, and
    /// whoever learns that Podio refuses everything waits until that is over.
    async fn take_turn(&mut self, route: &str) -> Result<Option<MutexGuard<'a, ()>>, Halt> {
        let worker = self.worker;
        loop {
            let slot = self.take_slot(route).await?;
            let turn = worker.turn_to_probe().await;
            if worker.is_refused() {
                self.slots.push_front(slot);
                return Err(self.wait_anew().await?);
            }
            if !slot.is_missed(worker.now(), worker.policy.ceiling) {
                return Ok(turn);
            }
            if worker.now() > self.deadline {
                return Err(Halt::Wait(self.slots.drain(..).collect()));
            }
            self.hurry();
        }
    }

    /// Whoever has waited for a slot does not go to the back for having lost it.
    fn hurry(&mut self) {
        if self.lane == Lane::Removal {
            self.lane = Lane::Interactive;
        }
    }

    async fn take_slot(&mut self, route: &str) -> Result<Booking, Halt> {
        let ceiling = self.worker.policy.ceiling;
        let held = loop {
            if !self.is_own(route) {
                break None;
            }
            match self.slots.pop_front() {
                Some(slot) if slot.is_missed(self.worker.now(), ceiling) => {}
                other => break other,
            }
        };
        let slot = match held {
            Some(slot) => slot,
            None => match self.reserve(route, 1).await?.into_iter().next() {
                Some(slot) => slot,
                // Only the background has to wait without a slot.
                None => return Err(Halt::Pause(self.background_from(route))),
            },
        };
        let ahead = slot.at.duration_since(self.worker.now());
        if ahead > SHORT {
            // Slots under another ceiling would wake the job before its turn, again and again.
            if !self.is_own(route) {
                self.finish_other(route.to_owned()).await;
            }
            let mut slots = vec![slot];
            slots.extend(self.slots.drain(..));
            return Err(Halt::Wait(slots));
        }
        if ahead > SignedDuration::ZERO {
            self.worker.ports.clock.sleep(ahead).await;
        }
        Ok(slot)
    }

    /// When a call in the background may ask again, as far as is known.
    fn background_from(&self, route: &str) -> Timestamp {
        let now = self.worker.now();
        self.worker.with_known_quota(|known| {
            let ceiling = known.ceiling(route, self.worker.policy.ceiling);
            let from = known.blocked_until.map_or(now, |until| until.max(now));
            known.log(ceiling).background_from(from, ceiling).max(now + BACKGROUND_PAUSE)
        })
    }

    async fn reserve(&self, route: &str, calls: usize) -> Result<Vec<Booking>, Halt> {
        let need = Need { route, lane: self.lane, held: &[], calls, together: false, then: None };
        let reserved = self.worker.reserve(&[need]).await?;
        Ok(reserved.into_iter().flat_map(|allotted| allotted.slots).collect())
    }

    /// Podio refused although the log allowed it: everything stops for as long as it says.
    async fn book_rejection(&self, wait: Option<std::time::Duration>) -> Result<(), Halt> {
        let wait = wait.and_then(|wait| SignedDuration::try_from(wait).ok());
        tracing::warn!(wait_seconds = wait.map(|wait| wait.as_secs()), "Podio answered 420");
        Ok(self.worker.book_rejection(wait).await?)
    }

    /// Takes a new slot in place of those that Podio would refuse.
    async fn wait_anew(&mut self) -> Result<Halt, Halt> {
        self.give_back().await;
        self.hurry();
        Ok(match self.reserve(&self.route.clone(), 1).await? {
            slots if slots.is_empty() => Halt::Pause(self.background_from(&self.route)),
            slots => Halt::Wait(slots),
        })
    }
}
