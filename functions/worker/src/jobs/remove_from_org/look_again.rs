//! Looks into the spaces that did not let the leaver go, right before the organization is left and where Podio offers no
//! preview: who was there hours ago may have left since.
//!
//! What was seen minutes ago is worth nothing, so a run that the quota cuts short begins anew. Were that all, it might never
//! come to an end: a run that was cut short asks for the slots of all looks close together, and where there are too many for
//! that, or that was in vain too, a person is asked instead.

use podio_lifecycle::{
    hold::{HoldCode, Reason},
    ids::UserId,
    offboarding::Looks,
    removal::{Company, RemovalBatch, SpaceRemoval},
};

use super::batches::Batches;
use crate::{
    Worker,
    caller::Caller,
    jobs::{StageTask, plan::summed_up},
    verdict::Halt,
};

/// So many looks take a few seconds, for which slots that were reserved together are good.
const MOST_TOGETHER: usize = 12;

/// Why a space is a danger that nobody has looked into.
pub(super) fn unseen(batches: &Batches) -> Vec<Reason> {
    let detail = "This space did not let the leaver go, and there are too many such spaces to look into each right before the \
                  organization is left, so its deletion cannot be ruled out. Make the acting admin an admin of the space, then \
                  approve: it is asked once more. Or approve.";
    let reason = |space| Reason::of_space(HoldCode::SpaceWouldBeDeleted, space, detail);
    batches.refused().into_keys().map(reason).collect()
}

impl Worker {
    /// The dangers in the spaces that are left to the removal.
    pub(super) async fn dangers_left_behind(
        &self,
        stage: &mut StageTask,
        user: UserId,
        batches: &Batches,
        caller: &mut Caller<'_>,
    ) -> Result<Vec<Reason>, Halt> {
        let refused = batches.refused();
        let is_left =
            |batch: &RemovalBatch, space: &SpaceRemoval| refused.get(&space.space_id) == Some(&batch.key.number);
        let is_open =
            |batch: &RemovalBatch, space: &&SpaceRemoval| is_left(batch, space) && space.company != Company::Hidden;
        let count = |batch: &RemovalBatch| batch.spaces.iter().filter(|space| is_open(batch, space)).count();
        let looks: usize = batches.own.iter().map(count).sum();
        if looks > 0 {
            // Remembered if this run is cut short, be it by what follows the looks.
            stage.search.looks = Some(self.after_a_cut(stage.search.looks, looks));
        }
        let mut left = Vec::new();
        for batch in &batches.own {
            left.extend(self.look_again_into(batch, |space| is_left(batch, space), user, caller).await?);
        }
        Ok(summed_up(&left).reasons())
    }

    /// What is to become of the looks when the quota cuts the run short.
    fn after_a_cut(&self, before: Option<Looks>, looks: usize) -> Looks {
        // Half of what there is, so that others come through beside it.
        let fit = looks <= MOST_TOGETHER && looks + 2 <= self.policy.ceiling.limit() / 2;
        match (before, u32::try_from(looks)) {
            (None, Ok(looks)) if fit => Looks::Together(looks),
            _ => Looks::TooMany,
        }
    }

    /// Looks into the spaces of a batch. What cannot be seen is noted and not asked for again.
    async fn look_again_into(
        &self,
        batch: &RemovalBatch,
        is_left: impl Fn(&SpaceRemoval) -> bool,
        user: UserId,
        caller: &mut Caller<'_>,
    ) -> Result<Vec<SpaceRemoval>, Halt> {
        let mut seen = batch.clone();
        let mut result = Ok(());
        let open = |space: &&mut SpaceRemoval| is_left(space) && space.company != Company::Hidden;
        for space in seen.spaces.iter_mut().filter(open) {
            match self.company(space.space_id, user, caller).await {
                Ok(company) => space.company = company,
                Err(halt) => {
                    result = Err(halt);
                    break;
                }
            }
        }
        let hidden = |batch: &RemovalBatch| batch.spaces.iter().filter(|it| it.company == Company::Hidden).count();
        if hidden(&seen) > hidden(batch) {
            self.ports.removals.replace_batch(&seen).await?;
        }
        result?;
        Ok(seen.spaces.into_iter().filter(is_left).collect())
    }
}
