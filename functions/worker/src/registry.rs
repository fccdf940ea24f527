//! The kinds of jobs. A new kind is one file, and one line here.

use async_trait::async_trait;
use podio_lifecycle::{
    ports::StoreError,
    work::{JobId, Waiting},
};

use crate::{Context, jobs, session::Session};

/// A kind of job.
#[async_trait(?Send)]
pub(crate) trait Job: Sync {
    /// What its jobs are called in the work table and in messages.
    fn kind(&self) -> &'static str;

    /// Does what one job of the kind has to do now. It is claimed, and it may call Podio through the session alone. It may
    /// be run twice, and be killed at any await.
    ///
    /// # Errors
    /// Storage failed: the job is taken up again.
    async fn run(&self, context: &Context, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError>;

    /// Turns a job whose attempts keep dying into something that a person sees. One that is to be tried for ever goes on.
    ///
    /// # Errors
    /// Storage failed: it is given up when it comes up next.
    async fn give_up(&self, context: &Context, job: &JobId) -> Result<(), StoreError> {
        context.ports.work.survived(job).await
    }
}

/// Every kind there is.
const JOBS: [&dyn Job; 7] = [
    &jobs::StageJob,
    &jobs::SpaceJob,
    &jobs::DeliveryJob,
    &jobs::KeepHooksJob,
    &jobs::KeepCredentialJob,
    &jobs::BeginAuditsJob,
    &jobs::AuditJob,
];

/// How a run of a job left it.
#[derive(Debug)]
pub(crate) enum Left {
    /// Nothing more is to be called for it.
    Done,
    /// It waits on, as `fresh` jobs of the report say or as its record does.
    Waits,
}

/// Runs a job of whatever kind.
pub(crate) async fn run(context: &Context, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
    match of(job) {
        Some(kind) => kind.run(context, job, session).await,
        None => {
            tracing::error!(kind = job.kind, "a job of an unknown kind leaves the work table");
            leave(context, job).await
        }
    }
}

/// Gives up a job whose attempts keep dying.
pub(crate) async fn give_up(context: &Context, job: &JobId) -> Result<(), StoreError> {
    match of(job) {
        Some(kind) => kind.give_up(context, job).await,
        None => leave(context, job).await.map(|_| ()),
    }
}

fn of(job: &JobId) -> Option<&'static dyn Job> {
    JOBS.into_iter().find(|kind| kind.kind() == job.kind)
}

/// Lets a job wait again that has no record of its own, or whose record says nothing new.
pub(crate) async fn wait_again(
    context: &Context,
    waiting: Waiting,
    session: &mut Session<'_>,
) -> Result<Left, StoreError> {
    context.ports.work.wait_again(&waiting).await?;
    session.fresh(waiting.job.clone(), Some(waiting));
    Ok(Left::Waits)
}

/// Takes a job out of the table that has nothing left to do.
pub(crate) async fn leave(context: &Context, job: &JobId) -> Result<Left, StoreError> {
    tracing::info!(job = %job, "nothing left to do");
    context.ports.work.leave(job).await?;
    Ok(Left::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_registered_once() {
        let mut kinds: Vec<_> = JOBS.iter().map(|job| job.kind()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), JOBS.len());
    }
}
