//! Counting what waits for a person, so that an alarm rings until somebody has seen to it.

use jiff::SignedDuration;
use podio_lifecycle::{
    offboarding::DueKind,
    ports::{Metric, StoreError},
};

use crate::{ROUND, Sweep, Swept};

/// How long a held offboarding may wait before anybody is told.
const HELD: SignedDuration = SignedDuration::from_hours(24);

impl Sweep {
    /// Counts at most [`ROUND`] of each kind: one is enough for an alarm.
    pub(crate) async fn count_waiting(&self, swept: &mut Swept) -> Result<(), StoreError> {
        let now = self.now();
        let held = self.ports.due.due(DueKind::Held, now - HELD, ROUND).await?.len();
        let mut failed = self.ports.due.due(DueKind::Failed, now, ROUND).await?.len();
        failed += self.ports.due.due(DueKind::FailedUnsealed, now, ROUND).await?.len();
        for (metric, count) in [(Metric::HeldForADay, held), (Metric::FailedOffboardings, failed)] {
            if count > 0 {
                self.ports.metrics.add(metric, count as u64);
            }
        }
        swept.held_for_a_day = u32::try_from(held).unwrap_or(u32::MAX);
        swept.failed = u32::try_from(failed).unwrap_or(u32::MAX);
        Ok(())
    }
}
