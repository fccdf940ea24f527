//! Reserving slots: read the log, decide, write on condition that nobody wrote in between.

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    ports::{QuotaLog, SaveError, StoreError},
    quota::{Ceiling, ReservationLog, Slot},
};

use crate::Worker;

/// A slot this near is waited for in the function; a longer wait belongs to the queue, whose clock ticks in seconds.
pub(crate) const SHORT: SignedDuration = SignedDuration::from_secs(2);

/// Whether any of the slots lies too far ahead to be waited for here.
pub(crate) fn is_far(slots: &[Slot], now: Timestamp) -> bool {
    slots.iter().any(|slot| slot.0.duration_since(now) > SHORT)
}

/// Attempts at a write that other workers keep overtaking.
const CONTENDED: usize = 20;

/// One job's need.
#[derive(Debug, Clone)]
pub(crate) struct Need {
    /// Slots that it holds from an earlier run.
    pub held: Vec<Slot>,
    /// Calls that it is about to make, at one moment.
    pub calls: usize,
}

impl Worker {
    /// Gives each job its slots: those it holds, where they are still good, else new ones, all in one write.
    pub(crate) async fn reserve(&self, needs: &[Need]) -> Result<Vec<Vec<Slot>>, StoreError> {
        if needs.iter().all(|need| need.calls == 0) {
            return Ok(vec![Vec::new(); needs.len()]);
        }
        let ceiling = self.policy.ceiling;
        self.update_log(|log, now| needs.iter().map(|need| allot(log, need, now, ceiling)).collect()).await
    }

    /// Books a refusal of Podio's.
    pub(crate) async fn book_rejection(&self, wait: Option<SignedDuration>) -> Result<(), StoreError> {
        let ceiling = self.policy.ceiling;
        self.update_log(|log, now| log.rejected(now, wait, ceiling)).await
    }

    /// Applies `change` to the log; writes only if there is a difference.
    async fn update_log<T>(&self, change: impl Fn(&mut ReservationLog, Timestamp) -> T) -> Result<T, StoreError> {
        let quota: &dyn QuotaLog = &*self.ports.quota;
        for attempt in 0..CONTENDED {
            let (before, revision) = quota.read().await?;
            let mut log = before.clone();
            let result = change(&mut log, self.now());
            if log == before {
                return Ok(result);
            }
            match quota.write(revision, &log).await {
                Ok(()) => return Ok(result),
                Err(SaveError::Store(error)) => return Err(error),
                Err(SaveError::Conflict | SaveError::PersonTaken(_)) => {
                    let spread = SignedDuration::from_millis(i64::from(self.jitter() % 50) * (attempt as i64 + 1) / 4);
                    self.ports.clock.sleep(spread).await;
                }
            }
        }
        Err(StoreError::Unavailable("too many workers write the reservation log at once".to_owned()))
    }
}

fn allot(log: &mut ReservationLog, need: &Need, now: Timestamp, ceiling: Ceiling) -> Vec<Slot> {
    let good = |slot: &Slot| !slot.is_missed(now, ceiling) && !log.blocks(*slot);
    if !need.held.is_empty() && need.held.iter().all(good) {
        return need.held.clone();
    }
    match need.calls {
        0 => Vec::new(),
        1 => log.reserve(now, 1, ceiling),
        calls => log.reserve_together(now, calls, ceiling),
    }
}
