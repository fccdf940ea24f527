//! The proof: a read-back, newer than the removal, that shows the person gone.

use podio_client::{Meaning, org_member, space_member};
use podio_lifecycle::{
    capability::Capability,
    email::EmailAddress,
    offboarding::{Doubts, Event, FailureCode, Leaver, Plan, SKEW, State, Verifying},
    removal::RemovalState,
    retry::backoff,
};

use super::{
    LOOKS, StageTask, advance,
    look_up::{Sighting, Sought, fits_a_path, look_through},
};
use crate::{Context, halt::Halt, session::Session};

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

/// Asks, and completes the offboarding if the person is gone.
pub(crate) async fn verify_removal(
    context: &Context,
    stage: &mut StageTask,
    verifying: &Verifying,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let plan = &verifying.plan;
    // The removal may bear the time of another worker, whose clock is ahead; asked before that, it would be asked in vain.
    let ahead = verifying.deleted_at.duration_since(context.now());
    if ahead.is_positive() {
        context.ports.clock.sleep(ahead.min(SKEW)).await;
    }
    let asked_at = context.now();
    match standing(context, stage, &plan.leaver, session).await? {
        Standing::Gone => {
            look_at_refused_spaces(context, stage, plan, session).await?;
            advance(context, stage, Event::VerifiedGone { asked_at }, session).await
        }
        Standing::There => {
            advance(context, stage, Event::StillAMember, session).await?;
            match &stage.offboarding.state {
                // Podio may need a moment; the same job looks again.
                State::Verifying(it) => Err(Halt::Pause(context.now() + backoff(it.attempts.max(1), context.jitter()))),
                // Removed once more, or shown to a person.
                _ => Ok(()),
            }
        }
        Standing::Unclear => Err(Halt::Fault),
    }
}

/// Looks whether the leaver is still in spaces that did not let them go. The organization removal should have ended
/// that membership too, but not every Podio does so. A space that cannot be seen is one that could not be left either,
/// and Podio's word must do.
async fn look_at_refused_spaces(
    context: &Context,
    stage: &StageTask,
    plan: &Plan,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    if plan.spaces.left_to_org_removal == 0 {
        return Ok(());
    }
    let (offboarding, leaver) = (&stage.offboarding, &plan.leaver);
    let (own, _) = plan.split(context.ports.offboardings.spaces(&offboarding.id, plan.number).await?);
    let mut refused: Vec<_> = own.iter().filter(|it| it.state == RemovalState::LeftToOrgRemoval).collect();
    // First those that a person was asked about: the leaver was their last admin, which is a reason to refuse.
    refused
        .sort_by_key(|space| !offboarding.approved.iter().any(|approval| approval.space_id == Some(space.key.space)));
    for space in refused.into_iter().take(LOOKS) {
        match session.call(&space_member::get(space.key.space, leaver.user_id)).await? {
            Meaning::Yes(member) if member.user_id == leaver.user_id && member.is_current() => {
                return Err(Halt::fail(
                    FailureCode::StillAMember,
                    format!(
                        "The membership of the organization has ended, yet the person is still in the space {}, which \
                         did not let them go. Make somebody else its admin and remove them there by hand; then retry.",
                        space.key.space
                    ),
                ));
            }
            Meaning::Yes(_) | Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) => {}
            Meaning::Unclear(doubt) => return Err(doubt.into()),
        }
    }
    Ok(())
}

/// Whether the leaver is a member. Where Podio answers neither yes nor no, the list of everyone decides.
pub(crate) async fn standing(
    context: &Context,
    stage: &mut StageTask,
    leaver: &Leaver,
    session: &mut Session<'_>,
) -> Result<Standing, Halt> {
    let org = stage.offboarding.org_id;
    if stage.look.paging.is_none() {
        match session.call(&org_member::get(org, leaver.user_id)).await? {
            Meaning::Yes(member) if member.user_id != leaver.user_id => {}
            // Listed without a single space and without a role: perhaps only the memory of a member.
            Meaning::Yes(member) if member.may_be_former() => {}
            Meaning::Yes(_) => return Ok(Standing::There),
            Meaning::Gone => return Ok(Standing::Gone),
            // Proves nothing: a right may be missing, or the person.
            Meaning::NotOffered | Meaning::Denied(_) => {}
            Meaning::Unclear(doubt) => return Err(doubt.into()),
        }
        if is_found_by_mail(stage, leaver, session).await? {
            return Ok(Standing::There);
        }
    }
    second_look(context, stage, leaver, session).await
}

/// A short cut to the proof that the leaver is there still. Not being found proves nothing: the address may be one
/// that only the profile shows, or it may have changed since.
async fn is_found_by_mail(stage: &StageTask, leaver: &Leaver, session: &mut Session<'_>) -> Result<bool, Halt> {
    let wire = leaver.email.as_ref().map(EmailAddress::wire).filter(|wire| fits_a_path(wire));
    let Some(wire) = wire else { return Ok(false) };
    let request = org_member::by_mail(stage.offboarding.org_id, &wire);
    let answer = match session.call_if_offered(Capability::MemberByMail, &request).await {
        // Not worth a wait: the next run would have to begin with the member again. The pages remember how far they got.
        Err(Halt::Wait) => return Ok(false),
        answer => answer?,
    };
    match answer {
        Meaning::Yes(member) => Ok(member.user_id == leaver.user_id && !member.may_be_former()),
        Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) => Ok(false),
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}

/// Looks for the leaver, by id, among all members: the one look-up besides the member's own that could not have
/// missed them.
async fn second_look(
    context: &Context,
    stage: &mut StageTask,
    leaver: &Leaver,
    session: &mut Session<'_>,
) -> Result<Standing, Halt> {
    let org = stage.offboarding.org_id;
    let sought = Sought::User(leaver.user_id);
    let standing =
        match look_through(session, org, &sought, None, &mut stage.look.paging, &mut Doubts::default()).await? {
            Meaning::Yes(Sighting::Found(_)) => Standing::There,
            Meaning::Yes(Sighting::Nobody) => Standing::Gone,
            Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) => Standing::Unclear,
            // The next try goes on with the page that failed.
            Meaning::Unclear(doubt) => return Err(doubt.into()),
        };
    stage.look.paging = None;
    let stored = match &stage.offboarding.state {
        State::Finalizing(it) => it.look.paging.as_ref(),
        State::Verifying(it) => it.paging.as_ref(),
        _ => None,
    };
    if stored.is_some() {
        // A wait has stored the page. The next read-back must begin anew, even if it follows a crash.
        let found = stage.found()?;
        let (calls, place) = (stage.offboarding.state.work().calls, stage.offboarding.place);
        advance(context, stage, Event::Waits { until: None, found, calls, place }, session).await?;
    }
    Ok(standing)
}
