//! Starting the offboardings whose time has come.

use podio_lifecycle::{
    actor::Actor,
    ledger::NotCommitted,
    offboarding::{DueKind, Event},
    ports::{DueItem, StoreError},
};

use crate::{ROUND, ROUNDS, Sweep, Swept};

impl Sweep {
    pub(crate) async fn start_due(&self, swept: &mut Swept) -> Result<(), StoreError> {
        for _ in 0..ROUNDS {
            let now = self.now();
            let due = self.ports.due.due(DueKind::Start, now, ROUND).await?;
            let before = swept.started;
            for item in &due {
                let DueItem::Offboarding(id) = item else { continue };
                match self.ledger().commit_by(&Actor::schedule(), id, &Event::Due, now).await {
                    Ok(_) => swept.started += 1,
                    // Cancelled, or started by another sweep, since the index was read.
                    Err(NotCommitted::Refused(_) | NotCommitted::Unknown) => {}
                    Err(error) => {
                        tracing::warn!(offboarding = %id, %error, "could not be started; the next sweep tries again");
                        swept.postponed += 1;
                    }
                }
            }
            if due.len() < ROUND || swept.started == before {
                break;
            }
        }
        Ok(())
    }
}
