//! The jobs, one file each.

mod audit;
mod begin_audits;
mod hooks;
mod keep_credential;
mod look_up;
mod plan;
mod remove_from_org;
mod remove_from_space;
mod returned;
mod stage;
mod together;
mod verify_removal;

use jiff::SignedDuration;
use podio_lifecycle::offboarding::{Event, Found, LastLook, Offboarding, Search, State};

pub(crate) use self::look_up::{SMALL_PAGE, SURELY_WHOLE};
pub(crate) use self::{
    audit::AuditJob,
    begin_audits::BeginAuditsJob,
    hooks::{DeliveryJob, KeepHooksJob},
    keep_credential::KeepCredentialJob,
    remove_from_space::SpaceJob,
    stage::StageJob,
};
pub use self::{hooks::Registration, remove_from_space::FIRST_PATIENCE};
use crate::{Context, halt::Halt, session::Session};

/// How long a claimed call may be on its way before it counts as lost: longer than the client's patience.
pub(crate) const CLAIM: SignedDuration = SignedDuration::from_secs(30);

/// Looks at spaces that did not let the leaver go. What the organization removal does to these memberships it does to all
/// of them, so a few looks tell; and where the acting account sees none of them, more would only cost more.
pub(crate) const LOOKS: usize = 3;

/// The single job of a stage: the offboarding as it is stored now, and what the job has found out since.
pub(crate) struct StageTask {
    pub offboarding: Offboarding,
    /// While planning.
    pub search: Search,
    /// While the organization is being left, and read back.
    pub look: LastLook,
}

impl StageTask {
    /// The job of the present stage, as it has got on before.
    pub(crate) fn of(offboarding: Offboarding) -> Self {
        let (search, look) = match &offboarding.state {
            State::Scheduled(it) => (it.search.clone(), LastLook::default()),
            State::Planning(it) => (it.search.clone(), LastLook::default()),
            State::Finalizing(it) => (Search::default(), it.look.clone()),
            State::Verifying(it) => (Search::default(), LastLook { paging: it.paging.clone(), ..LastLook::default() }),
            State::Held { .. }
            | State::Removing(_)
            | State::Completed { .. }
            | State::Failed { .. }
            | State::Cancelled { .. } => Default::default(),
        };
        Self { offboarding, search, look }
    }

    /// What is to be stored of it. A stage without calls finds out nothing.
    pub(crate) fn found(&self) -> Result<Found, Halt> {
        match &self.offboarding.state {
            State::Scheduled(_) => Ok(Found::Scheduled(Box::new(self.search.clone()))),
            State::Planning(_) => Ok(Found::Planning(Box::new(self.search.clone()))),
            State::Finalizing(_) => Ok(Found::Finalizing(self.look.clone())),
            State::Verifying(_) => Ok(Found::Verifying(self.look.paging.clone())),
            State::Held { .. }
            | State::Removing(_)
            | State::Completed { .. }
            | State::Failed { .. }
            | State::Cancelled { .. } => Err(Halt::Overtaken),
        }
    }
}

/// Stores a change of the stage's offboarding, so that the next one builds on it.
pub(crate) async fn advance(
    context: &Context,
    stage: &mut StageTask,
    event: Event,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    stage.offboarding = context.ledger().commit(&stage.offboarding, event, context.now()).await?;
    session.fresh_stage(&stage.offboarding);
    tracing::info!(offboarding = %stage.offboarding.id, state = stage.offboarding.state.name(), "stored");
    Ok(())
}
