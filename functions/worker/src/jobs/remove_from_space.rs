//! The leaver out of one space, and with them all who wait for the same space.

use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use podio_client::{Meaning, Request, space_member};
use podio_lifecycle::{
    ids::UserId,
    ledger::NotCommitted,
    offboarding::{Event, State},
    ports::{SaveError, StoreError},
    removal::{RemovalState, SpaceKey, SpaceRemoval, Wait},
    retry::backoff,
    work::JobId,
};

use super::{
    stage::{fail_offboarding, has_failed_for_long},
    together::leave_together,
};
use crate::{
    Context,
    halt::Halt,
    registry::{Job, Left, leave, wait_again},
    session::Session,
};

/// How long the first attempt at a space waits for its answer. The call may be repeated without harm, and whoever waits
/// for longer misses the moments of the jobs behind. A Podio that needs longer is given the time at the next attempt.
pub const FIRST_PATIENCE: Duration = Duration::from_secs(5);
/// A removal that was written down before its offboarding knows of it looks again after that time.
const SOON: SignedDuration = SignedDuration::from_secs(5);

/// One space of one leaver, who is leaving spaces now.
pub(super) struct SpaceTask {
    pub user: UserId,
    pub removal: SpaceRemoval,
}

/// What is to be done about a removal that waits.
enum Standing {
    /// The leaver is to be removed.
    Due(Box<SpaceTask>),
    /// Its offboarding is about to say so.
    TooEarly,
    /// Nothing, now or ever.
    Over,
}

/// One space of one leaver.
pub(crate) struct SpaceJob;

#[async_trait(?Send)]
impl Job for SpaceJob {
    fn kind(&self) -> &'static str {
        JobId::SPACE
    }

    async fn run(&self, context: &Context, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
        run_space(context, job, session).await
    }

    async fn give_up(&self, context: &Context, job: &JobId) -> Result<(), StoreError> {
        super::stage::give_up_offboarding(context, job).await
    }
}

/// Runs the job of one space.
async fn run_space(context: &Context, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
    let Ok(key) = job.subject.parse::<SpaceKey>() else { return leave(context, job).await };
    let Some(removal) = context.ports.removals.space(&key).await? else { return leave(context, job).await };
    let mut task = match standing_of(context, removal).await? {
        Standing::Due(task) => task,
        Standing::TooEarly => {
            let removal = context.ports.removals.space(&key).await?;
            let Some(mut waiting) = removal.and_then(|removal| removal.waiting()) else { return Ok(Left::Done) };
            waiting.not_before = Some(context.now() + SOON);
            return wait_again(context, waiting, session).await;
        }
        Standing::Over => return leave(context, job).await,
    };
    // What a dead attempt has done, nobody has noted.
    task.removal.uncertain |= session.follows_a_death();
    session.record_for(vec![key.offboarding.clone()]);
    match leave_space(context, &task, session).await {
        Ok(()) => Ok(Left::Done),
        Err(Halt::Wait) => {
            context.ports.work.survived(job).await?;
            Ok(Left::Waits)
        }
        Err(Halt::Pause(until)) => {
            let wait = task.removal.wait.map(|wait| Wait { not_before: Some(until), faulted_at: None, ..wait });
            put_back(context, SpaceRemoval { wait, ..task.removal }, session).await
        }
        Err(Halt::Fault) => note_fault(context, task.removal, session).await,
        Err(Halt::Fail(failure)) => {
            fail_offboarding(context, &key.offboarding, failure).await?;
            context.ports.work.survived(job).await?;
            // A retry puts it back.
            leave(context, job).await
        }
        Err(Halt::Storage(error)) => Err(error),
        Err(Halt::Overtaken) => Ok(Left::Waits),
    }
}

/// Reads what a removal is about, strongly: right before the call.
async fn standing_of(context: &Context, removal: SpaceRemoval) -> Result<Standing, StoreError> {
    if removal.state != RemovalState::Pending {
        return Ok(Standing::Over);
    }
    let Some(offboarding) = context.ports.offboardings.load(&removal.key.offboarding).await? else {
        return Ok(Standing::Over);
    };
    let state = &offboarding.state;
    if state.plan_number() != Some(removal.key.plan) || state.is_final() {
        return Ok(Standing::Over);
    }
    if let Some(plan) = state.leaving().filter(|plan| plan.owns(&removal)) {
        return Ok(Standing::Due(Box::new(SpaceTask { user: plan.leaver.user_id, removal })));
    }
    let is_announced_soon = matches!(state, State::Planning(_) | State::Finalizing(_) | State::Verifying(_));
    Ok(if is_announced_soon { Standing::TooEarly } else { Standing::Over })
}

/// What a removal is about that is to be taken along; none where it is not to be touched.
pub(super) async fn due(context: &Context, key: &SpaceKey) -> Result<Option<SpaceTask>, StoreError> {
    let Some(removal) = context.ports.removals.space(key).await? else { return Ok(None) };
    match standing_of(context, removal).await? {
        Standing::Due(task) => Ok(Some(*task)),
        Standing::TooEarly | Standing::Over => Ok(None),
    }
}

/// Sends the `DELETE`, together with others where some wait for the same space, and settles the space by what Podio
/// says.
async fn leave_space(context: &Context, task: &SpaceTask, session: &mut Session<'_>) -> Result<(), Halt> {
    let state = match leave_together(context, task, session).await? {
        Some(state) => state,
        None => {
            let removal = in_time(task, space_member::remove(task.removal.key.space, task.user));
            settled_as(remove(context, &removal, session).await?)?
        }
    };
    settle(context, &task.removal, state, session).await
}

/// Sends a removal, unless a person has paused the service. That is looked at last, when nothing has to be waited for any more.
pub(super) async fn remove(
    context: &Context,
    removal: &Request<()>,
    session: &mut Session<'_>,
) -> Result<Meaning<()>, Halt> {
    session.be_ready(removal).await?;
    if context.ports.pause.pause().await?.is_on() {
        return Err(Halt::Wait);
    }
    session.call(removal).await
}

/// Settles a space by Podio's word, and tells the next dispatch if it was the last.
pub(super) async fn settle(
    context: &Context,
    removal: &SpaceRemoval,
    state: RemovalState,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let now = context.now();
    let key = &removal.key;
    let settled = removal.clone().settled(state, now);
    let current = async || context.ports.removals.space(key).await;
    let lock = context.settling.lock().await;
    let offboarding = context.ledger().settle(&settled, current, now).await?;
    drop(lock);
    tracing::info!(offboarding = %key.offboarding, space = %key.space, ?state, "space settled");
    session.fresh(key.job(), None);
    // Runs of one batch are told of in another order than they settled: one that was not the last says nothing.
    if let Some(offboarding) = offboarding.filter(|offboarding| offboarding.waiting().is_some()) {
        session.fresh_stage(&offboarding);
    }
    Ok(())
}

/// Podio gave no answer: the job waits, for longer each time. What fails for a day while others succeed is shown to a
/// person, and goes on trying.
async fn note_fault(context: &Context, removal: SpaceRemoval, session: &mut Session<'_>) -> Result<Left, StoreError> {
    let now = context.now();
    if has_failed_for_long(context, removal.faulted_since) {
        let held = context.ledger().commit_anyhow(&removal.key.offboarding, &Event::KeepsFailing, now).await;
        if let Err(NotCommitted::Store(error)) = held {
            return Err(error);
        }
    }
    let faults = removal.faults + 1;
    let not_before = Some(now + backoff(faults, context.jitter()));
    let wait = removal.wait.map(|wait| Wait { not_before, faulted_at: Some(now), ..wait });
    let faulted_since = removal.faulted_since.or(Some(now));
    // The answer may have been lost, and not the call.
    let uncertain = true;
    put_back(context, SpaceRemoval { faults, faulted_since, wait, uncertain, ..removal }, session).await
}

async fn put_back(context: &Context, removal: SpaceRemoval, session: &mut Session<'_>) -> Result<Left, StoreError> {
    match context.ports.removals.save_space(&removal).await {
        // Settled meanwhile.
        Err(SaveError::Conflict | SaveError::PersonTaken(_)) => return Ok(Left::Done),
        Err(SaveError::Store(error)) => return Err(error),
        Ok(()) => {}
    }
    context.ports.work.survived(&removal.key.job()).await?;
    session.fresh_removal(&removal);
    Ok(Left::Waits)
}

/// The removal with as much patience as this attempt has.
pub(super) fn in_time(task: &SpaceTask, removal: Request<()>) -> Request<()> {
    if task.removal.faults == 0 { removal.within(FIRST_PATIENCE) } else { removal }
}

/// What Podio's answer says about the membership.
fn settled_as(answer: Meaning<()>) -> Result<RemovalState, Halt> {
    match answer {
        Meaning::Yes(()) => Ok(RemovalState::Removed),
        Meaning::Gone => Ok(RemovalState::AlreadyGone),
        // An org admin is not automatically an admin of every space, and a last admin may be refused; the organization
        // removal, which is previewed once more, ends these memberships too.
        Meaning::Denied(denial) if denial.lacks_a_right() || denial.is_of_state() => Ok(RemovalState::LeftToOrgRemoval),
        other => Err(Halt::of(&other, "the removal from a space")),
    }
}

#[cfg(test)]
mod tests {
    use podio_client::Error;
    use podio_lifecycle::offboarding::FailureCode;

    use super::*;

    #[test]
    fn only_podios_own_word_settles_a_space() {
        assert_eq!(settled_as(Meaning::Yes(())).ok(), Some(RemovalState::Removed));
        assert_eq!(settled_as(Meaning::Gone).ok(), Some(RemovalState::AlreadyGone));
        for status in [None, Some(403), Some(404), Some(410)] {
            let page = Err(Error::Unavailable { status, uncertain: true }).into();
            assert!(matches!(settled_as(page), Err(Halt::Fault)), "a proxy's {status:?} proves nothing");
        }
        let route = settled_as(Meaning::NotOffered);
        assert!(matches!(route, Err(Halt::Fail(failure)) if failure.code == FailureCode::UnexpectedAnswer));
    }
}
