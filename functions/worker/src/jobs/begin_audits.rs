//! The beginning of audits by schedule.

use async_trait::async_trait;
use podio_lifecycle::{
    people::{Audit, AuditId, AuditSource},
    ports::{Begun, StoreError},
    work::{JobId, Waiting},
};

use crate::{
    Context,
    registry::{Job, Left, leave, wait_again},
    session::Session,
};

/// One organization, once a period.
pub(crate) struct BeginAuditsJob;

#[async_trait(?Send)]
impl Job for BeginAuditsJob {
    fn kind(&self) -> &'static str {
        JobId::BEGIN_AUDITS
    }

    async fn run(&self, context: &Context, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
        let (schedule, now) = (context.policy.audit_schedule, context.now());
        let org = schedule.org_of(job).filter(|org| context.policy.organizations.contains(org));
        // A job of another schedule has nothing left to do.
        let Some((org, waiting)) = org.and_then(|org| Some((org, schedule.standing(org, now)?))) else {
            return leave(context, job).await;
        };
        let id = AuditId::new(now, context.ports.random.bytes());
        let audit = Audit::begin(id, org, AuditSource::Schedule, now);
        match context.ports.audits.begin_audit(&audit).await? {
            Begun::New => {
                tracing::info!(audit = %audit.id, "an audit begins by schedule");
                session.fresh(audit.job(), audit.waiting());
            }
            Begun::UnderWay(running) => tracing::warn!(audit = %running, "the audit before is still under way"),
        }
        wait_again(context, Waiting { job: job.clone(), ..waiting }, session).await
    }
}
