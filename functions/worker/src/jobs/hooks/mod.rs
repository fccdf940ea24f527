//! What a delivery of a hook asks for: its verification, or whatever the event means to the service and to others. And the
//! hooks themselves, which are looked at once in a while.

mod act;
mod keep;
mod leavers_app;
mod look_again;
mod verify;

use jiff::SignedDuration;
pub use keep::Registration;
use podio_lifecycle::{
    hooks::{CloudEvent, Delivery, DeliveryId, DeliveryState, EventType, HookRef, Reason, kept},
    offboarding::FailureCode,
    ports::{Metric, SaveError, StoreError},
    retry::backoff,
    work::{JobId, Priority, Waiting},
};

use crate::{Worker, batch::Left, session::Session, verdict::Halt};

/// How often the hooks of an object are looked at.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
impl Worker {
    /// Does everything that a delivery asks for, then ends it. Each part may be done twice.
    pub(crate) async fn run_delivery(&self, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
        let Ok(id) = job.subject.parse::<DeliveryId>() else { return self.leave(job).await };
        let delivery = self.ports.deliveries.delivery(&id).await?;
        let Some(delivery) = delivery.filter(|delivery| !delivery.state.is_final()) else {
            return self.leave(job).await;
        };
        if let Some(waiting) = delivery.waiting() {
            session.at_priority(waiting.priority);
        }
        let now = self.now();
        let waits = match self.deal_with(&delivery, session).await {
            Ok(()) => return Ok(Left::Done),
            Err(Halt::Wait) => delivery.paused(None),
            Err(Halt::Pause(until)) => delivery.paused(Some(until)),
            // What an event leads to is tried for as long as Podio is unwell.
            Err(Halt::Fault) => delivery.faulted(now, now + backoff(delivery.faults + 1, self.jitter())),
            Err(Halt::Fail(failure)) => {
                let reason = Reason::new(failure.code.name(), failure.detail);
                return match self.end_delivery(&delivery, DeliveryState::Refused { at: now, reason }).await {
                    Err(Halt::Storage(error)) => Err(error),
                    _ => Ok(Left::Done),
                };
            }
            Err(Halt::Storage(error)) => return Err(error),
            Err(Halt::Overtaken) => return Ok(Left::Waits),
        };
        match self.ports.deliveries.note_delivery(&waits).await {
            Ok(()) => {}
            Err(SaveError::Conflict | SaveError::PersonTaken(_)) => return Ok(Left::Waits),
            Err(SaveError::Store(error)) => return Err(error),
        }
        self.ports.work.survived(job).await?;
        session.fresh(job.clone(), waits.waiting());
        Ok(Left::Waits)
    }

    async fn deal_with(&self, delivery: &Delivery, session: &mut Session<'_>) -> Result<(), Halt> {
        let state = match delivery.event.kind {
            EventType::Verify => self.verify_hook(delivery, session).await?,
            _ => {
                let state = self.act_on(delivery, session).await?;
                self.publish(delivery).await?;
                state
            }
        };
        self.end_delivery(delivery, state).await
    }

    /// Ends a delivery and, where it is refused, says so to whoever watches.
    async fn end_delivery(&self, delivery: &Delivery, state: DeliveryState) -> Result<(), Halt> {
        let is_first = self.ports.deliveries.settle_delivery(&delivery.id, &state).await?;
        if let (true, DeliveryState::Refused { reason, .. }) = (is_first, &state) {
            let event = delivery.event.kind.log_name();
            tracing::error!(delivery = %delivery.id, event, code = reason.code, "the delivery is refused");
            self.ports.metrics.add(Metric::RefusedDeliveries, 1);
        }
        Ok(())
    }

    /// Refuses a delivery whose attempts keep dying.
    pub(crate) async fn give_up_delivery(&self, job: &JobId) -> Result<(), StoreError> {
        let Ok(id) = job.subject.parse::<DeliveryId>() else { return Ok(()) };
        let detail = "The job of this delivery has ended its worker again and again. Look for it in the worker's log.";
        let reason = Reason::new(FailureCode::JobCrashed.name(), detail);
        let refused = DeliveryState::Refused { at: self.now(), reason };
        if self.ports.deliveries.settle_delivery(&id, &refused).await? {
            self.ports.metrics.add(Metric::RefusedDeliveries, 1);
        }
        Ok(())
    }

    /// Tells others, where there is a bus.
    async fn publish(&self, delivery: &Delivery) -> Result<(), Halt> {
        let (Some(bus), Some(event)) = (&self.ports.events, CloudEvent::of(delivery)) else { return Ok(()) };
        bus.publish(&event).await.map_err(|error| {
            tracing::warn!(delivery = %delivery.id, %error, "could not be published");
            Halt::Fault
        })
    }

    /// Looks at the hooks of an object, and again an hour later.
    pub(crate) async fn run_keep_hooks(&self, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
        let Ok(on) = job.subject.parse::<HookRef>() else { return self.leave(job).await };
        let is_wanted = self.policy.registration.as_ref().is_some_and(|it| it.hooks.of(&on).is_some());
        if !is_wanted {
            return self.leave(job).await;
        }
        session.at_priority(Priority::Background);
        let now = self.now();
        let until = match self.keep_hooks(&on, session).await {
            Ok(()) => Some(now + EVERY),
            Err(Halt::Wait | Halt::Overtaken) => None,
            Err(Halt::Pause(until)) => Some(until),
            Err(Halt::Fault) => Some(now + EVERY / 4),
            Err(Halt::Fail(failure)) => {
                tracing::error!(%on, code = failure.code.name(), "the hooks cannot be kept");
                self.ports.metrics.add(Metric::MissingHooks, 1);
                Some(now + EVERY)
            }
            Err(Halt::Storage(error)) => return Err(error),
        };
        self.wait_again(Waiting { not_before: until, ..kept(&on, now) }, session).await
    }
}
