//! The leaver out of one space.

use std::time::Duration;

use podio_client::{Error, NotFoundKind, Request, space_member};
use podio_lifecycle::removal::{RemovalBatch, RemovalState};

use super::{SpaceTask, share::Seat};
use crate::{Worker, caller::Caller, verdict::Halt};

/// How long the first attempt at a space waits for its answer. The call may be repeated without harm, and whoever waits
/// for longer misses the slots of the messages behind. A Podio that needs longer is given the time at the next attempt.
pub const FIRST_PATIENCE: Duration = Duration::from_secs(5);

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
            let removal = task.in_time(space_member::remove(space, leaver.user_id));
            settled_as(caller.call(&removal).await?)?
        };
        let batch = self.ports.removals.settle(id, task.key, space, state, self.now()).await?.batch;
        tracing::info!(offboarding = %id, %space, state = ?state, "space settled");
        self.learn_from(&party, caller).await;
        self.see_to_riders(task, &party).await;
        Ok(Some(batch))
    }
}

impl SpaceTask {
    /// The removal with as much patience as this attempt has.
    pub(super) fn in_time(&self, removal: Request<()>) -> Request<()> {
        if self.entry.attempts == 0 { removal.within(FIRST_PATIENCE) } else { removal }
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
        let page = Err(Error::Unavailable { status: Some(404), uncertain: true });
        assert!(matches!(settled_as(page), Err(Halt::Fault)), "a proxy's 404 proves nothing");

        let route = settled_as(Err(Error::NotFound(NotFoundKind::Route)));
        assert!(matches!(route, Err(Halt::Fail(failure)) if failure.code == FailureCode::UnexpectedAnswer));
    }
}
