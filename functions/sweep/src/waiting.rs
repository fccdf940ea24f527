//! Counting what waits for a person, so that an alarm rings until somebody has seen to it.

use podio_lifecycle::{
    offboarding::DueKind,
    ports::{Metric, StoreError},
};

use crate::{ROUND, Sweep, Swept};

impl Sweep {
    /// Counts at most [`ROUND`] of each kind: one is enough for an alarm.
    pub(crate) async fn count_waiting(&self, swept: &mut Swept) -> Result<(), StoreError> {
        let now = self.now();
        let held = self.ports.due.due(DueKind::Held, now, ROUND).await?.len();
        let failed = self.ports.due.due(DueKind::Failed, now, ROUND).await?.len();
        for (metric, count) in [(Metric::Held, held), (Metric::FailedOffboardings, failed)] {
            if count > 0 {
                self.ports.metrics.add(metric, count as u64);
            }
        }
        swept.held = u32::try_from(held).unwrap_or(u32::MAX);
        swept.failed = u32::try_from(failed).unwrap_or(u32::MAX);
        Ok(())
    }
}
