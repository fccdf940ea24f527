//! Putting messages to sleep.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    ids::{OffboardingId, SpaceId},
    job::{BatchKey, Job},
    offboarding::{Event, Offboarding, State},
    quota::{Booking, Slot},
};

use super::OVERTAKEN_PAUSE;
use crate::{
    Worker,
    jobs::{SpaceTask, StageTask, Task},
    message::{Message, Outcome},
    reserve::SHORT,
};

/// Receipts after which a message that is being put back is sent anew instead: the queue counts every receipt, but only
/// a message that crashes the worker may run up to the dead-letter queue.
const RENEW_AFTER: u32 = 2;

/// The jobs of spaces that wait for their slots, by batch.
#[derive(Default)]
pub(super) struct Waits<'a> {
    groups: BTreeMap<(OffboardingId, BatchKey), Vec<Waiting<'a>>>,
}

struct Waiting<'a> {
    message: &'a Message,
    job: &'a Job,
    space: SpaceId,
    slot: Option<Booking>,
    /// Until when other spaces of the batch wait.
    siblings_until: Timestamp,
}

impl<'a> Waits<'a> {
    pub(super) fn add(&mut self, message: &'a Message, job: &'a Job, task: &SpaceTask, slots: Vec<Booking>) {
        let slot = slots.into_iter().max_by_key(|booking| booking.at);
        let siblings_until = task.batch.quiet_until(task.batch.due_at.unwrap_or(Timestamp::UNIX_EPOCH));
        let waiting = Waiting { message, job, space: task.entry.space_id, slot, siblings_until };
        self.groups.entry(task.name()).or_default().push(waiting);
    }
}

impl Worker {
    /// Notes the slots that were reserved for the end of an offboarding. Should that fail, the end asks for others when it
    /// comes.
    pub(super) async fn reserve_the_end(&self, offboarding: &Offboarding, slots: &[Booking], alone: bool) {
        if slots.is_empty() {
            return;
        }
        let slots = slots.iter().map(|booking| booking.slot).collect();
        if let Err(error) = self.ledger().commit(offboarding, Event::EndReserved { slots, alone }, self.now()).await {
            tracing::info!(%error, offboarding = %offboarding.id, "the end will ask for its own slots");
        }
    }

    /// Gives back what a cancelled plan waited for, to whoever asks next. It is struck off the record first, so that it is
    /// given back once; should that or the rest fail, it is lost, and nothing else.
    pub(super) async fn return_slots_of_cancelled(&self, offboarding: &Offboarding) {
        if !matches!(offboarding.state, State::Cancelled { .. }) || offboarding.work.slots.is_empty() {
            return;
        }
        let (now, slots) = (self.now(), &offboarding.work.slots);
        // If one of them is near, a worker may have taken the plan up, and gives them all back by itself.
        let ahead: &[Slot] = if slots.iter().all(|slot| slot.0 > now + SHORT) { slots } else { &[] };
        // Of the call that comes next, by the record. Slots that were reserved for another one, under another ceiling, are lost.
        let route = Task::Stage(StageTask::of(offboarding)).route();
        match self.ledger().commit(offboarding, Event::SlotsReturned, now).await {
            Ok(_) => self.give_back_or_lose(&route, ahead).await,
            Err(error) => tracing::info!(%error, offboarding = %offboarding.id, "slots of a cancelled plan are lost"),
        }
    }

    /// Writes the slots down, one write for each batch, then lets the messages sleep until then.
    pub(super) async fn park_spaces(&self, waits: Waits<'_>) -> Vec<(String, Outcome)> {
        let mut outcomes = Vec::new();
        for ((id, key), group) in waits.groups {
            let slots = group.iter().filter_map(|wait| wait.slot).map(|booking| booking.at);
            let siblings = group.iter().map(|wait| wait.siblings_until);
            let latest = slots.chain(siblings).fold(self.now(), Timestamp::max);
            let stamp = |wait: &Waiting<'_>| (wait.space, wait.slot.map(|booking| booking.slot));
            let stamps: Vec<(SpaceId, Option<Slot>)> = group.iter().map(stamp).collect();
            let stamped = self.ports.removals.stamp(&id, key, &stamps, Some(latest)).await;
            for wait in group {
                let outcome = match &stamped {
                    Ok(()) => {
                        let pause = wait.slot.map_or(OVERTAKEN_PAUSE, |booking| booking.at.duration_since(self.now()));
                        self.put_back(wait.message, wait.job, pause).await
                    }
                    Err(error) => self.storage_failed(wait.message, wait.job, error).await,
                };
                outcomes.push((wait.message.id.clone(), outcome));
            }
        }
        outcomes
    }

    /// Lets the message show again after `pause`. What has been received often already is sent anew instead.
    pub(super) async fn put_back(&self, message: &Message, job: &Job, pause: SignedDuration) -> Outcome {
        let pause = pause.max(SignedDuration::ZERO);
        if message.receives >= RENEW_AFTER && self.ports.jobs.send(&[(job.clone(), pause)]).await.is_ok() {
            return Outcome::Done;
        }
        if let Err(error) = self.ports.parking.park(&message.receipt, pause).await {
            tracing::warn!(%error, "could not park the message; it shows again after the queue's own pause");
        }
        Outcome::Again
    }
}
