//! The leaver out of one space.

use podio_client::{Error, NotFoundKind, space_member};
use podio_lifecycle::removal::{RemovalBatch, RemovalState};

use super::{SpaceTask, share::Seat};
use crate::{Worker, caller::Caller, verdict::Halt};

impl Worker {
    /// Leaves the space, and counts the batch if it was its last.
    pub(crate) async fn remove_from_space(&self, task: &SpaceTask, caller: &mut Caller<'_>) -> Result<(), Halt> {
        if !task.offboarding.owns(task.key) {
            return Ok(());
        }
        let left = match task.entry.state {
            RemovalState::Pending => self.leave(task, caller).await?,
            _ => Some(task.batch.clone()),
        };
        match left {
            Some(batch) => self.count_settled(&batch).await,
            None => Ok(()),
        }
    }

    /// Sends the `DELETE`, together with others where some wait for the same space, and settles the space by what Podio
    /// says. The batch as it then stands; none where there is nothing to do now.
    async fn leave(&self, task: &SpaceTask, caller: &mut Caller<'_>) -> Result<Option<RemovalBatch>, Halt> {
        let Some(leaver) = &task.offboarding.leaver else { return Ok(None) };
        if task.entry.ride.is_some() && self.keep_seat(task, caller).await? == Seat::Kept {
            return Ok(None);
        }
        let (id, space) = (&task.offboarding.id, task.entry.space_id);
        let party = self.leave_together(task, leaver.user_id, caller).await?;
        let state = if party.together {
            RemovalState::Removed
        } else {
            settled_as(caller.call(&space_member::remove(space, leaver.user_id)).await?)?
        };
        let batch = self.ports.removals.settle(id, task.key, space, state, self.now()).await?.batch;
        tracing::info!(offboarding = %id, %space, state = ?state, "space settled");
        self.see_to_riders(task, &party).await;
        Ok(Some(batch))
    }
}

/// What Podio's answer says about the membership.
fn settled_as(answer: Result<(), Error>) -> Result<RemovalState, Halt> {
    match answer {
        Ok(()) => Ok(RemovalState::Removed),
        Err(Error::NotFound(NotFoundKind::Object) | Error::Gone) => Ok(RemovalState::AlreadyGone),
        // An org admin is not automatically an admin of every space, and a last admin may be refused; the organization
        // removal, which is previewed once more, ends these memberships too.
        Err(Error::Forbidden { .. } | Error::Invalid { status: 409, .. }) => Ok(RemovalState::LeftToOrgRemoval),
        Err(error) => Err(Halt::of(&error, "the removal from a space")),
    }
}

#[cfg(test)]
mod tests {
    use podio_lifecycle::offboarding::FailureCode;

    use super::*;

    #[test]
    fn only_podios_own_word_settles_a_space() {
        assert_eq!(settled_as(Ok(())).ok(), Some(RemovalState::Removed));
        let gone = Err(Error::NotFound(NotFoundKind::Object));
        assert_eq!(settled_as(gone).ok(), Some(RemovalState::AlreadyGone));

        let lost = Err(Error::Unavailable { status: None, uncertain: true });
        assert!(matches!(settled_as(lost), Err(Halt::Fault)));
        let page = Err(Error::NotFound(NotFoundKind::Unclear));
        assert!(matches!(settled_as(page), Err(Halt::Fault)), "a proxy's 404 proves nothing");

        let route = settled_as(Err(Error::NotFound(NotFoundKind::Route)));
        assert!(matches!(route, Err(Halt::Fail(failure)) if failure.code == FailureCode::UnexpectedAnswer));
    }
}
