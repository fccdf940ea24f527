//! Waking the worker where an offboarding has ended and its evidence is not sealed yet.
//!
//! The worker seals what it finds after each batch of messages; what a door has cancelled, or this sweep has failed, may be
//! followed by no message at all.

use jiff::SignedDuration;
use podio_lifecycle::{
    job::Job,
    offboarding::DueKind,
    ports::{DueItem, StoreError},
};

use crate::{Sweep, Swept};

impl Sweep {
    /// Sends one message, however many there are: there is nothing to plan any more, so that the worker only seals.
    pub(crate) async fn wake_to_seal(&self, swept: &mut Swept) -> Result<(), StoreError> {
        for kind in [DueKind::Unsealed, DueKind::FailedUnsealed] {
            let found = self.ports.due.due(kind, self.now(), 1).await?;
            let Some(DueItem::Offboarding(offboarding)) = found.into_iter().next() else { continue };
            match self.ports.jobs.send(&[(Job::Plan { offboarding }, SignedDuration::ZERO)]).await {
                Ok(()) => swept.woken += 1,
                Err(error) => {
                    tracing::warn!(%error, "not sealed yet; the next sweep asks for it again");
                    swept.postponed += 1;
                }
            }
            break;
        }
        Ok(())
    }
}
