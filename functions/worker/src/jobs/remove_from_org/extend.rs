//! Spaces that the plan does not settle: one that came into being since, a membership that came back.
//!
//! They are not left to the organization removal. They are written down as further batches of the same plan, and the
//! offboarding goes back to leaving spaces. The batches come first and the word of them second, so a worker that dies in
//! between leaves batches that nobody has announced; whoever comes next announces them as they are.

use podio_client::org_member;
use podio_lifecycle::{
    ids::{OrgId, UserId},
    offboarding::{Event, FailureCode, Leaver},
    quota::Slot,
    removal::{RemovalBatch, RemovalState, SpaceRemoval, Tally},
};

use super::batches::Batches;
use crate::{
    Worker,
    caller::Caller,
    jobs::{StageTask, plan::is_unseen},
    verdict::Halt,
};

impl Worker {
    /// The batches of the plan, each of them settled. The count of open batches says so already; this is the second guard.
    pub(super) async fn settled_batches(&self, stage: &StageTask) -> Result<Batches, Halt> {
        let batches = match stage.offboarding.plan {
            Some(plan) => self.ports.offboardings.batches(&stage.offboarding.id, plan).await?,
            None => Vec::new(),
        };
        let batches = Batches::of(&stage.offboarding, batches);
        if batches.own.iter().all(RemovalBatch::is_settled) {
            return Ok(batches);
        }
        Err(Halt::fail(
            FailureCode::Inconsistent,
            "The organization was about to be left although a space is not settled. Nothing was sent. Report this as a bug.",
        ))
    }

    /// Where Podio offers no preview: looks into the spaces of which its hooks told, for the leaver and for company. What
    /// was seen is kept even where the quota cuts the look short.
    pub(super) async fn look_into_suspects(
        &self,
        stage: &mut StageTask,
        leaver: &Leaver,
        batches: &Batches,
        caller: &mut Caller<'_>,
    ) -> Result<Vec<SpaceRemoval>, Halt> {
        let mut found = Vec::new();
        let mut left = stage.offboarding.suspects.clone();
        let mut cut_short = None;
        while let Some(space) = left.first().copied() {
            let entry = SpaceRemoval::new(space, None, RemovalState::Unchecked);
            if let Some(mut entry) = batches.missing([entry]).pop() {
                match self.look_into(&mut entry, leaver.user_id, caller).await {
                    Ok(()) if entry.state == RemovalState::Pending => found.push(entry),
                    Ok(()) => {}
                    Err(halt) => {
                        cut_short = Some(halt);
                        break;
                    }
                }
            }
            left.remove(0);
        }
        // Who was found stays a suspect until they are written down.
        left.extend(found.iter().map(|entry| entry.space_id));
        if left != stage.offboarding.suspects {
            self.advance(stage, Event::SuspectsCleared { left }).await?;
        }
        match cut_short {
            Some(halt) if found.is_empty() => Err(halt),
            Some(Halt::Wait(slots)) => {
                self.return_slots(slots.into_iter().map(|booking| booking.slot).collect()).await;
                Ok(found)
            }
            _ => Ok(found),
        }
    }

    async fn look_into(&self, entry: &mut SpaceRemoval, user: UserId, caller: &mut Caller<'_>) -> Result<(), Halt> {
        (entry.state, entry.company) = self.membership(entry.space_id, user, caller).await?;
        if is_unseen(entry) {
            entry.company = self.company(entry.space_id, user, caller).await?;
        }
        Ok(())
    }

    /// Writes the spaces down, watched from now on, and takes the offboarding back to leaving spaces.
    pub(super) async fn extend_plan(
        &self,
        stage: &mut StageTask,
        batches: &Batches,
        found: Vec<SpaceRemoval>,
    ) -> Result<(), Halt> {
        let plan = stage.offboarding.plan.ok_or(Halt::Overtaken)?;
        let further = RemovalBatch::cut_from(&stage.offboarding.id, batches.next(plan), found, Some(self.now()));
        self.ports.removals.create_batches(&further).await?;
        // Another worker may have written others down under the same names. What is stored counts.
        let stored = self.settled_batches(stage).await?;
        let unannounced = &stored.unannounced;
        let Some(last_batch) = unannounced.iter().map(|batch| batch.key.number).max() else {
            return Err(Halt::Overtaken);
        };
        let written = stored.written();
        let spaces = unannounced.iter().map(RemovalBatch::tally).sum::<Tally>().total();
        let suspects = stage.offboarding.suspects.iter().copied();
        let event = Event::SpacesFound {
            batches: u32::try_from(unannounced.len()).unwrap_or(u32::MAX),
            spaces,
            again: stored.counted_before(),
            last_batch,
            left: suspects.filter(|space| !written.contains(space)).collect(),
        };
        // Reserved for an end that is not near any more.
        let slots = stage.offboarding.work.slots.clone();
        self.advance(stage, event).await?;
        tracing::info!(offboarding = %stage.offboarding.id, spaces, "spaces were found that the plan does not settle");
        self.return_slots(slots).await;
        Ok(())
    }

    /// Gives back slots that were reserved for the end. Should that fail, they are lost, and nothing else.
    async fn return_slots(&self, mut slots: Vec<Slot>) {
        slots.retain(|slot| slot.0 > self.now());
        let route = org_member::remove(OrgId(0), UserId(0)).quota_route();
        self.give_back_or_lose(&route, &slots).await;
    }
}
