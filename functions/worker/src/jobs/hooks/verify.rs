//! Sending back the code with which Podio makes sure that a hook's address is ours.
//!
//! A code is good once and for its hook only, so whatever refusal Podio gives is the last word on it: it is recorded, and
//! only what says nothing of the code is tried again.

use podio_client::{Error, NotFoundKind, hook};
use podio_lifecycle::hooks::{Delivery, DeliveryState, Reason};

use crate::{Worker, session::Session, verdict::Halt};

impl Worker {
    /// Validates a hook.
    pub(super) async fn verify_hook(
        &self,
        delivery: &Delivery,
        session: &mut Session<'_>,
    ) -> Result<DeliveryState, Halt> {
        let (Some(hook), Some(code)) = (delivery.hook, &delivery.code) else {
            return Ok(self.refused("incomplete", "The verification names no hook, or brings no code."));
        };
        let state = match session.call(&hook::validate(hook, code.expose())).await? {
            Ok(()) => {
                tracing::info!(delivery = %delivery.id, %hook, on = %delivery.on, "the hook is active");
                DeliveryState::Handled { at: self.now() }
            }
            Err(Error::Invalid { .. } | Error::Unsendable) => {
                self.refused("wrong_code", "Podio does not take the code; it may be an old one.")
            }
            Err(Error::Forbidden { .. }) => self.refused(
                "missing_rights",
                "The account that the service acts as may not validate this hook. Let it join the hook's object.",
            ),
            Err(Error::NotFound(NotFoundKind::Object | NotFoundKind::Route) | Error::Gone) => {
                self.refused("unknown_hook", "Podio knows no such hook.")
            }
            Err(error) => return Err(Halt::of(&error, "the validation of a hook")),
        };
        Ok(state)
    }

    fn refused(&self, code: &str, detail: &str) -> DeliveryState {
        DeliveryState::Refused { at: self.now(), reason: Reason::new(code, detail) }
    }
}
