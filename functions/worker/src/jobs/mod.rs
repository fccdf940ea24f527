//! The jobs, one file each.

mod crowd;
mod hooks;
mod look_up;
mod plan;
mod remove_from_org;
mod remove_from_space;
mod share;
mod verify_removal;

use jiff::{SignedDuration, Timestamp};
use podio_client::{Page, org, org_member, space_member};
use podio_lifecycle::{
    ids::{OffboardingId, OrgId, SpaceId, UserId},
    job::BatchKey,
    offboarding::{Claim, Event, Looks, Offboarding, Person, Search, SearchStep, SpaceSource, State},
    quota::Lane,
    removal::{RemovalBatch, RemovalState, SpaceRemoval},
};

pub(crate) use self::{
    hooks::HookTask,
    look_up::{SMALL_PAGE, SURELY_WHOLE, long_overlap},
    share::{END, EndTask, Turns},
};
pub use self::{hooks::Registration, remove_from_space::FIRST_PATIENCE};
use crate::{Worker, verdict::Halt};

/// How long a claimed call may be on its way before it counts as lost: longer than the client's patience.
pub(crate) const CLAIM: SignedDuration = SignedDuration::from_secs(30);

/// What a job is about, as it was loaded.
pub(crate) enum Task {
    /// One space of one leaver.
    Space(SpaceTask),
    /// The single job of a stage.
    Stage(StageTask),
    /// The end of an offboarding, to be foreseen.
    End(EndTask),
    /// A delivery of a hook, or the hooks themselves.
    Hook(HookTask),
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
    /// How old the list of members may be that the job looks into together with others; none where it does not.
    pub listed_since: Option<Timestamp>,
    /// When that list is read to see who is gone, for those who are read back in it.
    pub read_back_from: Option<Timestamp>,
}

impl Task {
    /// In which lane its calls go.
    pub(crate) fn lane(&self) -> Lane {
        match self {
            // One that has had its turn, and failed, need not queue up again.
            Self::Space(space) if space.entry.attempts > 0 => Lane::Interactive,
            Self::Space(_) | Self::End(_) => Lane::Removal,
            Self::Stage(_) => Lane::Interactive,
            Self::Hook(hook) => hook.lane(),
        }
    }

    /// The route of the call that it is about to make, which decides under which ceiling its slot is reserved.
    pub(crate) fn route(&self) -> String {
        let (org_id, user, space) = (OrgId(0), UserId(0), SpaceId(0));
        match self {
            Self::Space(_) | Self::End(_) => space_member::remove(space, user).quota_route(),
            Self::Hook(hook) => hook.route(),
            Self::Stage(stage) => match (&stage.offboarding.state, &stage.search.step) {
                _ if stage.listed_since.is_some() => org_member::list(org_id, Page::FIRST).quota_route(),
                (State::Finalizing, _) => org_member::remove(org_id, user).quota_route(),
                (State::Verifying, _) => org_member::get(org_id, user).quota_route(),
                (_, SearchStep::Find) if stage.search.found.is_none() && stage.listed_since.is_none() => {
                    match stage.offboarding.request.person {
                        Person::Email(_) => org_member::by_mail(org_id, "").quota_route(),
                        Person::User(_) => org_member::get(org_id, user).quota_route(),
                    }
                }
                (_, SearchStep::Find | SearchStep::Preview) => match stage.search.source {
                    SpaceSource::Preview => org_member::end_member_info(org_id, user).quota_route(),
                    SpaceSource::Memberships => org_member::space_memberships(org_id, user).quota_route(),
                    SpaceSource::AllSpaces => org::all_spaces(org_id).quota_route(),
                    SpaceSource::Spaces => org::spaces(org_id).quota_route(),
                },
                (_, SearchStep::Page { .. }) => org_member::list(org_id, Page::FIRST).quota_route(),
                (_, SearchStep::Check { .. }) => space_member::get(space, user).quota_route(),
            },
        }
    }
}

impl SpaceTask {
    /// The batch, as others name it.
    pub(crate) fn name(&self) -> (OffboardingId, BatchKey) {
        (self.offboarding.id.clone(), self.key)
    }

    /// Whether somebody else leaves the space for the leaver, so that it needs no call of its own.
    pub(crate) fn rides(&self) -> bool {
        self.entry.ride.is_some() && self.entry.slot.is_none()
    }

    /// Whether it is the last space of the plan that waits.
    pub(crate) fn is_last(&self) -> bool {
        let last = self.batch.spaces.iter().rfind(|space| space.state == RemovalState::Pending);
        !self.offboarding.rides
            && self.offboarding.last_batch == Some(self.key.number)
            && last.is_some_and(|last| last.space_id == self.entry.space_id)
    }
}

/// Looks at spaces that did not let the leaver go. What the organization removal does to these memberships it does to all
/// of them, so a few looks tell; and where the acting account sees none of them, more would only cost more.
pub(crate) const LOOKS: usize = 3;

impl StageTask {
    /// The job as its record has it.
    pub(crate) fn of(offboarding: &Offboarding) -> Self {
        Self {
            search: offboarding.work.search.clone(),
            offboarding: offboarding.clone(),
            listed_since: None,
            read_back_from: None,
        }
    }

    /// Calls that the job is about to make one after the other.
    pub(crate) fn calls_at_once(&self, now: Timestamp) -> usize {
        match self.offboarding.state {
            State::Planning => match self.search.step {
                SearchStep::Find if self.listed_since.is_some() => 1,
                SearchStep::Find => 2,
                SearchStep::Page { .. } | SearchStep::Preview => 1,
                SearchStep::Check { .. } => 10,
            },
            State::Finalizing => match self.offboarding.work.claim {
                // The preview, or the look at the member that stands in for it, and the removal.
                Claim::None => match self.search.looks {
                    Some(Looks::Together(looks)) => 2 + looks as usize,
                    Some(Looks::TooMany) | None => 2,
                },
                Claim::InFlight { since } if now.duration_since(since) < CLAIM => 0,
                Claim::InFlight { .. } | Claim::Uncertain => 3,
            },
            // The read-back, and looks at spaces that did not let the leaver go.
            // One of many reads on, and only that one has waited for a slot.
            State::Verifying if self.read_back_from.is_some() => self.offboarding.work.slots.len(),
            State::Verifying => 1 + LOOKS.min(self.offboarding.counted.left_to_org_removal as usize),
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
