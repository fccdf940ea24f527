//! The job that carries on the present stage of an offboarding, and what becomes of it when it could not go on.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    actor::Actor,
    ids::OffboardingId,
    ledger::NotCommitted,
    offboarding::{Event, Failure, FailureCode, Offboarding, Plan, State},
    ports::StoreError,
    removal::{RemovalState, SpaceKey, SpaceRemoval},
    retry::backoff,
    work::JobId,
};

use super::{
    StageTask, advance,
    plan::{plan, resolve},
    remove_from_org::remove_from_org,
    verify_removal::verify_removal,
};
use crate::{
    Context,
    halt::Halt,
    registry::{Job, Left, leave},
    session::Session,
};

/// What has failed for so long while others succeeded is for a person to look at.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);
/// Others succeed if Podio has answered somebody within that time.
const LATELY: SignedDuration = SignedDuration::from_hours(1);

/// The present stage of an offboarding.
pub(crate) struct StageJob;

#[async_trait(?Send)]
impl Job for StageJob {
    fn kind(&self) -> &'static str {
        JobId::OFFBOARDING
    }

    async fn run(&self, context: &Context, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
        run_stage(context, job, session).await
    }

    async fn give_up(&self, context: &Context, job: &JobId) -> Result<(), StoreError> {
        give_up_offboarding(context, job).await
    }
}

/// Runs the job of an offboarding's stage.
async fn run_stage(context: &Context, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
    let Some(id) = job.subject.parse::<OffboardingId>().ok() else { return leave(context, job).await };
    let Some(offboarding) = context.ports.offboardings.load(&id).await? else { return leave(context, job).await };
    let Some(waiting) = offboarding.waiting() else { return leave(context, job).await };
    session.record_for(vec![id.clone()]);
    session.at_priority(waiting.priority);
    let mut stage = StageTask::of(offboarding);
    let result = carry_on(context, &mut stage, session).await;
    let noted = match result {
        Ok(()) => Ok(()),
        Err(halt) => note_halt(context, &mut stage, halt, session).await,
    };
    // Whatever was written, this attempt has not died.
    context.ports.work.survived(job).await?;
    match noted {
        Ok(()) | Err(Halt::Overtaken) => {}
        Err(Halt::Storage(error)) => return Err(error),
        Err(_) => {}
    }
    Ok(if stage.offboarding.waiting().is_some() { Left::Waits } else { Left::Done })
}

async fn carry_on(context: &Context, stage: &mut StageTask, session: &mut Session<'_>) -> Result<(), Halt> {
    if matches!(stage.offboarding.state, State::Scheduled(_)) {
        let (id, now) = (&stage.offboarding.id, context.now());
        if now < stage.offboarding.effective_at() {
            return resolve(context, stage, session).await;
        }
        let due = context.ledger().commit_by(&Actor::schedule(), id, &Event::Due, now).await?;
        *stage = StageTask::of(due);
    }
    match stage.offboarding.state.clone() {
        State::Planning(it) => plan(context, stage, &it, session).await,
        State::Removing(it) => release(context, stage, &it.plan, session).await,
        State::Finalizing(it) => remove_from_org(context, stage, &it, session).await,
        State::Verifying(it) => verify_removal(context, stage, &it, session).await,
        State::Scheduled(_)
        | State::Held { .. }
        | State::Completed { .. }
        | State::Failed { .. }
        | State::Cancelled { .. } => seal(context, stage, session).await,
    }
}

/// Whoever has failed or cancelled an offboarding, a door perhaps, had no key to seal its evidence with.
async fn seal(context: &Context, stage: &mut StageTask, session: &mut Session<'_>) -> Result<(), Halt> {
    stage.offboarding = context.ledger().seal(&stage.offboarding, context.now()).await?;
    session.fresh_stage(&stage.offboarding);
    tracing::info!(offboarding = %stage.offboarding.id, "evidence sealed");
    Ok(())
}

/// Puts the removals of a plan that a person has resumed back into the work table.
async fn release(context: &Context, stage: &mut StageTask, plan: &Plan, session: &mut Session<'_>) -> Result<(), Halt> {
    let offboarding = &stage.offboarding;
    let spaces = context.ports.offboardings.spaces(&offboarding.id, plan.number).await?;
    let open = |removal: &SpaceRemoval| removal.state == RemovalState::Pending && plan.owns(removal);
    for removal in spaces.into_iter().filter(open) {
        let released = SpaceRemoval { faults: 0, faulted_since: None, ..removal };
        let released = released.waiting_since(context.now(), offboarding.request.space_priority(), offboarding.place);
        context.ports.removals.save_space(&released).await?;
        session.fresh_removal(&released);
    }
    advance(context, stage, Event::Released, session).await
}

/// Writes down why a stage's job stopped.
async fn note_halt(
    context: &Context,
    stage: &mut StageTask,
    halt: Halt,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let event = match halt {
        Halt::Wait => waits(context, stage, None, session)?,
        Halt::Pause(until) => waits(context, stage, Some(until), session)?,
        Halt::Fault => {
            let work = stage.offboarding.state.work();
            // Nobody need look before the day of one whose time has not come.
            let is_at_work = stage.offboarding.state.stage().is_some();
            if is_at_work && has_failed_for_long(context, work.faulted_since) {
                Event::KeepsFailing
            } else {
                let again_at = context.now() + backoff(work.faults + 1, context.jitter());
                Event::Faulted { again_at, found: stage.found()? }
            }
        }
        Halt::Fail(failure) => {
            tracing::error!(offboarding = %stage.offboarding.id, code = failure.code.name(), "failed");
            Event::Failed(failure)
        }
        halt @ (Halt::Storage(_) | Halt::Overtaken) => return Err(halt),
    };
    advance(context, stage, event, session).await
}

/// The job waits for its next calls. One that has made many goes on among the removals, at the place that these give it.
fn waits(context: &Context, stage: &StageTask, until: Option<Timestamp>, session: &Session<'_>) -> Result<Event, Halt> {
    let ceiling = context.dispatcher.configured;
    let before = stage.offboarding.state.work().calls;
    let calls = before + session.calls;
    let pace = ceiling.window() / i32::try_from(ceiling.limit()).unwrap_or(i32::MAX);
    let own = pace * i32::try_from(session.calls).unwrap_or(i32::MAX);
    Ok(Event::Waits { until, found: stage.found()?, calls, place: stage.offboarding.place + own })
}

/// Whether there have been nothing but faults for a day, while Podio has answered others.
pub(crate) fn has_failed_for_long(context: &Context, since: Option<Timestamp>) -> bool {
    let now = context.now();
    let others_succeed = |since: Timestamp| {
        context.dispatcher.with_known(|known| {
            known.outages.answered_at.is_some_and(|at| at > since && now.duration_since(at) < LATELY)
        })
    };
    since.is_some_and(|since| now.duration_since(since) > PATIENCE && others_succeed(since))
}

/// Fails the offboarding whose job keeps killing its worker.
pub(crate) async fn give_up_offboarding(context: &Context, job: &JobId) -> Result<(), StoreError> {
    let of_space = job.subject.parse::<SpaceKey>().map(|key| key.offboarding);
    let Some(id) = of_space.ok().or_else(|| job.subject.parse().ok()) else { return Ok(()) };
    if awaits_its_day(context, &id).await? {
        return context.ports.work.survived(job).await;
    }
    let detail = "A job of this offboarding has ended its worker again and again. Look for it in the worker's log, \
                  update, then retry.";
    let failure = Failure { code: FailureCode::JobCrashed, detail: detail.to_owned() };
    let failed = fail_offboarding(context, &id, failure).await?;
    // A person decides now. Jobs that died together with this one would else fail it again, one after each retry.
    if let Some(offboarding) = &failed
        && let Some(number) = offboarding.state.plan_number()
    {
        for removal in context.ports.offboardings.spaces(&id, number).await? {
            context.ports.work.survived(&removal.key.job()).await?;
        }
    }
    // A retry puts it back. The stage of one that has failed now is still to be sealed.
    if failed.is_none() || job.kind == JobId::SPACE {
        context.ports.work.leave(job).await?;
    }
    context.ports.work.survived(job).await
}

/// Whether an offboarding goes on waiting for its day, which no death before is a reason to miss: who it is about is found out
/// on the day. Once that has come it begins, so that it can fail, and a person can retry it.
async fn awaits_its_day(context: &Context, id: &OffboardingId) -> Result<bool, StoreError> {
    let now = context.now();
    let Some(offboarding) = context.ports.offboardings.load(id).await? else { return Ok(false) };
    let State::Scheduled(it) = &offboarding.state else { return Ok(false) };
    let is_due = now >= offboarding.effective_at();
    let committed = if is_due {
        context.ledger().commit_by(&Actor::schedule(), id, &Event::Due, now).await
    } else if it.looked_up_at.is_none() {
        let unknown = Event::Resolved { leaver: None, warning: None };
        context.ledger().commit(&offboarding, unknown, now).await
    } else {
        return Ok(true);
    };
    match committed {
        Ok(_) => Ok(!is_due),
        Err(NotCommitted::Store(error)) => Err(error),
        // Somebody else has written: the next attempt sees what.
        Err(_) => Ok(true),
    }
}

/// Fails an offboarding, whoever writes in between.
pub(crate) async fn fail_offboarding(
    context: &Context,
    id: &OffboardingId,
    failure: Failure,
) -> Result<Option<Offboarding>, StoreError> {
    let code = failure.code;
    match context.ledger().commit_anyhow(id, &Event::Failed(failure), context.now()).await {
        Ok(offboarding) => {
            tracing::error!(offboarding = %id, code = code.name(), "failed");
            Ok(Some(offboarding))
        }
        Err(NotCommitted::Store(error)) => Err(error),
        Err(_) => Ok(None),
    }
}
