//! Somebody may have come into a space: plans that are carried out are looked at again, and who was removed and is back is
//! noticed.

use std::collections::BTreeSet;

use podio_client::{Meaning, Page, org_member, space_member};
use podio_lifecycle::{
    hooks::DeliveryId,
    ids::{OrgId, SpaceId, UserId},
    ledger::NotCommitted,
    offboarding::Event,
};

use super::act::Note;
use crate::{
    Context,
    halt::Halt,
    jobs::{SMALL_PAGE, SURELY_WHOLE, returned::has_returned},
    session::Session,
};

/// Offboardings that are looked through for those that are carried out: far more than there are at a time.
const MOST_ACTIVE: usize = 1_000;
/// Pages of a space's members that are read to find out who has come.
const MOST_PAGES: u32 = 5;
/// Podio's largest page is not known, but nobody makes pages whose length is no multiple of this: what is shorter than was
/// asked for and of such a length is the end, and another call in the background, which may be long in coming, is saved.
const ROUND: usize = 10;

/// Has every plan that is carried out looked at again; where it is known who has come, only that person's. A hook
/// does not tell the organization, and a space of another one costs a look. Calls nobody, but each plan is going to call
/// Podio because of it, which is charged to whoever brought the event.
pub(super) async fn look_again(
    context: &Context,
    space: SpaceId,
    user: Option<UserId>,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    for offboarding in context.ports.offboardings.active(MOST_ACTIVE).await? {
        let state = &offboarding.state;
        let leaver = state.leaver().or_else(|| state.search().and_then(|search| search.found.as_ref()));
        if user.is_some_and(|user| leaver.is_none_or(|leaver| leaver.user_id != user)) {
            continue;
        }
        match context.ledger().commit_anyhow(&offboarding.id, &Event::LookAgain { space }, context.now()).await {
            Ok(_) => {
                session.budget.charge(1);
                tracing::info!(offboarding = %offboarding.id, %space, "the plan is looked at again");
            }
            // Not carried out (yet), or known.
            Err(NotCommitted::Refused(_) | NotCommitted::Unknown) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether who has come into a space was removed from the organization before.
pub(super) async fn look_for_returned(
    context: &Context,
    cause: &DeliveryId,
    space: SpaceId,
    user: Option<UserId>,
    session: &mut Session<'_>,
) -> Result<Option<Note>, Halt> {
    let Some(org) = context.policy.hooks.org else {
        let detail = "PODIO_ORG_ID is not set, so it cannot be told whether somebody has returned.";
        return Ok(Some(Note::new("no_organization", detail)));
    };
    let candidates = match user {
        Some(user) => vec![user],
        None => match members_of(space, session).await? {
            Ok(members) => members,
            Err(note) => return Ok(Some(note)),
        },
    };
    let is_listed = user.is_none();
    for (user, removed_by) in context.ports.removed.removed(org, &candidates).await? {
        // A list says that they are there. An event may be old, or nobody's.
        if is_listed || is_back(org, space, user, session).await? {
            has_returned(context, cause.as_str(), org, user, &removed_by, session).await?;
        }
    }
    Ok(None)
}

/// The members of a space, as far as a few pages go, of whatever size Podio's are.
async fn members_of(space: SpaceId, session: &mut Session<'_>) -> Result<Result<Vec<UserId>, Note>, Halt> {
    let (mut page, mut previous) = (Page::FIRST, None);
    let mut members = BTreeSet::new();
    for _ in 0..MOST_PAGES {
        match session.call(&space_member::list_v2(space, page)).await? {
            Meaning::Yes(listed) => {
                let before = members.len();
                members.extend(listed.iter().filter(|it| it.is_current()).map(|it| it.user_id));
                let length = listed.len();
                let is_full = length >= usize::from(page.limit) || length.is_multiple_of(ROUND);
                let is_last = length < SURELY_WHOLE || previous.is_some_and(|previous| length < previous);
                if !is_full || is_last || members.len() == before {
                    break;
                }
                previous = Some(length);
                page.offset = page.offset.saturating_add(u32::try_from(length).unwrap_or(u32::MAX));
            }
            Meaning::Denied(denial) if denial.is_of_form() && page.limit > SMALL_PAGE => page.limit = SMALL_PAGE,
            Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) => {
                let detail = "The event does not say who has come, and Podio does not show the space's members.";
                return Ok(Err(Note::new("members_hidden", detail)));
            }
            Meaning::Unclear(doubt) => return Err(doubt.into()),
        }
    }
    Ok(Ok(members.into_iter().collect()))
}

/// Whether Podio says that somebody is back: in the space, or in the organization where the space is not shown. An event alone
/// is not believed.
async fn is_back(org: OrgId, space: SpaceId, user: UserId, session: &mut Session<'_>) -> Result<bool, Halt> {
    match session.call(&space_member::get(space, user)).await? {
        Meaning::Yes(member) => return Ok(member.is_current()),
        Meaning::Gone => return Ok(false),
        Meaning::NotOffered | Meaning::Denied(_) => {}
        Meaning::Unclear(doubt) => return Err(doubt.into()),
    }
    match session.call(&org_member::get(org, user)).await? {
        Meaning::Yes(member) => Ok(member.user_id == user && !member.may_be_former()),
        Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) => Ok(false),
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}
