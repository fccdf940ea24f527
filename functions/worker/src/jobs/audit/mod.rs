//! One audit: the list of members page by page, then a question for each member who is not in it.
//!
//! A run goes on where the run before stopped or died. Each step is stored before the next one begins, and each can be
//! repeated: members are compared with what is stored, so a page that is read again finds nothing new.

mod confirm;
mod list;
mod sighting;

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use podio_lifecycle::{
    hooks::CloudEvent,
    ids::UserId,
    offboarding::{Failure, FailureCode},
    people::{Audit, AuditEvent, AuditState, MemberWrite, Observation},
    ports::{Metric, StoreError},
    retry::backoff,
    work::{JobId, Priority, Waiting},
};

use super::look_up::Cursor;
use crate::{
    Context,
    halt::Halt,
    registry::{Job, Left, leave, wait_again},
    session::Session,
};

/// One audit of one organization.
pub(crate) struct AuditJob;

/// The audit as it is stored, and what this run knows beside it.
struct Task {
    audit: Audit,
    /// Calls of the session that the audit counts already.
    counted: u32,
    /// Where the list goes on, once this run has read of it.
    cursor: Option<Cursor>,
    /// Whom the audit has listed, once this run needs to know.
    listed: Option<BTreeSet<UserId>>,
    /// The account that the service acts as, once this run has asked.
    acting: Option<Option<UserId>>,
}

#[async_trait(?Send)]
impl Job for AuditJob {
    fn kind(&self) -> &'static str {
        JobId::AUDIT
    }

    async fn run(&self, context: &Context, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
        let Some(audit) = load(context, job).await? else { return leave(context, job).await };
        session.at_priority(Priority::Background);
        let mut task = Task { audit, counted: 0, cursor: None, listed: None, acting: None };
        let halt = match carry_on(context, &mut task, session).await {
            Ok(()) => return over(&task.audit, session),
            Err(halt) => halt,
        };
        pause(context, &mut task, halt, session).await
    }

    async fn give_up(&self, context: &Context, job: &JobId) -> Result<(), StoreError> {
        let Some(audit) = load(context, job).await? else { return context.ports.work.leave(job).await };
        let detail =
            "The worker died five times while it did this audit. Report this as a bug; the next audit begins anew.";
        let failure = Failure { code: FailureCode::JobCrashed, detail: detail.to_owned() };
        let Ok(failed) = audit.apply(AuditEvent::Failed(failure), context.now()) else { return Ok(()) };
        match context.ports.auditing.save_audit(&failed).await.map_err(Halt::from) {
            Err(Halt::Storage(error)) => Err(error),
            _ => Ok(()),
        }
    }
}

/// The audit of a job, if anything is left to do.
async fn load(context: &Context, job: &JobId) -> Result<Option<Audit>, StoreError> {
    let Ok(id) = job.subject.parse() else { return Ok(None) };
    Ok(context.ports.audits.audit(&id).await?.filter(|audit| !audit.is_over()))
}

/// Does whatever comes next, until the audit is over or has to wait.
async fn carry_on(context: &Context, task: &mut Task, session: &mut Session<'_>) -> Result<(), Halt> {
    loop {
        match &task.audit.state {
            AuditState::Listing { .. } => list::read_page(context, task, session).await?,
            AuditState::Confirming { missing, .. } => match missing.first().copied() {
                Some(user) => confirm::ask_for(context, task, user, session).await?,
                None => confirm::next_round(context, task, session).await?,
            },
            AuditState::Completed { .. } | AuditState::Failed { .. } => return Ok(()),
        }
    }
}

/// Lets the audit wait, or ends it where nothing helps.
async fn pause(context: &Context, task: &mut Task, halt: Halt, session: &mut Session<'_>) -> Result<Left, StoreError> {
    let now = context.now();
    let (until, faulted_at) = match halt {
        Halt::Wait => (None, None),
        Halt::Pause(until) => (Some(until), None),
        Halt::Fault => {
            task.audit.faults = task.audit.faults.saturating_add(1);
            (Some(now + backoff(task.audit.faults, context.jitter())), Some(now))
        }
        Halt::Storage(error) => return Err(error),
        // Somebody else has written: what is stored says how to go on.
        Halt::Overtaken => {
            let Some(stored) = load(context, &task.audit.job()).await? else { return over(&task.audit, session) };
            let Some(waiting) = stored.waiting() else { return over(&stored, session) };
            return wait_again(context, waiting, session).await;
        }
        Halt::Fail(failure) => {
            tracing::error!(audit = %task.audit.id, code = failure.code.name(), "the audit has failed: {}", failure.detail);
            return match advance(context, task, AuditEvent::Failed(failure), session).await {
                Ok(()) => over(&task.audit, session),
                Err(Halt::Storage(error)) => Err(error),
                Err(_) => Ok(Left::Waits),
            };
        }
    };
    match save(context, task, session).await {
        Ok(()) => {}
        Err(Halt::Storage(error)) => return Err(error),
        Err(_) => tracing::info!(audit = %task.audit.id, "somebody else carries the audit on"),
    }
    let Some(waiting) = task.audit.waiting() else { return over(&task.audit, session) };
    wait_again(context, Waiting { not_before: until, faulted_at, ..waiting }, session).await
}

/// Nothing more is to be called for it.
fn over(audit: &Audit, session: &mut Session<'_>) -> Result<Left, StoreError> {
    tracing::info!(
        audit = %audit.id, state = audit.state_name(), members = audit.members, changes = audit.changes,
        unreadable = audit.unreadable, calls = audit.calls, "the audit is over"
    );
    session.fresh(audit.job(), None);
    Ok(Left::Done)
}

/// Applies an event and stores the audit.
async fn advance(context: &Context, task: &mut Task, event: AuditEvent, session: &mut Session<'_>) -> Result<(), Halt> {
    task.audit = task.audit.apply(event, context.now()).map_err(|_| Halt::Overtaken)?;
    save(context, task, session).await
}

/// Stores the audit with the calls that it has made.
async fn save(context: &Context, task: &mut Task, session: &mut Session<'_>) -> Result<(), Halt> {
    task.audit.calls += session.calls - task.counted;
    task.counted = session.calls;
    context.ports.auditing.save_audit(&task.audit).await?;
    task.audit.revision += 1;
    session.fresh(task.audit.job(), task.audit.waiting());
    Ok(())
}

/// Tells the bus of changes, then stores them: so that each is told once at least.
async fn record(context: &Context, task: &Task, writes: &[MemberWrite]) -> Result<(), Halt> {
    if let Some(events) = &context.ports.events {
        for change in writes.iter().flat_map(|write| &write.changes) {
            let event = CloudEvent::of_change(task.audit.org_id, change);
            if let Err(error) = events.publish(&event).await {
                tracing::warn!(%error, audit = %task.audit.id, "a change could not be published");
                return Err(Halt::Fault);
            }
        }
    }
    Ok(context.ports.member_changes.record_members(task.audit.org_id, writes).await?)
}

/// The circumstances of this audit.
fn observation<'a>(context: &Context, audit: &'a Audit, now: Timestamp) -> Observation<'a> {
    Observation { audit: &audit.id, now, is_first: audit.is_first, stale_after: context.policy.stale_after }
}

/// Whom the audit has listed so far.
async fn listed<'t>(context: &Context, task: &'t mut Task) -> Result<&'t mut BTreeSet<UserId>, Halt> {
    let known = match task.listed.take() {
        Some(known) => known,
        None => context.ports.auditing.listed(&task.audit.id).await?.into_iter().collect(),
    };
    Ok(task.listed.insert(known))
}

/// Counts what operators watch, at the end of an audit.
fn count(context: &Context, members: &[(UserId, bool)]) {
    let stale = members.iter().filter(|(_, stale)| *stale).count();
    for (metric, count) in [(Metric::Members, members.len()), (Metric::StaleMembers, stale)] {
        context.ports.metrics.add(metric, u64::try_from(count).unwrap_or(u64::MAX));
    }
}
