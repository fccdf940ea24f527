//! Counting how long no audit has ended, so that somebody is told when none does any more.

use podio_lifecycle::ports::{Metric, StoreError};

use crate::Sweep;

impl Sweep {
    /// The longest time since a completed audit, in percent of the time between two of them: 100 just before the next one is
    /// due. Nothing is counted before the first audit has begun.
    pub(crate) async fn count_audit_age(&self) -> Result<(), StoreError> {
        let (schedule, organizations) = &self.audited;
        let Some(period) = schedule.period() else { return Ok(()) };
        let mut oldest = None;
        for org in organizations {
            let Some(audited) = self.ports.audits.audited(*org).await? else { continue };
            let age = self.now().duration_since(audited.since()).as_secs().max(0);
            oldest = oldest.max(Some(age.saturating_mul(100) / period.as_secs().max(1)));
        }
        if let Some(percent) = oldest {
            self.ports.metrics.add(Metric::AuditAge, u64::try_from(percent).unwrap_or_default());
        }
        Ok(())
    }
}
