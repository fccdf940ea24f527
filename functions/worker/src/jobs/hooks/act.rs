//! What events mean to offboardings.

use podio_lifecycle::hooks::Delivery;

use crate::{Worker, caller::Caller, verdict::Halt};

impl Worker {
    /// Does what an event means to the service itself. It may be called twice for the same delivery.
    pub(super) async fn act_on(&self, _delivery: &Delivery, _caller: &mut Caller<'_>) -> Result<(), Halt> {
        Ok(())
    }
}
