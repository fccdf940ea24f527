//! Sending the jobs of deliveries again that were lost, also since the queue was down when they came.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    hooks::{Delivery, DeliveryId},
    ports::{SaveError, StoreError},
};

use crate::{ROUND, ROUNDS, Sweep, Swept};

impl Sweep {
    pub(crate) async fn resend_deliveries(&self, swept: &mut Swept) -> Result<(), StoreError> {
        // The index lags behind: what this sweep has dealt with may still be listed in its next round.
        let mut seen: HashSet<DeliveryId> = HashSet::new();
        for _ in 0..ROUNDS {
            let now = self.now();
            let due = self.ports.due_deliveries.due_deliveries(now - self.patience, ROUND).await?;
            let fresh: Vec<DeliveryId> = due.iter().filter(|id| seen.insert((*id).clone())).cloned().collect();
            let sent = self.resend_some(&fresh, now).await;
            match sent {
                Ok(count) => swept.resent += count,
                Err(error) => {
                    tracing::warn!(error, "deliveries are left for the next sweep");
                    swept.postponed += u32::try_from(fresh.len()).unwrap_or(u32::MAX);
                    break;
                }
            }
            if due.len() < ROUND || fresh.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Notes that they are expected anew, then sends their jobs together; how many.
    async fn resend_some(&self, ids: &[DeliveryId], now: Timestamp) -> Result<u32, String> {
        let mut jobs = Vec::new();
        for id in ids {
            let delivery = self.ports.deliveries.delivery(id).await.map_err(|error| error.to_string())?;
            let Some(delivery) = delivery.filter(|delivery| self.is_overdue(delivery, now)) else { continue };
            match self.ports.deliveries.note_delivery(&delivery.parked(delivery.slots.clone(), now)).await {
                Ok(()) => jobs.extend(delivery.job().map(|job| (job, SignedDuration::ZERO))),
                // A sign of life since the index was read.
                Err(SaveError::Conflict | SaveError::PersonTaken(_)) => {}
                Err(SaveError::Store(error)) => return Err(error.to_string()),
            }
        }
        if jobs.is_empty() {
            return Ok(0);
        }
        self.ports.jobs.send(&jobs).await.map_err(|error| error.to_string())?;
        tracing::warn!(jobs = jobs.len(), "jobs of deliveries sent again");
        Ok(u32::try_from(jobs.len()).unwrap_or(u32::MAX))
    }

    fn is_overdue(&self, delivery: &Delivery, now: Timestamp) -> bool {
        delivery.due_at.is_some_and(|due| due <= now - self.patience)
    }
}
