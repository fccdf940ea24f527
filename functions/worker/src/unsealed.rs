//! Sealing the evidence of offboardings that ended without it.
//!
//! One that completes is sealed as it does. One that fails or is cancelled may do so at the hands of a door or of the sweep,
//! which hold no key: the index lists it until the worker has sealed it, after its next batch of messages. The sweep sends
//! a message where none comes by itself.

use podio_lifecycle::{
    ledger::NotCommitted,
    offboarding::DueKind,
    ports::{DueItem, StoreError},
};

use crate::Worker;

/// How many are sealed after one batch.
const AT_ONCE: usize = 10;

impl Worker {
    /// Seals what is found. What could not be sealed now is found again.
    pub(crate) async fn seal_ended(&self) {
        for kind in [DueKind::Unsealed, DueKind::FailedUnsealed] {
            if let Err(error) = self.seal_all(kind).await {
                tracing::warn!(%error, "no offboarding is sealed now; the next batch tries again");
            }
        }
    }

    async fn seal_all(&self, kind: DueKind) -> Result<(), StoreError> {
        let now = self.now();
        for item in self.ports.due.due(kind, now, AT_ONCE).await? {
            let DueItem::Offboarding(id) = item else { continue };
            match self.ledger().seal(&id, now).await {
                Ok(true) => tracing::info!(offboarding = id.as_str(), "evidence sealed"),
                // Sealed, retried or cancelled since the index was read.
                Ok(false) | Err(NotCommitted::Conflict) => {}
                Err(error) => tracing::warn!(offboarding = id.as_str(), %error, "not sealed now"),
            }
        }
        Ok(())
    }
}
