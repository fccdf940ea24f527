//! Spaces that the plan does not settle: one that came into being since, a membership that came back.
//!
//! They are not left to the organization removal. They are written down as another round of the same plan, and the
//! offboarding goes back to leaving spaces. The removals come first and the word of them second, so a worker that dies in
//! between leaves removals that nobody has announced; whoever comes next announces them as they are.

use podio_lifecycle::{
    ids::{SpaceId, UserId},
    offboarding::{Event, FailureCode, Plan},
    ports::SaveError,
    removal::{RemovalState, SpaceRemoval},
};

use super::spaces::Spaces;
use crate::{
    Context,
    halt::Halt,
    jobs::{
        StageTask, advance,
        plan::{company, is_unseen, membership},
    },
    session::Session,
};

/// The spaces of the plan, each of them settled. The count of open ones says so already; this is the second guard.
pub(super) async fn settled_spaces(context: &Context, stage: &StageTask, plan: &Plan) -> Result<Spaces, Halt> {
    let spaces = context.ports.offboardings.spaces(&stage.offboarding.id, plan.number).await?;
    let spaces = Spaces::of(plan, spaces);
    if spaces.own.iter().all(|removal| removal.state.is_settled()) {
        return Ok(spaces);
    }
    Err(Halt::fail(
        FailureCode::Inconsistent,
        "The organization was about to be left although a space is not settled. Nothing was sent. Report this as a bug.",
    ))
}

/// Where Podio offers no preview: looks into the spaces of which its hooks told, for the leaver and for company. What
/// was seen is kept even where the quota cuts the look short.
pub(super) async fn look_into_suspects(
    context: &Context,
    stage: &mut StageTask,
    plan: &Plan,
    spaces: &Spaces,
    session: &mut Session<'_>,
) -> Result<Vec<SpaceRemoval>, Halt> {
    let mut found = Vec::new();
    let known = suspects(stage);
    let mut left = known.clone();
    let mut cut_short = None;
    while let Some(space) = left.first().copied() {
        let entry = SpaceRemoval::new(plan.key(&stage.offboarding.id, space), None, RemovalState::Unchecked);
        if let Some(mut entry) = spaces.missing([entry]).pop() {
            match look_into(&mut entry, plan.leaver.user_id, session).await {
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
    left.extend(found.iter().map(|entry| entry.key.space));
    if left != known {
        advance(context, stage, Event::SuspectsCleared { left }, session).await?;
    }
    match cut_short {
        Some(halt) if found.is_empty() => Err(halt),
        _ => Ok(found),
    }
}

/// Those that are still to be looked into.
fn suspects(stage: &StageTask) -> Vec<SpaceId> {
    stage.offboarding.state.plan().map(|plan| plan.suspects.clone()).unwrap_or_default()
}

async fn look_into(entry: &mut SpaceRemoval, user: UserId, session: &mut Session<'_>) -> Result<(), Halt> {
    (entry.state, entry.company) = membership(entry.key.space, user, session).await?;
    if is_unseen(entry) {
        entry.company = company(entry.key.space, user, session).await?;
    }
    Ok(())
}

/// Writes the spaces down, waiting from now on, and takes the offboarding back to leaving spaces.
pub(super) async fn extend_plan(
    context: &Context,
    stage: &mut StageTask,
    plan: &Plan,
    spaces: &Spaces,
    found: Vec<SpaceRemoval>,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let (round, place, now) = (spaces.next_round(plan), stage.offboarding.place, context.now());
    for removal in found {
        let before = spaces.get(removal.key.space).map(|known| known.state);
        let again = SpaceRemoval { before, ..removal.again_in(round) };
        let again = again.waiting_since(now, stage.offboarding.request.space_priority(), place);
        match context.ports.removals.save_space(&again).await {
            // Another worker has written it down. What is stored counts.
            Ok(()) | Err(SaveError::Conflict | SaveError::PersonTaken(_)) => {}
            Err(SaveError::Store(error)) => return Err(error.into()),
        }
    }
    let mut stored = settled_spaces(context, stage, plan).await?;
    // What a worker wrote down that died has left the table, should it have come up while the offboarding had failed.
    for removal in stored.unannounced.iter_mut().filter(|removal| removal.wait.is_none()) {
        let waiting = removal.clone().waiting_since(now, stage.offboarding.request.space_priority(), place);
        match context.ports.removals.save_space(&waiting).await {
            Ok(()) => *removal = SpaceRemoval { revision: waiting.revision + 1, ..waiting },
            Err(SaveError::Conflict | SaveError::PersonTaken(_)) => return Err(Halt::Overtaken),
            Err(SaveError::Store(error)) => return Err(error.into()),
        }
    }
    let Some(round) = stored.unannounced.iter().map(|removal| removal.round).max() else {
        return Err(Halt::Overtaken);
    };
    let written = stored.written();
    let count = stored.unannounced.len();
    let event = Event::SpacesFound {
        spaces: u32::try_from(count).unwrap_or(u32::MAX),
        again: stored.counted_before(),
        round,
        left: suspects(stage).into_iter().filter(|space| !written.contains(space)).collect(),
    };
    advance(context, stage, event, session).await?;
    stored.unannounced.iter().for_each(|removal| session.fresh_removal(removal));
    tracing::info!(offboarding = %stage.offboarding.id, spaces = count, "spaces were found that the plan does not settle");
    Ok(())
}
