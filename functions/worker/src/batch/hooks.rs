//! What becomes of a hook's job that could not go on.

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    hooks::{Delivery, DeliveryState, HookRef, Reason},
    job::Job,
    offboarding::{Failure, podio_unavailable},
    ports::Metric,
    quota::Slot,
};

use super::OVERTAKEN_PAUSE;
use crate::{
    Worker,
    jobs::HookTask,
    message::{Message, Outcome},
    verdict::Halt,
};

impl Worker {
    pub(super) async fn halt_hook(&self, message: &Message, job: &Job, task: HookTask, halt: Halt) -> Outcome {
        let pause = match task {
            HookTask::Delivery(delivery) => self.halt_delivery(&delivery, halt).await,
            HookTask::Keep(on) => self.halt_keeping(&on, halt).await,
        };
        match pause {
            Ok(Some(pause)) => self.put_back(message, job, pause).await,
            Ok(None) => Outcome::Done,
            Err(Halt::Storage(error)) => self.storage_failed(message, job, &error).await,
            Err(_) => self.put_back(message, job, OVERTAKEN_PAUSE).await,
        }
    }

    /// Writes down why a delivery waits, or that it is given up; how long its message may sleep, none where it is over.
    async fn halt_delivery(&self, delivery: &Delivery, halt: Halt) -> Result<Option<SignedDuration>, Halt> {
        let now = self.now();
        match halt {
            Halt::Wait(slots) => {
                let until = slots.iter().map(|booking| booking.at).max().unwrap_or(now);
                let slots = slots.into_iter().map(|booking| booking.slot).collect();
                self.note_delivery(&delivery.parked(slots, until), until).await
            }
            Halt::Pause(until) => self.note_delivery(&delivery.parked(Vec::new(), until), until).await,
            Halt::Fault => {
                let until = now + self.backoff(delivery.attempts + 1);
                match delivery.faulted(until) {
                    Some(again) => self.note_delivery(&again, until).await,
                    None => self.refuse(delivery, podio_unavailable()).await,
                }
            }
            Halt::Fail(failure) => self.refuse(delivery, failure).await,
            halt @ (Halt::Storage(_) | Halt::Overtaken) => Err(halt),
        }
    }

    async fn note_delivery(&self, delivery: &Delivery, until: Timestamp) -> Result<Option<SignedDuration>, Halt> {
        self.ports.deliveries.note_delivery(delivery).await?;
        Ok(Some(until.duration_since(self.now())))
    }

    async fn refuse(&self, delivery: &Delivery, failure: Failure) -> Result<Option<SignedDuration>, Halt> {
        let reason = Reason::new(failure.code.name(), failure.detail);
        self.end_delivery(delivery, DeliveryState::Refused { at: self.now(), reason }).await?;
        Ok(None)
    }

    /// Ends a delivery and, where it is refused, says so to whoever watches.
    pub(crate) async fn end_delivery(&self, delivery: &Delivery, state: DeliveryState) -> Result<(), Halt> {
        let is_first = self.ports.deliveries.settle_delivery(&delivery.id, &state).await?;
        if let (true, DeliveryState::Refused { reason, .. }) = (is_first, &state) {
            let event = delivery.event.kind.log_name();
            tracing::error!(delivery = %delivery.id, event, code = reason.code, "the delivery is refused");
            self.ports.metrics.add(Metric::RefusedDeliveries, 1);
        }
        Ok(())
    }

    /// The sweep need not send another job while this one waits.
    async fn look_later(&self, on: &HookRef, until: Timestamp) -> Result<Option<SignedDuration>, Halt> {
        self.ports.kept.looked(on, until).await?;
        Ok(Some(until.duration_since(self.now())))
    }

    /// The hooks of an object are looked at again by and by, so that nothing has to be tried for ever.
    async fn halt_keeping(&self, on: &HookRef, halt: Halt) -> Result<Option<SignedDuration>, Halt> {
        match halt {
            Halt::Wait(slots) => {
                let until = slots.iter().map(|booking| booking.at).max().unwrap_or(self.now());
                let slots: Vec<Slot> = slots.into_iter().map(|booking| booking.slot).collect();
                // Nothing remembers them; whoever asks next may have them.
                let route = HookTask::Keep(on.clone()).route();
                self.give_back(&route, &slots).await?;
                self.look_later(on, until).await
            }
            Halt::Pause(until) => self.look_later(on, until).await,
            Halt::Fault => {
                tracing::warn!(%on, "Podio could not be asked for the hooks; the next look will");
                Ok(None)
            }
            Halt::Fail(failure) => {
                tracing::error!(%on, code = failure.code.name(), "the hooks cannot be kept");
                self.ports.metrics.add(Metric::MissingHooks, 1);
                Ok(None)
            }
            halt @ (Halt::Storage(_) | Halt::Overtaken) => Err(halt),
        }
    }
}
