//! The proof: a read-back, newer than the removal, that shows the person gone.

use podio_client::{Error, NotFoundKind, org_member};
use podio_lifecycle::{
    capability::Capability,
    ids::OrgId,
    offboarding::{Event, Leaver, SearchStep},
};

use super::{
    StageTask,
    look_up::{Sighting, Sought},
};
use crate::{Worker, caller::Caller, verdict::Halt};

/// What a read-back shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// No member any more.
    Gone,
    /// A member still.
    There,
    /// Podio does not let it be seen.
    Unclear,
}

impl Worker {
    /// Asks, and completes the offboarding if the person is gone.
    pub(crate) async fn verify_removal(&self, stage: &mut StageTask, caller: &mut Caller<'_>) -> Result<(), Halt> {
        let Some(leaver) = stage.offboarding.leaver.clone() else { return Err(Halt::Overtaken) };
        let asked_at = self.now();
        match self.standing(stage, &leaver, caller).await? {
            Standing::Gone => self.advance(stage, Event::VerifiedGone { asked_at }).await,
            Standing::There => {
                self.advance(stage, Event::StillAMember).await?;
                let attempts = stage.offboarding.work.attempts;
                let wait = podio_lifecycle::retry::backoff(attempts.max(1), self.jitter());
                match stage.offboarding.stage_job() {
                    // Podio may need a moment; the same job looks again.
                    Some(podio_lifecycle::job::Job::VerifyRemoval { .. }) => {
                        Err(Halt::Pause(self.now() + jiff::SignedDuration::try_from(wait).unwrap_or_default()))
                    }
                    _ => Ok(()),
                }
            }
            Standing::Unclear => Err(Halt::Fault),
        }
    }

    /// Whether the leaver is a member. Where Podio answers neither yes nor no, a second look-up decides.
    pub(crate) async fn standing(
        &self,
        stage: &mut StageTask,
        leaver: &Leaver,
        caller: &mut Caller<'_>,
    ) -> Result<Standing, Halt> {
        let org = stage.offboarding.org_id;
        let is_paging = matches!(stage.search.step, SearchStep::Page { .. });
        if !is_paging {
            match caller.call(&org_member::get(org, leaver.user_id)).await? {
                Ok(member) if member.user_id != leaver.user_id => {}
                // Listed without a single space and without a role: perhaps only the memory of a member.
                Ok(member) if member.may_be_former() => {}
                Ok(_) => return Ok(Standing::There),
                Err(Error::NotFound(NotFoundKind::Object) | Error::Gone) => return Ok(Standing::Gone),
                // Proves nothing: a right may be missing, or the person.
                Err(Error::Forbidden { .. } | Error::NotFound(NotFoundKind::Route) | Error::Invalid { .. }) => {}
                Err(error) => return Err(Halt::of(&error, "the read-back of the membership")),
            }
        }
        self.second_look(org, stage, leaver, caller).await
    }

    async fn second_look(
        &self,
        org: OrgId,
        stage: &mut StageTask,
        leaver: &Leaver,
        caller: &mut Caller<'_>,
    ) -> Result<Standing, Halt> {
        if let Some(mail) = &leaver.email
            && stage.search.step == SearchStep::Find
            && caller.may_offer(Capability::MemberByMail).await?
        {
            match caller.call(&org_member::by_mail(org, mail.as_str())).await? {
                Ok(member) if member.user_id == leaver.user_id && !member.may_be_former() => {
                    return Ok(Standing::There);
                }
                Err(Error::NotFound(NotFoundKind::Object) | Error::Gone) => return Ok(Standing::Gone),
                Err(Error::NotFound(NotFoundKind::Route)) => caller.learn_missing(Capability::MemberByMail).await?,
                Ok(_) | Err(Error::Forbidden { .. } | Error::Invalid { .. } | Error::Unsendable) => {}
                Err(error) => return Err(Halt::of(&error, "the read-back of the membership")),
            }
        }
        let sought = Sought::User(leaver.user_id);
        let search = &mut stage.search;
        let seen =
            caller.look_through(org, &sought, leaver.email.as_ref(), &mut search.step, &mut search.lookalikes).await?;
        search.step = SearchStep::Find;
        match seen {
            Ok(Sighting::Found(_)) => Ok(Standing::There),
            Ok(Sighting::Nobody) => Ok(Standing::Gone),
            Err(Error::Forbidden { .. } | Error::NotFound(_) | Error::Invalid { .. }) => Ok(Standing::Unclear),
            Err(error) => Err(Halt::of(&error, "the list of the organization's members")),
        }
    }
}
