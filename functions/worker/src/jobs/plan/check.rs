//! Looking into each space for the leaver and for company, where Podio previews nothing.

use podio_client::{
    Meaning, Page, Role,
    space_member::{self, SpaceMember},
};
use podio_lifecycle::{
    capability::Capability,
    hold::Preview,
    ids::{SpaceId, UserId},
    offboarding::{Draft, Leaver},
    removal::{Company, RemovalState, SpaceRemoval},
};

use super::summed_up;
use crate::{
    Context,
    halt::Halt,
    jobs::{SMALL_PAGE, SURELY_WHOLE, StageTask},
    session::Session,
};

/// The first members of a space, no more than any Podio is known to refuse: enough to see whether somebody is alone.
const FIRST_FEW: Page = Page { limit: SMALL_PAGE, offset: 0 };

/// Goes through the spaces of the plan that nobody has looked into yet.
pub(super) async fn check_spaces(
    context: &Context,
    stage: &StageTask,
    draft: &Draft,
    leaver: &Leaver,
    session: &mut Session<'_>,
) -> Result<(Preview, Vec<SpaceRemoval>), Halt> {
    let mut spaces = context.ports.offboardings.spaces(&stage.offboarding.id, draft.number).await?;
    let open = |space: &&mut SpaceRemoval| space.state == RemovalState::Unchecked || is_unseen(space);
    for space in spaces.iter_mut().filter(open) {
        let before = space.clone();
        let result = check(space, leaver.user_id, session).await;
        // What was seen is kept even where the quota, or Podio, cut the look short.
        if *space != before {
            context.ports.removals.save_space(space).await?;
            space.revision += 1;
        }
        result?;
    }
    let preview = summed_up(&spaces);
    Ok((preview, spaces))
}

async fn check(space: &mut SpaceRemoval, user: UserId, session: &mut Session<'_>) -> Result<(), Halt> {
    if space.state == RemovalState::Unchecked {
        (space.state, space.company) = membership(space.key.space, user, session).await?;
    }
    if is_unseen(space) {
        space.company = company(space.key.space, user, session).await?;
    }
    Ok(())
}

/// Whether the leaver is in a space. Asked of the membership itself, since the lists leave out who is only invited.
pub(crate) async fn membership(
    space: SpaceId,
    user: UserId,
    session: &mut Session<'_>,
) -> Result<(RemovalState, Company), Halt> {
    // Where it cannot be seen, the removal will show.
    let unseen = (RemovalState::Pending, Company::Hidden);
    match session.call_if_offered(Capability::SpaceMembership, &space_member::get(space, user)).await? {
        Meaning::Yes(member) if member.is_current() => Ok((RemovalState::Pending, implied_by(member.role.as_ref()))),
        Meaning::Yes(_) | Meaning::Gone => Ok((RemovalState::NotAMember, Company::Unknown)),
        Meaning::NotOffered | Meaning::Denied(_) => Ok(unseen),
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}

/// Who else is in a space, by the better of two calls that this Podio may or may not know.
pub(crate) async fn company(space: SpaceId, user: UserId, session: &mut Session<'_>) -> Result<Company, Halt> {
    let calls = [
        (Capability::SpaceMembersV2, space_member::list_v2(space, FIRST_FEW)),
        (Capability::SpaceMembers, space_member::list(space)),
    ];
    for (capability, request) in calls {
        match session.call_if_offered(capability, &request).await? {
            Meaning::Yes(members) => return Ok(seen_in(&members, user)),
            Meaning::NotOffered => {}
            Meaning::Denied(denial) if !denial.lacks_a_right() => {}
            Meaning::Gone | Meaning::Denied(_) => break,
            Meaning::Unclear(doubt) => return Err(doubt.into()),
        }
    }
    Ok(Company::Hidden)
}

/// A space that the leaver is known to be in, and that nobody has looked into.
pub(in crate::jobs) fn is_unseen(space: &SpaceRemoval) -> bool {
    space.state == RemovalState::Pending && space.company == Company::Unknown
}

/// A space has an admin; if that is not the leaver, it is somebody else. Good enough to leave the space by its own call,
/// which deletes nothing; not good enough for the organization removal, which might.
pub(super) fn implied_by(role: Option<&Role>) -> Company {
    match role {
        Some(Role::Light | Role::Regular) => Company::Implied,
        Some(Role::Admin | Role::Other(_)) | None => Company::Unknown,
    }
}

/// What a list of members says about the leaver's company.
fn seen_in(members: &[SpaceMember], user: UserId) -> Company {
    let mut others = members.iter().filter(|member| member.is_current() && member.user_id != user).peekable();
    if others.peek().is_none() {
        return Company::Alone;
    }
    // Behind a long list there may be another admin; Podio's own refusal, or promotion, decides then.
    let may_go_on = members.len() >= SURELY_WHOLE;
    if may_go_on || others.any(|member| member.role == Some(Role::Admin)) {
        Company::Others
    } else {
        Company::OthersWithoutAdmin
    }
}
