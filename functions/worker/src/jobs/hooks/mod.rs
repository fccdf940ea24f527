//! What a delivery of a hook asks for: its verification, or whatever the event means to the service and to others.

mod act;
mod keep;
mod leavers_app;
mod look_again;
mod verify;

pub use keep::Registration;
use podio_client::hook;
use podio_lifecycle::{
    hooks::{CloudEvent, Delivery, EventType, HookRef},
    ids::HookId,
    quota::{Lane, Slot},
};

use crate::{Worker, caller::Caller, verdict::Halt};

/// What a hook's job is about.
pub(crate) enum HookTask {
    /// A delivery, as it is stored now.
    Delivery(Box<Delivery>),
    /// The hooks of an object.
    Keep(HookRef),
}

impl HookTask {
    /// In which lane its calls go.
    pub(crate) fn lane(&self) -> Lane {
        match self {
            Self::Delivery(_) => Lane::Interactive,
            Self::Keep(_) => Lane::Background,
        }
    }

    /// The route of the call that it is about to make.
    pub(crate) fn route(&self) -> String {
        match self {
            Self::Delivery(_) => hook::validate(HookId(0), "").quota_route(),
            Self::Keep(_) => hook::list(hook::HookTarget::Item(0)).quota_route(),
        }
    }

    /// Calls that are certain. Others are reserved when it turns out that they are needed.
    pub(crate) fn calls_at_once(&self) -> usize {
        match self {
            Self::Delivery(delivery) => usize::from(delivery.event.kind == EventType::Verify),
            Self::Keep(_) => 1,
        }
    }

    /// Slots that it has waited for.
    pub(crate) fn held(&self) -> Vec<Slot> {
        match self {
            Self::Delivery(delivery) => delivery.slots.clone(),
            Self::Keep(_) => Vec::new(),
        }
    }
}

impl Worker {
    /// Runs a hook's job.
    pub(crate) async fn run_hook(&self, task: &mut HookTask, caller: &mut Caller<'_>) -> Result<(), Halt> {
        match task {
            HookTask::Delivery(delivery) => self.handle_delivery(delivery, caller).await,
            HookTask::Keep(on) => self.keep_hooks(on, caller).await,
        }
    }

    /// Does everything that a delivery asks for, then ends it. Each part may be done twice.
    async fn handle_delivery(&self, delivery: &mut Delivery, caller: &mut Caller<'_>) -> Result<(), Halt> {
        self.take_waited_slots(delivery).await?;
        let state = match delivery.event.kind {
            EventType::Verify => self.verify_hook(delivery, caller).await?,
            _ => {
                let state = self.act_on(delivery, caller).await?;
                self.publish(delivery).await?;
                state
            }
        };
        self.end_delivery(delivery, state).await
    }

    /// Takes the slots that are about to be spent off the record, so that a duplicate cannot spend them too.
    async fn take_waited_slots(&self, delivery: &mut Delivery) -> Result<(), Halt> {
        if delivery.slots.is_empty() {
            return Ok(());
        }
        let taken = delivery.parked(Vec::new(), self.now());
        self.ports.deliveries.note_delivery(&taken).await?;
        *delivery = Delivery { revision: taken.revision + 1, ..taken };
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
}
