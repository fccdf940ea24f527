//! The leaver out of the organization: the one call that may delete data, guarded twice.
//!
//! It is previewed once more right before, and it is announced in storage before it is sent, so that no worker sends it
//! a second time without having looked whether the first took effect.

use podio_client::{Error, NotFoundKind, org_member};
use podio_lifecycle::{
    hold::{Preview, unapproved},
    offboarding::{Claim, Event, FailureCode, Leaver},
    removal::{RemovalState, SpaceRemoval},
};

use super::{CLAIM, StageTask, plan::summed_up, verify_removal::Standing};
use crate::{Worker, caller::Caller, verdict::Halt};

impl Worker {
    /// Ends the membership, if nothing speaks against it.
    pub(crate) async fn remove_from_org(&self, stage: &mut StageTask, caller: &mut Caller<'_>) -> Result<(), Halt> {
        let Some(leaver) = stage.offboarding.leaver.clone() else { return Err(Halt::Overtaken) };
        match stage.offboarding.work.claim {
            Claim::None => {}
            Claim::InFlight { since } if self.now().duration_since(since) < CLAIM => {
                return Err(Halt::Pause(since + CLAIM));
            }
            Claim::InFlight { .. } | Claim::Uncertain => {
                if matches!(self.standing(stage, &leaver, caller).await?, Standing::Gone) {
                    return self.advance(stage, Event::OrgRemovalDone).await;
                }
            }
        }
        let preview = match self.preview_again(stage, &leaver, caller).await? {
            Some(preview) => preview,
            None => self.what_is_left(stage).await?,
        };
        let reasons = unapproved(preview.reasons(), &stage.offboarding.approved);
        if !reasons.is_empty() {
            return self.advance(stage, Event::OrgRemovalUnsafe(reasons)).await;
        }
        caller.be_ready().await?;
        self.advance(stage, Event::OrgRemovalClaimed).await?;
        let answer = caller.call(&org_member::remove(stage.offboarding.org_id, leaver.user_id)).await?;
        self.after_the_removal(stage, &leaver, answer, caller).await
    }

    async fn after_the_removal(
        &self,
        stage: &mut StageTask,
        leaver: &Leaver,
        answer: Result<(), Error>,
        caller: &mut Caller<'_>,
    ) -> Result<(), Halt> {
        match answer {
            // Leaving the last space may have ended the membership already.
            Ok(()) | Err(Error::NotFound(NotFoundKind::Object) | Error::Gone) => {
                self.advance(stage, Event::OrgRemovalDone).await
            }
            Err(error @ (Error::Forbidden { .. } | Error::Invalid { status: 409, .. })) => {
                // Refused, perhaps only because there is nothing left to end.
                match self.standing(stage, leaver, caller).await? {
                    Standing::Gone => self.advance(stage, Event::OrgRemovalDone).await,
                    Standing::There | Standing::Unclear => Err(Halt::fail(
                        FailureCode::MissingRights,
                        format!(
                            "Podio refuses to end the membership of the organization ({error}). The acting account must be \
                             an admin of it, and an organization's owner or last admin cannot be removed. Then retry."
                        ),
                    )),
                }
            }
            Err(error) => Err(Halt::of(&error, "the removal from the organization")),
        }
    }

    /// Without a preview, what Podio refused to end space by space is all that the removal can still harm.
    async fn what_is_left(&self, stage: &StageTask) -> Result<Preview, Halt> {
        let offboarding = &stage.offboarding;
        let Some(plan) = offboarding.plan.filter(|_| offboarding.counted.left_to_org_removal > 0) else {
            return Ok(Preview::default());
        };
        let batches = self.ports.offboardings.batches(&offboarding.id, plan).await?;
        let left = |space: &&SpaceRemoval| space.state == RemovalState::LeftToOrgRemoval;
        Ok(summed_up(batches.iter().flat_map(|batch| &batch.spaces).filter(left)))
    }
}
