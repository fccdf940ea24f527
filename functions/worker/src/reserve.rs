//! Reserving slots: read the quota, decide, write on condition that nobody wrote in between.

use jiff::{SignedDuration, Timestamp};
use podio_client::Receipt;
use podio_lifecycle::{
    ports::{Metric, QuotaLog, SaveError, StoreError},
    quota::{Allotted, Booking, Need, Quota, Seen, Slot},
};

use crate::Worker;

/// A slot this near is waited for in the function; a longer wait belongs to the queue, whose clock ticks in seconds.
pub(crate) const SHORT: SignedDuration = SignedDuration::from_secs(2);

/// Whether even the first of the slots lies too far ahead to be waited for here.
pub(crate) fn is_far(slots: &[Booking], now: Timestamp) -> bool {
    slots.iter().min_by_key(|booking| booking.at).is_some_and(|first| first.is_ahead(now, SHORT))
}

/// Attempts at a write that other workers keep overtaking.
const CONTENDED: usize = 20;

impl Worker {
    /// Gives each job its slots: those it holds, where they are still good, else new ones, all in one write.
    pub(crate) async fn reserve(&self, needs: &[Need<'_>]) -> Result<Vec<Allotted>, StoreError> {
        if needs.iter().all(|need| need.calls == 0 && need.then.is_none()) {
            return Ok(vec![Allotted::default(); needs.len()]);
        }
        let configured = self.policy.ceiling;
        self.update_quota(|quota, now| needs.iter().map(|need| quota.allot(need, now, configured)).collect()).await
    }

    /// Gives back slots that will not be spent, for whoever asks next.
    pub(crate) async fn give_back(&self, route: &str, slots: &[Slot]) -> Result<(), StoreError> {
        if slots.is_empty() {
            return Ok(());
        }
        let configured = self.policy.ceiling;
        self.update_quota(|quota, _| quota.release(route, slots, configured)).await
    }

    /// Gives back slots that will not be spent. Should that fail, they are lost, and nothing else.
    pub(crate) async fn give_back_or_lose(&self, route: &str, slots: &[Slot]) {
        if let Err(error) = self.give_back(route, slots).await {
            tracing::warn!(%error, "slots could not be given back");
        }
    }

    /// Learns from what Podio said about the quota in an answer. Most answers tell nothing new, and then nothing is read
    /// or written.
    pub(crate) async fn learn(&self, receipt: &Receipt) -> Result<(), StoreError> {
        let configured = self.policy.ceiling;
        let route = receipt.quota_route();
        let seen = Seen { route: &route, limit: receipt.rate.limit, remaining: receipt.rate.remaining };
        let now = self.now();
        let is_news = self.with_known_quota(|known| {
            let mut trial = known.clone();
            trial.observe(&seen, now, configured);
            trial != *known
        });
        if !is_news {
            return Ok(());
        }
        let foreign = self
            .update_quota(|quota, now| {
                let before = quota.foreign;
                quota.observe(&seen, now, configured);
                quota.foreign - before
            })
            .await?;
        if foreign > 0 {
            tracing::warn!(calls = foreign, route, "somebody else spends the same quota");
            self.ports.metrics.add(Metric::ForeignCalls, foreign);
        }
        Ok(())
    }

    /// Books a refusal of Podio's.
    pub(crate) async fn book_rejection(&self, wait: Option<SignedDuration>) -> Result<(), StoreError> {
        let configured = self.policy.ceiling;
        self.ports.metrics.add(Metric::QuotaRejections, 1);
        self.update_quota(|quota, now| quota.rejected(now, wait, configured)).await
    }

    /// Looks at the quota as this process has last read or written it. Under a backlog it is large, so nobody gets a copy
    /// for the sake of a glance.
    pub(crate) fn with_known_quota<T>(&self, look: impl FnOnce(&Quota) -> T) -> T {
        look(&self.quota.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Reads the quota, if this process never has.
    pub(crate) async fn know_the_quota(&self) -> Result<(), StoreError> {
        match self.with_known_quota(|known| *known == Quota::default()) {
            true => self.update_quota(|_, _| ()).await,
            false => Ok(()),
        }
    }

    fn remember(&self, quota: &Quota) {
        self.quota.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone_from(quota);
    }

    /// Applies `change` to the quota; writes only if there is a difference.
    async fn update_quota<T>(&self, change: impl Fn(&mut Quota, Timestamp) -> T) -> Result<T, StoreError> {
        let stored: &dyn QuotaLog = &*self.ports.quota;
        for attempt in 0..CONTENDED {
            let (before, revision) = stored.read().await?;
            let mut quota = before.clone();
            let result = change(&mut quota, self.now());
            if quota == before {
                self.remember(&quota);
                return Ok(result);
            }
            match stored.write(revision, &quota).await {
                Ok(()) => {
                    self.remember(&quota);
                    return Ok(result);
                }
                Err(SaveError::Store(error)) => return Err(error),
                Err(SaveError::Conflict | SaveError::PersonTaken(_)) => {
                    let spread = SignedDuration::from_millis(i64::from(self.jitter() % 50) * (attempt as i64 + 1) / 4);
                    self.ports.clock.sleep(spread).await;
                }
            }
        }
        Err(StoreError::Unavailable("too many workers write the quota at once".to_owned()))
    }
}
