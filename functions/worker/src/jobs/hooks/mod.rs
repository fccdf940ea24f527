//! What deliveries of hooks ask for: a verification, or whatever the event means to the service and to others. And the hooks
//! themselves, which are looked at once in a while.
//!
//! A delivery is a job like others, in the background but for the leavers app, where somebody waits. Of one object's
//! deliveries one is dispatched at a time; its run takes along all that are ready, and answers those that lead to the same
//! [`Check`] by one. It claims only its own delivery: two runs of one object meet only where an attempt is late, and each
//! delivery may be dealt with twice.
//!
//! Everybody who may list an object's hooks can post deliveries in Podio's name. So an object has a budget: a [share](SHARE)
//! of the quota in each window. What is beyond pauses until there is room, and none is dropped.

mod act;
mod keep;
mod leavers_app;
mod look_again;
mod verify;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
pub use keep::Registration;
use podio_engine::quota::Ceiling;
use podio_lifecycle::{
    hooks::{Check, CloudEvent, Delivery, DeliveryId, DeliveryState, HookRef, Reason, checks, kept},
    offboarding::FailureCode,
    ports::{Metric, SaveError, StoreError},
    retry::backoff,
    work::{JobId, Priority, Waiting},
};

use self::{
    act::{Note, act_on},
    keep::keep_hooks,
    verify::verify_hooks,
};
use crate::{
    Context,
    halt::Halt,
    registry::{Job, Left, leave, wait_again},
    session::Session,
};

/// How often the hooks of an object are looked at.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// What the deliveries of one object may take of the quota, in percent: 25 of 250 calls an hour. That verifies all hooks of
/// an object at once, since an app or a space has a dozen types of events or so; and it reads more items of the leavers
/// app than an hour's quota could remove leavers, which is about fourteen. Nine tenths are left, whatever comes in.
const SHARE: usize = 10;
/// The least that is worth something, where ceilings are small: a list of hooks and the answer to one.
const LEAST: usize = 2;
/// Jobs among which a run looks for deliveries of the same object: as many as a dispatch looks at.
const MOST_TOGETHER: usize = 300;
/// Deliveries that are read at the same time.
const READS_AT_ONCE: usize = 10;

/// A delivery of a hook.
pub(crate) struct DeliveryJob;

#[async_trait(?Send)]
impl Job for DeliveryJob {
    fn kind(&self) -> &'static str {
        JobId::DELIVERY
    }

    async fn run(&self, context: &Context, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
        run_delivery(context, job, session).await
    }

    async fn give_up(&self, context: &Context, job: &JobId) -> Result<(), StoreError> {
        give_up_delivery(context, job).await
    }
}

/// Does everything that a delivery asks for, and with it whatever else waits on the same object. Each part may be done
/// twice.
async fn run_delivery(context: &Context, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
    let Ok(id) = job.subject.parse::<DeliveryId>() else { return leave(context, job).await };
    let Some(delivery) = context.ports.deliveries.delivery(&id).await? else { return leave(context, job).await };
    let Some(waiting) = delivery.waiting() else { return leave(context, job).await };
    let on = delivery.on.clone();
    session.at_priority(waiting.priority);
    session.budget.charge_to(&JobId::new(JobId::DELIVERY, &on), share(context));
    // After a death each runs alone, so that the one that ends its worker is given up and no other.
    let others = if session.follows_a_death() { Vec::new() } else { others(context, &waiting).await? };
    let all = std::iter::once(delivery).chain(others).collect();
    let app = context.policy.hooks.leavers_app.as_ref().map(|app| app.app);
    let mut left = Left::Done;
    for (check, mut deliveries) in checks(all, app) {
        let Err(halt) = answer(context, &check, &on, &mut deliveries, session).await else { continue };
        let is_refused = matches!(halt, Halt::Fail(_));
        if !is_refused && deliveries.iter().any(|delivery| delivery.id == id) {
            left = Left::Waits;
        }
        // A budget that is spent stops nothing that costs nothing. Anything else would stop the others too.
        let goes_on = matches!(halt, Halt::Pause(_));
        note_how_they_wait(context, &deliveries, halt, session).await?;
        if !goes_on {
            break;
        }
    }
    if matches!(left, Left::Waits) {
        context.ports.work.survived(job).await?;
    }
    Ok(left)
}

/// The share of the quota that one object's deliveries have.
fn share(context: &Context) -> Ceiling {
    let configured = context.dispatcher.configured;
    let most = (configured.limit() * SHARE / 100).max(LEAST);
    configured.with_limit(u32::try_from(most).unwrap_or(u32::MAX))
}

/// The other deliveries of the same object and priority that are ready, oldest first.
async fn others(context: &Context, first: &Waiting) -> Result<Vec<Delivery>, StoreError> {
    let now = context.now();
    let ready = context.ports.work.ready(now, None, MOST_TOGETHER).await?;
    let is_other = |job: &Waiting| {
        job.job != first.job
            && job.job.kind == JobId::DELIVERY
            && job.group == first.group
            && job.priority == first.priority
    };
    let ids = ready.into_iter().filter(is_other).filter_map(|job| job.job.subject.parse::<DeliveryId>().ok());
    let reads = ids.map(async |id| context.ports.deliveries.delivery(&id).await).collect::<Vec<_>>();
    let found: Vec<Option<Delivery>> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
    // The index may lag behind.
    let is_ready =
        |delivery: &Delivery| delivery.waiting().is_some_and(|job| job.not_before.is_none_or(|from| from <= now));
    Ok(found.into_iter().flatten().filter(is_ready).collect())
}

/// Answers deliveries by the one check that they lead to, and takes each off the list that has ended.
async fn answer(
    context: &Context,
    check: &Check,
    on: &HookRef,
    deliveries: &mut Vec<Delivery>,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    if *check == Check::Hooks {
        return verify_hooks(context, on, deliveries, session).await;
    }
    let Some(cause) = deliveries.first().map(|delivery| delivery.id.clone()) else { return Ok(()) };
    let note = act_on(context, check, on, &cause, session).await?;
    if let Some(Note { code, .. }) = &note {
        tracing::info!(delivery = %cause, deliveries = deliveries.len(), code, "nothing done");
    }
    let at = context.now();
    let state = match note {
        None => DeliveryState::Handled { at },
        Some(Note { code, detail }) => DeliveryState::Noted { at, reason: Reason::new(code, detail) },
    };
    while let Some(delivery) = deliveries.last() {
        publish(context, delivery).await?;
        end_delivery(context, delivery, state.clone(), session).await?;
        deliveries.pop();
    }
    Ok(())
}

/// Writes down how deliveries wait that could not be dealt with.
async fn note_how_they_wait(
    context: &Context,
    deliveries: &[Delivery],
    halt: Halt,
    session: &mut Session<'_>,
) -> Result<(), StoreError> {
    let now = context.now();
    if let (Halt::Pause(until), Some(first)) = (&halt, deliveries.first()) {
        tracing::warn!(on = %first.on, deliveries = deliveries.len(), %until, "the object has spent its share of the quota");
    }
    for delivery in deliveries {
        let waits = match &halt {
            Halt::Wait => delivery.paused(None),
            Halt::Pause(until) => delivery.paused(Some(*until)),
            // What an event leads to is tried for as long as Podio is unwell.
            Halt::Fault => delivery.faulted(now, next_try(context, delivery, now)),
            Halt::Fail(failure) => {
                let reason = Reason::new(failure.code.name(), failure.detail.clone());
                match end_delivery(context, delivery, DeliveryState::Refused { at: now, reason }, session).await {
                    Err(Halt::Storage(error)) => return Err(error),
                    _ => continue,
                }
            }
            Halt::Storage(error) => return Err(error.clone()),
            Halt::Overtaken => continue,
        };
        if waits != *delivery {
            match context.ports.deliveries.note_delivery(&waits).await {
                Ok(()) => {}
                Err(SaveError::Conflict | SaveError::PersonTaken(_)) => continue,
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
        session.fresh(JobId::new(JobId::DELIVERY, &delivery.id), waits.waiting());
    }
    Ok(())
}

fn next_try(context: &Context, delivery: &Delivery, now: Timestamp) -> Timestamp {
    now + backoff(delivery.faults + 1, context.jitter())
}

/// Ends a delivery and, where it is refused, says so to whoever watches.
async fn end_delivery(
    context: &Context,
    delivery: &Delivery,
    state: DeliveryState,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let is_first = context.ports.deliveries.settle_delivery(&delivery.id, &state).await?;
    if let (true, DeliveryState::Refused { reason, .. }) = (is_first, &state) {
        let event = delivery.event.kind.log_name();
        tracing::error!(delivery = %delivery.id, event, code = reason.code, "the delivery is refused");
        context.ports.metrics.add(Metric::RefusedDeliveries, 1);
    }
    session.fresh(JobId::new(JobId::DELIVERY, &delivery.id), None);
    Ok(())
}

/// Refuses a delivery whose attempts keep dying.
pub(crate) async fn give_up_delivery(context: &Context, job: &JobId) -> Result<(), StoreError> {
    let Ok(id) = job.subject.parse::<DeliveryId>() else { return Ok(()) };
    let detail = "The job of this delivery has ended its worker again and again. Look for it in the worker's log.";
    let reason = Reason::new(FailureCode::JobCrashed.name(), detail);
    let refused = DeliveryState::Refused { at: context.now(), reason };
    if context.ports.deliveries.settle_delivery(&id, &refused).await? {
        context.ports.metrics.add(Metric::RefusedDeliveries, 1);
    }
    Ok(())
}

/// Tells others, where there is a bus.
async fn publish(context: &Context, delivery: &Delivery) -> Result<(), Halt> {
    let (Some(bus), Some(event)) = (&context.ports.events, CloudEvent::of(delivery)) else { return Ok(()) };
    bus.publish(&event).await.map_err(|error| {
        tracing::warn!(delivery = %delivery.id, %error, "could not be published");
        Halt::Fault
    })
}

/// The hooks of one object.
pub(crate) struct KeepHooksJob;

#[async_trait(?Send)]
impl Job for KeepHooksJob {
    fn kind(&self) -> &'static str {
        JobId::KEEP_HOOKS
    }

    async fn run(&self, context: &Context, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
        run_keep_hooks(context, job, session).await
    }
}

/// Looks at the hooks of an object, and again an hour later.
async fn run_keep_hooks(context: &Context, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
    let Ok(on) = job.subject.parse::<HookRef>() else { return leave(context, job).await };
    let is_wanted = context.policy.registration.as_ref().is_some_and(|it| it.hooks.of(&on).is_some());
    if !is_wanted {
        return leave(context, job).await;
    }
    session.at_priority(Priority::Background);
    let now = context.now();
    let until = match keep_hooks(context, &on, session).await {
        Ok(()) => Some(now + EVERY),
        Err(Halt::Wait | Halt::Overtaken) => None,
        Err(Halt::Pause(until)) => Some(until),
        Err(Halt::Fault) => Some(now + EVERY / 4),
        Err(Halt::Fail(failure)) => {
            tracing::error!(%on, code = failure.code.name(), "the hooks cannot be kept");
            context.ports.metrics.add(Metric::MissingHooks, 1);
            Some(now + EVERY)
        }
        Err(Halt::Storage(error)) => return Err(error),
    };
    wait_again(context, Waiting { not_before: until, ..kept(&on, now) }, session).await
}
