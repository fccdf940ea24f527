//! The leaver out of the organization: the one call that may delete data, guarded twice.
//!
//! It is previewed once more right before, and it is announced in storage before it is sent, so that no worker sends it
//! a second time without having looked whether the first took effect. Spaces that the preview names and the plan does not
//! settle are left one by one first ([`extend`]). Whoever leaves spaces behind goes one after the other ([`turn`]).

mod extend;
mod look_again;
mod spaces;
mod turn;

use podio_client::{Meaning, org_member};
use podio_lifecycle::{
    hold::{HoldCode, Preview, Reason, summarised, unapproved},
    offboarding::{Claim, Event, FailureCode, Finalizing, Looks, Plan},
    removal::SpaceRemoval,
};

use self::{
    extend::{extend_plan, look_into_suspects, settled_spaces},
    look_again::dangers_left_behind,
    spaces::{Spaces, may_be_back},
    turn::{Turn, end_turn, take_turn},
};
use super::{
    CLAIM, StageTask, advance,
    plan::{SecondPreview, preview_again, summed_up},
    verify_removal::{Standing, standing},
};
use crate::{Context, halt::Halt, session::Session};

/// Ends the membership, if nothing speaks against it.
pub(crate) async fn remove_from_org(
    context: &Context,
    stage: &mut StageTask,
    finalizing: &Finalizing,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let plan = &finalizing.plan;
    match finalizing.claim {
        Claim::None => {}
        Claim::InFlight { since } if context.now().duration_since(since) < CLAIM => {
            return Err(Halt::Pause(since + CLAIM));
        }
        Claim::InFlight { .. } | Claim::Uncertain => {
            if matches!(standing(context, stage, &plan.leaver, session).await?, Standing::Gone) {
                return advance(context, stage, Event::OrgRemovalDone, session).await;
            }
        }
    }
    let spaces = settled_spaces(context, stage, plan).await?;
    let mut turn = match spaces.leave_any_behind() {
        true => Some(take_turn(context, stage).await?),
        false => None,
    };
    let looks = stage.look.looks;
    let result = remove_in_turn(context, stage, plan, &spaces, &mut turn, session).await;
    if !matches!(result, Err(Halt::Wait)) {
        stage.look.looks = looks;
    }
    // A duplicate that was overtaken leaves the turn to the other one, which may be about to send the removal.
    if turn.is_some() && !matches!(result, Err(Halt::Overtaken)) {
        end_turn(context, stage).await;
    }
    result
}

async fn remove_in_turn(
    context: &Context,
    stage: &mut StageTask,
    plan: &Plan,
    spaces: &Spaces,
    turn: &mut Option<Turn>,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let mut look = look_once_more(context, stage, plan, spaces, session).await?;
    if turn.is_none() && look.stays_behind && !extends(plan, spaces, &look.found) {
        // Spaces of which nobody knew. What was seen of them without having the turn may be over.
        *turn = Some(take_turn(context, stage).await?);
        look = look_once_more(context, stage, plan, spaces, session).await?;
    }
    let Look { found, reasons, stays_behind: _ } = look;
    if !unapproved(summarised(reasons.clone()), &stage.offboarding.approved).is_empty() {
        return advance(context, stage, Event::OrgRemovalUnsafe(reasons), session).await;
    }
    if extends(plan, spaces, &found) {
        return extend_plan(context, stage, plan, spaces, found, session).await;
    }
    let removal = org_member::remove(stage.offboarding.org_id, plan.leaver.user_id);
    session.be_ready(&removal).await?;
    // Looked at last, and the claim is stored behind it: who pauses now finds either no call or the claim.
    if context.ports.pause.pause().await?.is_on() {
        return Err(Halt::Wait);
    }
    if turn.as_ref().is_some_and(|turn| !turn.outlasts_a_call(context.now())) {
        return Err(Halt::Overtaken);
    }
    advance(context, stage, Event::OrgRemovalClaimed, session).await?;
    let answer = session.call_unrepeated(&removal).await?;
    after_the_removal(context, stage, plan, answer, session).await
}

async fn after_the_removal(
    context: &Context,
    stage: &mut StageTask,
    plan: &Plan,
    answer: Meaning<()>,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    match answer {
        // Leaving the last space may have ended the membership already.
        Meaning::Yes(()) | Meaning::Gone => advance(context, stage, Event::OrgRemovalDone, session).await,
        Meaning::Denied(denial) if denial.lacks_a_right() || denial.is_of_state() => {
            // Refused, perhaps only because there is nothing left to end.
            match standing(context, stage, &plan.leaver, session).await? {
                Standing::Gone => advance(context, stage, Event::OrgRemovalDone, session).await,
                Standing::There | Standing::Unclear => Err(Halt::fail(
                    FailureCode::MissingRights,
                    format!(
                        "Podio refuses to end the membership of the organization ({denial}). The acting account must be \
                         an admin of it, and an organization's owner or last admin cannot be removed. Then retry."
                    ),
                )),
            }
        }
        other => Err(Halt::of(&other, "the removal from the organization")),
    }
}

/// The spaces that are still to be left, and the dangers, by the best that Podio offers.
async fn look_once_more(
    context: &Context,
    stage: &mut StageTask,
    plan: &Plan,
    spaces: &Spaces,
    session: &mut Session<'_>,
) -> Result<Look, Halt> {
    match preview_again(stage, plan, session).await? {
        SecondPreview::NobodyThere => return Ok(Look::default()),
        // It names what the removal would end. Where it names nothing and never did, the removal ends no space.
        SecondPreview::Shown { preview, spaces: shown } if shown.is_empty() && !plan.previewed => {
            return look_at_refused(stage, plan, spaces, preview, session).await;
        }
        SecondPreview::Shown { preview, spaces: shown } => {
            let named = shown.len();
            let refused = spaces.refused_among(&shown);
            let mut found = spaces.missing(shown);
            if !refused.is_empty() {
                let calls = context.ports.calls.calls(&stage.offboarding.id).await?;
                let is_back = |removal: &SpaceRemoval| may_be_back(&calls, removal.key.space, removal.uncertain);
                found.extend(refused.into_iter().filter(is_back));
            }
            return Ok(Look { stays_behind: found.len() < named, found, reasons: preview.reasons() });
        }
        SecondPreview::NotOffered => {}
    }
    let mut found = look_into_suspects(context, stage, plan, spaces, session).await?;
    for entry in spaces.to_ask_anew() {
        if found.iter().all(|known| known.key.space != entry.key.space) {
            found.push(entry);
        }
    }
    let mut reasons = summed_up(&found).reasons();
    // Where the spaces are left first, what else the removal can harm is looked at when they are.
    if !extends(plan, spaces, &found) {
        reasons.extend(dangers_without_preview(context, stage, plan, spaces, session).await?);
    }
    Ok(Look { found, reasons, stays_behind: false })
}

/// Spaces that did not let the leaver go, where the removal from the organization does not end such memberships: they
/// are asked once more if anything was decided since, and else a person is.
async fn look_at_refused(
    stage: &mut StageTask,
    plan: &Plan,
    spaces: &Spaces,
    mut preview: Preview,
    session: &mut Session<'_>,
) -> Result<Look, Halt> {
    let found = spaces.to_ask_anew();
    if !extends(plan, spaces, &found) && spaces.leave_any_behind() {
        preview.kept = spaces.refused().map(|removal| removal.key.space).collect();
        let is_new = !unapproved(summarised(preview.reasons()), &stage.offboarding.approved).is_empty();
        if is_new && !stage.look.in_no_space {
            // Spaces that are not shown may have refused without the leaver being in them. Asked once: a run that waits
            // for a moment must not begin with this again.
            stage.look.in_no_space = counted_spaces(stage, plan, session).await? == Some(0);
        }
        if stage.look.in_no_space {
            preview.kept.clear();
        }
    }
    Ok(Look { found, reasons: preview.reasons(), stays_behind: false })
}

/// In how many spaces the leaver is, where Podio tells.
async fn counted_spaces(stage: &StageTask, plan: &Plan, session: &mut Session<'_>) -> Result<Option<u32>, Halt> {
    match session.call(&org_member::get(stage.offboarding.org_id, plan.leaver.user_id)).await? {
        Meaning::Yes(member) => {
            Ok(member.spaces.map(|spaces| spaces.invited + spaces.started).or(member.space_memberships))
        }
        // Gone with the last space.
        Meaning::Gone => Ok(Some(0)),
        Meaning::NotOffered | Meaning::Denied(_) => Ok(None),
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}

/// Without a preview: what the removal can still harm, looked at right before it is sent.
async fn dangers_without_preview(
    context: &Context,
    stage: &mut StageTask,
    plan: &Plan,
    spaces: &Spaces,
    session: &mut Session<'_>,
) -> Result<Vec<Reason>, Halt> {
    let mut reasons = match stage.look.looks {
        Some(Looks::TooMany) => look_again::unseen(spaces),
        Some(Looks::Together(_)) | None => {
            dangers_left_behind(context, stage, plan.leaver.user_id, spaces, session).await?
        }
    };
    let counted = counted_spaces(stage, plan, session).await?;
    if counted.is_some_and(|count| count as usize > spaces.refused().count()) {
        let detail = "Podio counts more spaces of the leaver than it shows, so the deletion of one cannot be ruled out. \
                      Add the acting admin to all spaces, or approve.";
        reasons.push(Reason::general(HoldCode::SpaceWouldBeDeleted, detail));
    }
    Ok(reasons)
}

/// What the look right before the removal shows.
#[derive(Default)]
struct Look {
    /// Spaces that are still to be left.
    found: Vec<SpaceRemoval>,
    /// The dangers.
    reasons: Vec<Reason>,
    /// Whether the leaver is in other spaces too, which only the removal itself ends.
    stays_behind: bool,
}

/// Whether spaces are to be left one by one first.
fn extends(plan: &Plan, spaces: &Spaces, found: &[SpaceRemoval]) -> bool {
    plan.may_be_extended() && (spaces.are_unannounced() || !found.is_empty())
}
