//! Planning: find the member, preview the removal, list the spaces, write them down, and hold where that is wise.
//!
//! Where Podio offers its shortcuts this takes two calls; where it does not, as many as the organization has spaces. What
//! was found out is kept across waits, so no call is made twice.

mod check;
mod find;
mod preview;

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    hold::{HoldCode, Preview, Reason, Standing},
    ids::OffboardingId,
    ledger::NotCommitted,
    offboarding::{Event, Leaver, Plan, Request, SearchStep},
    removal::{Company, RemovalBatch, RemovalState, SpaceRemoval},
};

pub(super) use self::{check::is_unseen, preview::SecondPreview};
use self::{find::Finding, preview::Spaces};
use super::StageTask;
use crate::{Worker, caller::Caller, verdict::Halt};

impl Worker {
    /// Plans from wherever an earlier run has got to.
    pub(crate) async fn plan(&self, stage: &mut StageTask, caller: &mut Caller<'_>) -> Result<(), Halt> {
        self.advance(stage, Event::PlanningBegun).await?;
        let leaver = match stage.search.found.clone() {
            Some(leaver) => leaver,
            None => match self.find(stage, caller).await? {
                Finding::Member(leaver) => leaver,
                Finding::NotAMember => return self.advance(stage, Event::NotAMember).await,
            },
        };
        self.look_up_admins(stage, caller).await?;
        // Before the preview, which is taken anew by each run if it shows something: what comes behind it could wait for
        // ever for a run that has a slot for both.
        if !stage.search.acting_asked {
            stage.search.acting = caller.acting_user().await?;
            stage.search.acting_asked = true;
        }
        let (preview, batches) = match stage.search.step {
            SearchStep::Check { .. } => self.check_spaces(stage, &leaver, caller).await?,
            _ => match self.preview(stage, &leaver, caller).await? {
                Spaces::Known { preview, spaces } => {
                    // Nothing is removed in a dry run, so nothing need be watched.
                    let due_at = (!stage.offboarding.request.dry_run).then(|| self.now());
                    let batches = self.write_down(stage, spaces, due_at).await?;
                    (preview, batches)
                }
                Spaces::ToCheck(spaces) => {
                    let batches = self.write_down(stage, spaces, None).await?;
                    let count = u32::try_from(batches.len()).unwrap_or(u32::MAX);
                    stage.search.step = SearchStep::Check { batches: count, next: 0 };
                    // From here on a run that dies does not start over.
                    let event = Event::Parked { slots: Vec::new(), until: None, search: stage.search.clone() };
                    self.advance(stage, event).await?;
                    self.check_spaces(stage, &leaver, caller).await?
                }
            },
        };
        self.conclude_plan(stage, leaver, &preview, &batches).await
    }

    /// Stores the spaces ten to an item, under this plan's name. They are watched from `due_at` on, or from the moment
    /// that removing begins.
    async fn write_down(
        &self,
        stage: &StageTask,
        spaces: Vec<SpaceRemoval>,
        due_at: Option<Timestamp>,
    ) -> Result<Vec<RemovalBatch>, Halt> {
        let plan = stage.offboarding.plan.ok_or(Halt::Overtaken)?;
        let batches = RemovalBatch::cut(&stage.offboarding.id, plan, spaces, due_at);
        self.ports.removals.create_batches(&batches).await?;
        Ok(batches)
    }

    async fn conclude_plan(
        &self,
        stage: &mut StageTask,
        leaver: Leaver,
        preview: &Preview,
        batches: &[RemovalBatch],
    ) -> Result<(), Halt> {
        let standing = Standing {
            user: Some(leaver.user_id),
            acting: stage.search.acting,
            is_org_admin: stage.search.org_admin == Some(true),
            org_admins: stage.search.admins.clone(),
        };
        let mut reasons = standing.reasons();
        reasons.extend(preview.reasons());
        reasons.extend(self.mass_offboarding(stage).await?);
        let open = batches.iter().filter(|batch| !batch.counted).count();
        let spaces = batches.iter().map(|batch| batch.tally().total()).sum();
        let last_batch = batches.iter().filter(|batch| !batch.counted).map(|batch| batch.key.number).max();
        let batches_open = u32::try_from(open).unwrap_or(u32::MAX);
        // Spaces that no preview named are checked one by one.
        let previewed = !matches!(stage.search.step, SearchStep::Check { .. });
        let plan = Plan { leaver, spaces, batches: batches_open, last_batch, rides: false, previewed, reasons };
        match self.commit_plan(&stage.offboarding, plan, batches).await {
            Ok(committed) => {
                if let Some(reason) = committed.left_to_sweep {
                    tracing::warn!(offboarding = %stage.offboarding.id, reason, "jobs are left to the sweep");
                }
                tracing::info!(offboarding = %stage.offboarding.id, state = committed.offboarding.state.name(), spaces, "planned");
                Ok(())
            }
            Err(NotCommitted::PersonTaken(other)) => {
                self.merge_into(&other, &stage.offboarding.request).await?;
                self.advance(stage, Event::Duplicate(other)).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The person, who was asked for by another name, is being off-boarded already. The newer request counts there: one
    /// for today must not end as the duplicate of one for next month.
    async fn merge_into(&self, other: &OffboardingId, request: &Request) -> Result<(), Halt> {
        let event = Event::AskedAgain(Box::new(request.clone()));
        match self.ledger().commit_by(&request.source.actor(), other, &event, self.now()).await {
            Ok(_) | Err(NotCommitted::Refused(_) | NotCommitted::Unknown) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A leaver too many for one hour. Dry runs do not count, and are not counted.
    async fn mass_offboarding(&self, stage: &StageTask) -> Result<Option<Reason>, Halt> {
        let offboarding = &stage.offboarding;
        let threshold = self.policy.mass_threshold;
        let hour_before = offboarding.created_at - SignedDuration::from_hours(1);
        let earlier = self.ports.offboardings.count_accepted(hour_before, &offboarding.id, threshold).await?;
        Ok((earlier >= threshold && !offboarding.request.dry_run).then(|| {
            let detail = format!(
                "More than {threshold} leavers were posted within an hour, which may be a mistake of the sender. \
                 Check the list, then approve."
            );
            Reason::general(HoldCode::MassOffboarding, detail)
        }))
    }
}

/// What the looks into the spaces add up to.
pub(crate) fn summed_up<'a>(spaces: impl IntoIterator<Item = &'a SpaceRemoval>) -> Preview {
    let mut preview = Preview::default();
    for space in spaces {
        let belongs = !matches!(space.state, RemovalState::NotAMember);
        match space.company {
            Company::Alone if belongs => preview.deleted.push(space.space_id),
            Company::OthersWithoutAdmin if belongs => preview.promoted.push(space.space_id),
            Company::Unknown | Company::Hidden | Company::Implied if space.state == RemovalState::LeftToOrgRemoval => {
                preview.unseen.push(space.space_id);
            }
            _ => {}
        }
    }
    preview
}
