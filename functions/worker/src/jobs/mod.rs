//! The jobs, one file each.

mod look_up;
mod plan;
mod remove_from_org;
mod remove_from_space;
mod verify_removal;

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    job::BatchKey,
    offboarding::{Claim, Event, Offboarding, Search, SearchStep, State},
    removal::{RemovalBatch, SpaceRemoval},
};

use crate::{Worker, verdict::Halt};

/// How long a claimed call may be on its way before it counts as lost: longer than the client's patience.
pub(crate) const CLAIM: SignedDuration = SignedDuration::from_secs(30);

/// What a job is about, as it was loaded.
pub(crate) enum Task {
    /// One space of one leaver.
    Space(SpaceTask),
    /// The single job of a stage.
    Stage(StageTask),
}

/// One space of one leaver.
pub(crate) struct SpaceTask {
    pub offboarding: Offboarding,
    pub key: BatchKey,
    pub batch: RemovalBatch,
    pub entry: SpaceRemoval,
}

/// The single job of a stage: the offboarding as it is stored now, and what the job has found out since.
pub(crate) struct StageTask {
    pub offboarding: Offboarding,
    pub search: Search,
}

impl StageTask {
    /// Calls that the job is about to make one after the other.
    pub(crate) fn calls_at_once(&self, now: Timestamp) -> usize {
        match self.offboarding.state {
            State::Planning => match self.search.step {
                SearchStep::Find => 2,
                SearchStep::Page { .. } | SearchStep::Preview => 1,
                SearchStep::Check { .. } => 10,
            },
            State::Finalizing => match self.offboarding.work.claim {
                // The preview, or the look at the member that stands in for it, and the removal.
                Claim::None => 2,
                Claim::InFlight { since } if now.duration_since(since) < CLAIM => 0,
                Claim::InFlight { .. } | Claim::Uncertain => 3,
            },
            State::Verifying => 1,
            _ => 0,
        }
    }
}

impl Worker {
    /// Stores a change of the stage's offboarding, so that the next one builds on it.
    pub(crate) async fn advance(&self, stage: &mut StageTask, event: Event) -> Result<(), Halt> {
        let committed = self.ledger().commit(&stage.offboarding, event, self.now()).await?;
        if let Some(reason) = committed.left_to_sweep {
            tracing::warn!(offboarding = %stage.offboarding.id, reason, "effects are left to the sweep");
        }
        tracing::info!(offboarding = %stage.offboarding.id, state = committed.offboarding.state.name(), "stored");
        stage.offboarding = committed.offboarding;
        Ok(())
    }
}
