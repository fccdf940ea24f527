//! What each message of a batch turns out to ask for.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use jiff::Timestamp;
use podio_lifecycle::{
    hooks::{Delivery, DeliveryId, HookRef},
    ids::{OffboardingId, SpaceId},
    job::{BatchKey, Job},
    offboarding::{Offboarding, State},
    ports::StoreError,
    quota::{Allotted, Booking, End, Lane, Need, Slot},
    removal::{RemovalBatch, RemovalState},
};

use super::Ready;
use crate::{
    Worker,
    jobs::{END, EndTask, HookTask, SpaceTask, StageTask, Task},
    message::Message,
};

/// What a message turned out to ask for.
pub(super) enum Prepared {
    /// Nothing any more.
    Nothing,
    /// Its record, or the quota's, could not be read.
    Unreadable(StoreError),
    /// To be run, with these slots.
    Task(Box<Task>, Vec<Booking>),
    /// A stage's job whose slots lie ahead.
    Wait(Box<Task>, Vec<Booking>),
}

impl Prepared {
    /// The slot that a space's record holds still and that is about to be spent.
    fn held(&self) -> Option<(&SpaceTask, Slot)> {
        let Self::Task(task, slots) = self else { return None };
        let Task::Space(space) = &**task else { return None };
        let spent = |slot: &Slot| slots.iter().any(|booking| booking.slot == *slot);
        space.entry.slot.filter(spent).map(|slot| (space, slot))
    }
}

/// What was loaded for a batch of messages, each record once.
#[derive(Default)]
struct Loaded {
    offboardings: HashMap<OffboardingId, Result<Option<Offboarding>, StoreError>>,
    batches: HashMap<(OffboardingId, BatchKey), Result<Option<RemovalBatch>, StoreError>>,
    deliveries: HashMap<DeliveryId, Result<Option<Delivery>, StoreError>>,
}

impl Loaded {
    fn task(&self, job: &Job) -> Result<Option<Task>, StoreError> {
        let (id, batch) = match job {
            Job::RemoveFromSpace { offboarding, batch, .. } => {
                (offboarding, self.batches.get(&(offboarding.clone(), *batch)).cloned().transpose()?.flatten())
            }
            Job::Plan { offboarding }
            | Job::ReserveEnd { offboarding }
            | Job::RemoveFromOrg { offboarding }
            | Job::VerifyRemoval { offboarding } => (offboarding, None),
            Job::Delivery { delivery } => {
                let delivery = self.deliveries.get(delivery).cloned().transpose()?.flatten();
                return Ok(delivery.and_then(Task::of_delivery));
            }
            Job::KeepHooks { ref_type, ref_id } => {
                let on = HookRef { ref_type: ref_type.clone(), ref_id: *ref_id };
                return Ok(Some(Task::Hook(HookTask::Keep(on))));
            }
        };
        let offboarding = self.offboardings.get(id).cloned().transpose()?.flatten();
        Ok(offboarding.and_then(|offboarding| Task::of(job, &offboarding, batch.as_ref())))
    }
}

impl Worker {
    /// Loads what the jobs are about, and reserves all their slots in one write.
    pub(super) async fn prepare(&self, jobs: &[(Message, Job)]) -> Vec<Prepared> {
        let mut loaded = Loaded::default();
        for (_, job) in jobs {
            if let Job::Delivery { delivery } = job
                && !loaded.deliveries.contains_key(delivery)
            {
                loaded.deliveries.insert(delivery.clone(), self.ports.deliveries.delivery(delivery).await);
            }
            let Some(id) = job.offboarding() else { continue };
            if !loaded.offboardings.contains_key(id) {
                loaded.offboardings.insert(id.clone(), self.ports.offboardings.load(id).await);
            }
            if let Job::RemoveFromSpace { batch, .. } = job {
                let key = (id.clone(), *batch);
                if let Entry::Vacant(place) = loaded.batches.entry(key) {
                    place.insert(self.ports.removals.batch(id, *batch).await);
                }
            }
        }
        for offboarding in loaded.offboardings.values().flatten().flatten() {
            self.return_slots_of_cancelled(offboarding).await;
        }
        // The same job twice in one batch is one job.
        let repeats = |index: usize| jobs[..index].iter().any(|(_, earlier)| *earlier == jobs[index].1);
        let task = |index: usize| if repeats(index) { Ok(None) } else { loaded.task(&jobs[index].1) };
        let mut tasks: Vec<Result<Option<Task>, StoreError>> = (0..jobs.len()).map(task).collect();
        self.gather(tasks.iter_mut().filter_map(|task| task.as_mut().ok()?.as_mut())).await;
        for task in &mut tasks {
            if let Ok(Some(Task::End(end))) = task {
                self.foresee(end).await;
            }
        }
        let now = self.now();
        let wanted: Vec<Option<(String, Wanted)>> = tasks
            .iter()
            .map(|task| task.as_ref().ok()?.as_ref().map(|task| (task.route(), task.wanted(now))))
            .collect();
        let needs = wanted.iter().map(|wanted| match wanted {
            Some((route, wanted)) => wanted.need(route),
            None => NOTHING,
        });
        let (allotted, failed) = match self.reserve(&needs.collect::<Vec<_>>()).await {
            Ok(allotted) => (allotted, None),
            Err(error) => (vec![Allotted::default(); jobs.len()], Some(error)),
        };
        for (task, allotted) in tasks.iter().zip(&allotted) {
            match task {
                Ok(Some(Task::Space(space))) => self.reserve_the_end(&space.offboarding, &allotted.then, true).await,
                Ok(Some(Task::End(end))) => {
                    self.reserve_the_end(&end.offboarding, &allotted.then, !end.in_a_crowd()).await;
                }
                _ => {}
            }
        }
        let prepared = tasks.into_iter().zip(allotted).map(|(task, allotted)| match (task, &failed) {
            (Err(error), _) => Prepared::Unreadable(error),
            (Ok(Some(_)), Some(error)) => Prepared::Unreadable(error.clone()),
            (Ok(Some(task)), None) => Prepared::Task(Box::new(task), allotted.slots),
            (Ok(None), _) => Prepared::Nothing,
        });
        prepared.collect()
    }

    /// Takes the slots that spaces waited for off their records, one write for each batch, so that a duplicate of the
    /// message, in another worker, cannot spend them too. Who comes too late asks for new ones.
    pub(super) async fn take_slots<'a>(&self, mut jobs: Vec<Ready<'a>>) -> Vec<Ready<'a>> {
        let mut held: BTreeMap<(OffboardingId, BatchKey), Vec<(SpaceId, Slot)>> = BTreeMap::new();
        for (space, slot) in jobs.iter().filter_map(|(_, _, prepared)| prepared.held()) {
            held.entry((space.offboarding.id.clone(), space.key)).or_default().push((space.entry.space_id, slot));
        }
        for ((id, key), slots) in held {
            match self.ports.removals.take_slots(&id, key, &slots).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "slots could not be taken; new ones are reserved"),
            }
            let concerned = |space: &SpaceTask| space.offboarding.id == id && space.key == key;
            for (_, _, prepared) in &mut jobs {
                if prepared.held().is_some_and(|(space, _)| concerned(space))
                    && let Prepared::Task(_, slots) = prepared
                {
                    slots.clear();
                }
            }
        }
        jobs
    }
}

/// Of somebody who needs no slot.
const NOTHING: Need<'static> =
    Need { route: "", lane: Lane::Removal, held: &[], calls: 0, together: false, then: None };

/// What a task needs of the quota, but for the route.
struct Wanted {
    lane: Lane,
    held: Vec<Slot>,
    calls: usize,
    together: bool,
    then: Option<WantedEnd>,
}

/// The end of an offboarding, and the calls that it comes after.
struct WantedEnd {
    calls: usize,
    after: Vec<Slot>,
}

impl Wanted {
    fn need<'a>(&'a self, route: &'a str) -> Need<'a> {
        let Self { lane, ref held, calls, together, ref then } = *self;
        let then = then.as_ref().map(|end| End { calls: end.calls, after: &end.after });
        Need { route, lane, held, calls, together, then }
    }
}

impl Task {
    /// What a job still has to do; nothing where the offboarding has moved on.
    fn of(job: &Job, offboarding: &Offboarding, batch: Option<&RemovalBatch>) -> Option<Self> {
        if let Job::RemoveFromSpace { batch: key, space, .. } = job {
            let batch = batch?;
            let entry = batch.space(*space)?.clone();
            let in_force = offboarding.owns(*key) && offboarding.may_leave_spaces();
            let open = entry.state == RemovalState::Pending || (batch.is_settled() && !batch.counted);
            return (in_force && open).then(|| {
                Self::Space(SpaceTask { offboarding: offboarding.clone(), key: *key, batch: batch.clone(), entry })
            });
        }
        if let Job::ReserveEnd { .. } = job {
            let is_open = offboarding.state == State::Removing && offboarding.work.slots.is_empty();
            return is_open.then(|| Self::End(EndTask { offboarding: offboarding.clone(), exits: None, crowd: false }));
        }
        let fits = offboarding.stage_job().as_ref() == Some(job);
        fits.then(|| Self::Stage(StageTask::of(offboarding)))
    }

    /// What a delivery still asks for; nothing where it has ended.
    fn of_delivery(delivery: Delivery) -> Option<Self> {
        (!delivery.state.is_final()).then(|| Self::Hook(HookTask::Delivery(Box::new(delivery))))
    }

    fn wanted(&self, now: Timestamp) -> Wanted {
        let lane = self.lane();
        match self {
            Self::Space(space) => {
                let is_pending = space.entry.state == RemovalState::Pending;
                let ends = space.is_last() && space.offboarding.work.slots.is_empty();
                Wanted {
                    lane,
                    held: space.entry.slot.into_iter().collect(),
                    calls: usize::from(is_pending && !space.rides()),
                    together: false,
                    then: ends.then_some(WantedEnd { calls: END, after: Vec::new() }),
                }
            }
            Self::Stage(stage) => Wanted {
                lane,
                held: stage.offboarding.work.slots.clone(),
                calls: stage.calls_at_once(now),
                together: matches!(stage.offboarding.state, State::Finalizing | State::Verifying),
                then: None,
            },
            Self::End(task) => Wanted {
                lane,
                held: Vec::new(),
                calls: 0,
                together: false,
                then: task.end().map(|(calls, after)| WantedEnd { calls, after }),
            },
            Self::Hook(hook) => {
                Wanted { lane, held: hook.held(), calls: hook.calls_at_once(), together: false, then: None }
            }
        }
    }
}
