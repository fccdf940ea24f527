//! Several leavers out of one space by one call.
//!
//! Of all removals that wait for a space one is dispatched. When it runs it claims the others, which thereby begin their
//! attempt too, and names them in its call. Each record settles by itself. Where Podio refuses lists, or nobody can tell
//! whether it took one at its word, each leaves alone.

use std::collections::BTreeSet;

use podio_client::{Doubt, Meaning, space_member};
use podio_engine::ports::Claimed;
use podio_lifecycle::{
    capability::Capability,
    ids::UserId,
    ports::SaveError,
    removal::{RemovalState, SpaceRemoval},
};

use super::remove_from_space::{SpaceTask, due, in_time, remove, settle};
use crate::{Context, halt::Halt, session::Session};

/// Leavers whom one call names at most: enough for a department, and a path of about a thousand characters.
const MOST: usize = 50;
/// Failures of a call that names several after which each leaves alone: it may be that Podio fails at the list and at
/// nothing else.
const PATIENCE: u32 = 6;

/// Leaves the space by one call together with all who wait for it; what became of the first leaver. None where nobody
/// waits, or each leaves alone.
pub(super) async fn leave_together(
    context: &Context,
    task: &SpaceTask,
    session: &mut Session<'_>,
) -> Result<Option<RemovalState>, Halt> {
    let known = context.offers.known().await?;
    if task.removal.alone || !known.may_offer(Capability::PluralSpaceMembers, context.now()) {
        return Ok(None);
    }
    let others = claim_others(context, task, session).await?;
    if others.is_empty() {
        return Ok(None);
    }
    let users: Vec<UserId> = others.iter().map(|other| other.user).collect();
    let concerned = others.iter().map(|other| other.removal.key.offboarding.clone());
    session.record_for([task.removal.key.offboarding.clone()].into_iter().chain(concerned).collect());
    let removal = space_member::remove_many(task.removal.key.space, task.user, &users);
    let answer = remove(context, &in_time(task, removal), session).await;
    session.record_for(vec![task.removal.key.offboarding.clone()]);
    let is_proven = known.is_proven(Capability::PluralSpaceMembers);
    let answer = match answer {
        Ok(answer) => answer,
        // Nothing was sent.
        Err(halt) => {
            let_wait(context, others, session, |removal| removal).await?;
            return Err(halt);
        }
    };
    match answer {
        Meaning::Yes(()) => {
            settle(context, &task.removal, RemovalState::Removed, session).await?;
            if is_proven || prove(context, &others, session).await? {
                for other in &others {
                    settle(context, &other.removal, RemovalState::Removed, session).await?;
                }
            } else {
                let_wait(context, others, session, alone).await?;
            }
            return Ok(Some(RemovalState::Removed));
        }
        Meaning::NotOffered => context.offers.learn_missing(Capability::PluralSpaceMembers).await?,
        Meaning::Denied(denial) if denial.is_of_form() => {
            context.offers.learn_missing(Capability::PluralSpaceMembers).await?;
        }
        // One of them is not a member, or may not be removed, and Podio does not say who.
        Meaning::Gone | Meaning::Denied(_) => {}
        Meaning::Unclear(Doubt::NoAnswer | Doubt::Unreadable) if !is_proven && task.removal.faults + 1 >= PATIENCE => {}
        Meaning::Unclear(doubt) => {
            let_wait(context, others, session, uncertain).await?;
            return Err(doubt.into());
        }
    }
    let_wait(context, others, session, alone).await?;
    Ok(None)
}

/// Claims all who wait for the space, then reads of each whether they are still to be removed: a cancellation is
/// written first and looks for claims second.
async fn claim_others(context: &Context, task: &SpaceTask, session: &Session<'_>) -> Result<Vec<SpaceTask>, Halt> {
    let waiting = context.ports.removals.waiting_in(task.removal.key.space, MOST).await?;
    let mut seen = BTreeSet::from([task.user]);
    let mut others = Vec::new();
    for key in waiting.into_iter().filter(|key| *key != task.removal.key) {
        let Some(other) = due(context, &key).await? else { continue };
        if other.removal.alone || !seen.insert(other.user) {
            continue;
        }
        let Claimed::Yes { deaths } = context.ports.work.claim(&key.job(), session.attempt).await? else { continue };
        if let Some(other) = due(context, &key).await? {
            // What a dead attempt has done, nobody has noted.
            let uncertain = other.removal.uncertain || deaths > 0;
            others.push(SpaceTask { removal: SpaceRemoval { uncertain, ..other.removal }, ..other });
        }
    }
    Ok(others)
}

/// Podio has taken a call that named several. Whether it removed more than the first is seen once, and believed from
/// then on: by somebody whom no call before can have removed. Where Podio does not let anybody see, lists are not worth another try with each space.
async fn prove(context: &Context, others: &[SpaceTask], session: &mut Session<'_>) -> Result<bool, Halt> {
    let Some(witness) = others.iter().find(|other| !other.removal.uncertain) else { return Ok(false) };
    session.record_for(vec![witness.removal.key.offboarding.clone()]);
    let answer = session.call(&space_member::get(witness.removal.key.space, witness.user)).await;
    let is_out = match answer {
        Ok(Meaning::Yes(member)) => !member.is_current(),
        Ok(Meaning::Gone) => true,
        Ok(Meaning::NotOffered | Meaning::Denied(_)) => false,
        // It cannot be seen now. Each asks alone, and the next call for several is the next try at a proof.
        Ok(Meaning::Unclear(_)) | Err(_) => return Ok(false),
    };
    if is_out {
        context.offers.learn_proven(Capability::PluralSpaceMembers).await?;
    } else {
        context.offers.learn_missing(Capability::PluralSpaceMembers).await?;
    }
    Ok(is_out)
}

/// The others wait on for a call of their own.
async fn let_wait(
    context: &Context,
    others: Vec<SpaceTask>,
    session: &mut Session<'_>,
    change: impl Fn(SpaceRemoval) -> SpaceRemoval,
) -> Result<(), Halt> {
    for SpaceTask { removal, .. } in others {
        let changed = change(removal.clone());
        if changed != removal {
            match context.ports.removals.save_space(&changed).await {
                Ok(()) | Err(SaveError::Conflict | SaveError::PersonTaken(_)) => {}
                Err(SaveError::Store(error)) => return Err(error.into()),
            }
        }
        context.ports.work.survived(&changed.key.job()).await?;
        session.fresh_removal(&changed);
    }
    Ok(())
}

/// A call that named it may have taken effect.
fn uncertain(removal: SpaceRemoval) -> SpaceRemoval {
    SpaceRemoval { uncertain: true, ..removal }
}

/// From here on it leaves the space by a call of its own, and may have been removed already.
fn alone(removal: SpaceRemoval) -> SpaceRemoval {
    SpaceRemoval { alone: true, uncertain: true, ..removal }
}
