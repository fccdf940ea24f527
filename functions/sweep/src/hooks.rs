//! Having the hooks looked at once in a while: Podio switches one off without a word when its deliveries fail.

use jiff::SignedDuration;
use podio_lifecycle::{job::Job, ports::StoreError};

use crate::{Sweep, Swept};

/// How often the hooks of an object are looked at.
const EVERY: SignedDuration = SignedDuration::from_hours(1);

impl Sweep {
    pub(crate) async fn keep_hooks(&self, swept: &mut Swept) -> Result<(), StoreError> {
        let now = self.now();
        for on in &self.hooked {
            if self.ports.kept.last_look(on).await?.is_some_and(|at| now < at + EVERY) {
                continue;
            }
            let job = Job::KeepHooks { ref_type: on.ref_type.clone(), ref_id: on.ref_id };
            if let Err(error) = self.ports.jobs.send(&[(job, SignedDuration::ZERO)]).await {
                tracing::warn!(%on, %error, "the hooks are left to the next sweep");
                swept.postponed += 1;
                continue;
            }
            self.ports.kept.looked(on, now).await?;
            swept.hooks_looked_at += 1;
        }
        Ok(())
    }
}
