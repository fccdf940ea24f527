//! Planning: find the member, preview the removal, list the spaces, write them down, and hold where that is wise.
//!
//! Where Podio offers its shortcuts this takes two calls; where it does not, as many as the organization has spaces. What
//! was found out is kept across waits, so no call is made twice.

mod check;
mod find;
mod nobody;
mod preview;
mod resolve;

use jiff::SignedDuration;
use podio_lifecycle::{
    hold::{HoldCode, Preview, Reason, Standing},
    ids::{OffboardingId, OrgId},
    ledger::NotCommitted,
    offboarding::{Event, Leaver, NewPlan, Planning, Request, SearchStep, State},
    removal::{Company, RemovalState, SpaceRemoval, tally},
};

use self::{
    check::check_spaces,
    find::{Finding, find_member, look_up_admins},
    nobody::nobody_is_found,
    preview::{Spaces, previewed_spaces},
};
pub(super) use self::{
    check::{company, is_unseen, membership},
    preview::{SecondPreview, preview_again},
    resolve::resolve,
};
use super::{StageTask, advance};
use crate::{Context, halt::Halt, session::Session};

/// Calls of a leaver beside those to the spaces.
const BESIDE_SPACES: usize = 5;
/// Leavers of one hour that are told apart by their place.
const MOST_COUNTED: usize = 1_000;
/// Spaces of somebody of whom that is not known yet.
const TYPICAL_SPACES: usize = 12;
/// What counts as posted at once: whoever comes later is another one, who must not wait behind the crowd.
const AT_ONCE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Plans of one hour go before the removals as long as they take no more than this share of its calls, in percent.
const MOST_OF_PLANS: usize = 80;
const CALLS_OF_PLAN: usize = 2;
/// So many that are posted at once need no place of their own: that would cost more than it spares others.
const FEW: usize = 10;
/// So many leave in an hour in the smallest of organizations.
const LEAST_MASS: usize = 3;

/// Plans from wherever an earlier run has got to.
pub(crate) async fn plan(
    context: &Context,
    stage: &mut StageTask,
    planning: &Planning,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    if !is_in_place(context, stage, planning, session).await? {
        return Ok(());
    }
    advance(context, stage, Event::PlanningBegun, session).await?;
    let State::Planning(Planning { draft, .. }) = stage.offboarding.state.clone() else { return Err(Halt::Overtaken) };
    let leaver = match stage.search.found.clone() {
        Some(leaver) => leaver,
        None => match find_member(stage, session).await? {
            Finding::Member(leaver) => leaver,
            Finding::NotAMember => return nobody_is_found(context, stage, session).await,
            Finding::InDoubt(reason) => return advance(context, stage, Event::InDoubt(reason), session).await,
        },
    };
    look_up_admins(stage, session).await?;
    // Before the preview, which is taken anew by each run if it shows something: what comes behind it could wait for
    // ever for a run that has moments for both.
    if !stage.search.acting_asked {
        stage.search.acting = session.acting_user().await?;
        stage.search.acting_asked = true;
    }
    let (preview, spaces) = match stage.search.step {
        SearchStep::Check { .. } => check_spaces(context, stage, &draft, &leaver, session).await?,
        _ => match previewed_spaces(stage, &draft, &leaver, session).await? {
            Spaces::Known { preview, spaces } => (preview, spaces),
            Spaces::ToCheck(spaces) => {
                context.ports.removals.save_spaces(&spaces).await?;
                stage.search.step = SearchStep::Check { spaces: u32::try_from(spaces.len()).unwrap_or(u32::MAX) };
                // From here on a run that dies does not start over.
                let (found, calls) = (stage.found()?, stage.offboarding.state.work().calls);
                let place = stage.offboarding.place;
                advance(context, stage, Event::Waits { until: None, found, calls, place }, session).await?;
                check_spaces(context, stage, &draft, &leaver, session).await?
            }
        },
    };
    conclude_plan(context, stage, leaver, &preview, spaces, session).await
}

/// Whoever was posted in a crowd finds a place that leaves room for others, before a call is spent: of the first the
/// plans lie spread before the removals, and whoever comes behind waits among these.
async fn is_in_place(
    context: &Context,
    stage: &mut StageTask,
    planning: &Planning,
    session: &mut Session<'_>,
) -> Result<bool, Halt> {
    let offboarding = &stage.offboarding;
    let is_new = planning.work.calls == 0 && planning.search == Default::default();
    let has_a_place = offboarding.crowd || offboarding.place != offboarding.created_at;
    if has_a_place || !is_new || !offboarding.approved.is_empty() {
        return Ok(true);
    }
    let believed = context.policy.mass_threshold;
    let most = context.dispatcher.configured.limit() * MOST_OF_PLANS / 100 / CALLS_OF_PLAN;
    let most = most.max(believed);
    let of_the_hour = accepted_within(context, HOUR, stage, most).await?;
    if of_the_hour < FEW.min(believed) {
        return Ok(true);
    }
    let at_once = accepted_within(context, AT_ONCE, stage, believed).await?;
    let event = if at_once >= believed || of_the_hour >= most {
        Event::Crowded { place: place(context, stage, TYPICAL_SPACES).await? }
    } else if at_once >= FEW {
        let place = behind(context, stage, at_once, CALLS_OF_PLAN);
        Event::Waits { until: None, found: stage.found()?, calls: 0, place }
    } else {
        return Ok(true);
    };
    advance(context, stage, event, session).await?;
    Ok(false)
}

/// How many leavers were accepted shortly before this one, counted to `at_most`.
async fn accepted_within(
    context: &Context,
    time: SignedDuration,
    stage: &StageTask,
    at_most: usize,
) -> Result<usize, Halt> {
    let offboarding = &stage.offboarding;
    let since = offboarding.created_at - time;
    Ok(context.ports.offboardings.count_accepted(since, &offboarding.id, at_most).await?)
}

/// The place of what is still to be called: behind those who were accepted in the hour before, as if they all were in
/// as many spaces. A layoff lies spread over its day, and somebody who leaves two hours later goes between.
async fn place(context: &Context, stage: &StageTask, spaces: usize) -> Result<jiff::Timestamp, Halt> {
    let earlier = accepted_within(context, HOUR, stage, MOST_COUNTED).await?;
    Ok(behind(context, stage, earlier, spaces + BESIDE_SPACES))
}

/// The place behind so many leavers, who need so many calls each. A quarter of the quota is left to those who come later.
fn behind(context: &Context, stage: &StageTask, leavers: usize, calls: usize) -> jiff::Timestamp {
    let ceiling = context.dispatcher.configured;
    let calls = i32::try_from(leavers * calls).unwrap_or(i32::MAX);
    let limit = i32::try_from(ceiling.limit()).unwrap_or(i32::MAX);
    stage.offboarding.created_at + ceiling.window() / limit * calls * 5 / 4
}

/// Stores the plan: its removals first, then the word of them. A removal that waits before its offboarding says so is
/// looked at a little later.
async fn conclude_plan(
    context: &Context,
    stage: &mut StageTask,
    leaver: Leaver,
    preview: &Preview,
    spaces: Vec<SpaceRemoval>,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let standing = Standing {
        user: Some(leaver.user_id),
        acting: stage.search.acting,
        is_org_admin: stage.search.org_admin == Some(true),
        org_admins: stage.search.admins.clone(),
    };
    let mut reasons = standing.reasons();
    reasons.extend(preview.reasons());
    reasons.extend(mass_offboarding(context, stage).await?);
    let place = place(context, stage, spaces.len()).await?;
    // Spaces that no preview named are checked one by one.
    let previewed = !matches!(stage.search.step, SearchStep::Check { .. });
    let plan = NewPlan { leaver, spaces: tally(&spaces).pending, previewed, reasons, place };
    let planned = stage.offboarding.apply(Event::Planned(plan.clone()), context.now());
    let waits = planned.is_ok_and(|change| matches!(change.offboarding.state, State::Removing(_)));
    let mut written = Vec::with_capacity(spaces.len());
    for space in spaces {
        let space = match (space.state, waits) {
            (RemovalState::Pending, true) => {
                space.waiting_since(context.now(), stage.offboarding.request.space_priority(), place)
            }
            _ => space,
        };
        written.push(space);
    }
    // What has been checked and does not wait is stored as it is.
    let unstored: Vec<SpaceRemoval> =
        written.iter().filter(|space| space.revision == 0 || space.wait.is_some()).cloned().collect();
    context.ports.removals.save_spaces(&unstored).await?;
    match context.ledger().commit(&stage.offboarding, Event::Planned(plan), context.now()).await {
        Ok(planned) => {
            stage.offboarding = planned;
            tracing::info!(offboarding = %stage.offboarding.id, state = stage.offboarding.state.name(), "planned");
            session.fresh_stage(&stage.offboarding);
            if matches!(stage.offboarding.state, State::Removing(_)) {
                written.iter().for_each(|space| session.fresh_removal(space));
            }
            Ok(())
        }
        Err(NotCommitted::PersonTaken(other)) => {
            merge_into(context, &other, &stage.offboarding.request, session).await?;
            advance(context, stage, Event::Duplicate(other), session).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The person, who was asked for by another name, is being off-boarded already. The newer request counts there: one
/// for today must not end as the duplicate of one for next month.
async fn merge_into(
    context: &Context,
    other: &OffboardingId,
    request: &Request,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let event = Event::AskedAgain(Box::new(request.clone()));
    match context.ledger().commit_by(&request.source.actor(), other, &event, context.now()).await {
        Ok(merged) => {
            session.fresh_stage(&merged);
            Ok(())
        }
        Err(NotCommitted::Refused(_) | NotCommitted::Unknown) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A leaver too many for one hour. Dry runs do not count, and are not counted.
async fn mass_offboarding(context: &Context, stage: &StageTask) -> Result<Option<Reason>, Halt> {
    if stage.offboarding.request.dry_run {
        return Ok(None);
    }
    let threshold = context.policy.mass_threshold;
    let earlier = accepted_within(context, HOUR, stage, threshold).await?;
    // So few are never too many, and no audit need be asked.
    if earlier < LEAST_MASS.min(threshold) {
        return Ok(None);
    }
    let most = threshold.min(share_of_the_members(context, stage.offboarding.org_id).await?.unwrap_or(threshold));
    Ok((earlier >= most).then(|| {
        let detail = format!(
            "More than {most} leavers were posted within an hour, which may be a mistake of the sender. Check the list, then \
             approve."
        );
        Reason::general(HoldCode::MassOffboarding, detail)
    }))
}

/// How many may leave within an hour for the size of the organization, where an audit knows it.
async fn share_of_the_members(context: &Context, org: OrgId) -> Result<Option<usize>, Halt> {
    let audited = context.ports.audits.audited(org).await?;
    let Some((last, _)) = audited.and_then(|audited| audited.completed) else { return Ok(None) };
    let members = context.ports.audits.audit(&last).await?.map(|audit| audit.members as usize);
    Ok(members.map(|members| (members * context.policy.mass_share / 100).max(LEAST_MASS)))
}

/// What the looks into the spaces add up to.
pub(crate) fn summed_up<'a>(spaces: impl IntoIterator<Item = &'a SpaceRemoval>) -> Preview {
    let mut preview = Preview::default();
    for space in spaces {
        let belongs = !matches!(space.state, RemovalState::NotAMember);
        match space.company {
            Company::Alone if belongs => preview.deleted.push(space.key.space),
            Company::OthersWithoutAdmin if belongs => preview.promoted.push(space.key.space),
            Company::Unknown | Company::Hidden | Company::Implied if space.state == RemovalState::LeftToOrgRemoval => {
                preview.unseen.push(space.key.space);
            }
            _ => {}
        }
    }
    preview
}
