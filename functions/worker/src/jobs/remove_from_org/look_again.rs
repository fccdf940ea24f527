//! Looks into the spaces that did not let the leaver go, right before the organization is left and where Podio offers no
//! preview: who was there hours ago may have left since.
//!
//! What was seen minutes ago is worth nothing, so a run that the quota cuts short begins anew. Were that all, it might never
//! come to an end: the next run asks for the moments of all looks right after each other. Where there are too many for
//! that, or where that was in vain too, a person is asked instead.

use podio_lifecycle::{
    hold::{HoldCode, Reason},
    ids::UserId,
    offboarding::Looks,
    ports::SaveError,
    removal::{Company, SpaceRemoval},
};

use super::spaces::Spaces;
use crate::{
    Context,
    halt::Halt,
    jobs::{
        StageTask,
        plan::{company, summed_up},
    },
    session::Session,
};

/// So many looks take a few seconds. Moments that were reserved right after each other are not missed in that time.
const MOST_TOGETHER: usize = 12;

/// Why a space is a danger that nobody has looked into.
pub(super) fn unseen(spaces: &Spaces) -> Vec<Reason> {
    let detail = "This space did not let the leaver go, and there are too many such spaces to look into each right before the \
                  organization is left, so its deletion cannot be ruled out. Make the acting admin an admin of the space, then \
                  approve: it is asked once more. Or approve.";
    let reason = |removal: &SpaceRemoval| Reason::of_space(HoldCode::SpaceWouldBeDeleted, removal.key.space, detail);
    spaces.refused().map(reason).collect()
}

/// The dangers in the spaces that are left to the removal.
pub(super) async fn dangers_left_behind(
    context: &Context,
    stage: &mut StageTask,
    user: UserId,
    spaces: &Spaces,
    session: &mut Session<'_>,
) -> Result<Vec<Reason>, Halt> {
    let is_open = |removal: &&SpaceRemoval| removal.company != Company::Hidden;
    let looks = spaces.refused().filter(is_open).count();
    if looks > 0 {
        // Remembered if this run is cut short, be it by what follows the looks.
        stage.look.looks = Some(after_a_cut(context, stage.look.looks, looks));
    }
    let mut left = Vec::new();
    for removal in spaces.refused() {
        left.push(look_again_into(context, removal, user, session).await?);
    }
    Ok(summed_up(&left).reasons())
}

/// What is to become of the looks when the quota cuts the run short.
fn after_a_cut(context: &Context, before: Option<Looks>, looks: usize) -> Looks {
    // Half of what there is, so that others come through beside it.
    let fit = looks <= MOST_TOGETHER && looks + 2 <= context.dispatcher.configured.limit() / 2;
    match (before, u32::try_from(looks)) {
        (None, Ok(looks)) if fit => Looks::Together(looks),
        _ => Looks::TooMany,
    }
}

/// Looks into a space. What cannot be seen is noted and not asked for again.
async fn look_again_into(
    context: &Context,
    removal: &SpaceRemoval,
    user: UserId,
    session: &mut Session<'_>,
) -> Result<SpaceRemoval, Halt> {
    if removal.company == Company::Hidden {
        return Ok(removal.clone());
    }
    let company = company(removal.key.space, user, session).await?;
    let seen = SpaceRemoval { company, ..removal.clone() };
    if company == Company::Hidden {
        match context.ports.removals.save_space(&seen).await {
            Ok(()) | Err(SaveError::Conflict | SaveError::PersonTaken(_)) => {}
            Err(SaveError::Store(error)) => return Err(error.into()),
        }
    }
    Ok(seen)
}
