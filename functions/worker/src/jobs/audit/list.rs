//! Reading the list of members, a page at a time.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use podio_client::{
    Meaning,
    org_member::{self, Listed, OrgMember},
};
use podio_lifecycle::{
    ids::UserId,
    offboarding::FailureCode,
    people::{AuditEvent, AuditState, MemberWrite, Page},
};

use super::{Task, advance, listed, observation, record, sighting::sighting};
use crate::{
    Context,
    halt::Halt,
    jobs::{
        look_up::{self, Cursor, Turn, endless},
        returned::has_returned,
    },
    session::Session,
};

/// How long it is known whom a page has listed: longer than any audit takes.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Reads a page, compares its members with those that are stored, and stores what differs.
pub(super) async fn read_page(context: &Context, task: &mut Task, session: &mut Session<'_>) -> Result<(), Halt> {
    let AuditState::Listing { cursor: step, pages } = task.audit.state.clone() else { return Err(Halt::Overtaken) };
    let acting = acting(task, session).await?;
    let mut cursor = task.cursor.take().unwrap_or_else(|| Cursor::resume(step.as_ref(), false));
    let answer = look_up::page(session, task.audit.org_id, None, &mut cursor).await;
    // What was learned of the page size is worth keeping, whatever the answer was.
    task.audit.state = AuditState::Listing { cursor: Some(cursor.paging()), pages };
    let entries = match answer? {
        Meaning::Yes(entries) => entries,
        other => return Err(Halt::of(&other, "the list of the organization's members")),
    };
    let shown_before = cursor.shown_before();
    let unreadable = entries.iter().skip(shown_before).filter(|entry| entry.member().is_none()).count();
    let members = current(&entries);
    let next = match cursor.turn(&look_up::ids(&entries)) {
        Turn::On(next) => Some(next),
        Turn::Over => None,
        Turn::Endless => return Err(endless()),
    };
    let ids: Vec<UserId> = members.keys().copied().collect();
    let writes = compare(context, task, &members, acting).await?;
    record(context, task, &writes).await?;
    let known = listed(context, task).await?;
    let fresh = ids.iter().filter(|user| known.insert(**user)).count();
    if next.is_none() && known.is_empty() {
        // The account that asks is a member itself.
        return Err(Halt::fail(
            FailureCode::UnexpectedAnswer,
            "Podio lists no members at all, which cannot be. Nobody counts as gone.",
        ));
    }
    see_again(context, task, &ids, session).await?;
    context.ports.auditing.note_listed(&task.audit.id, pages, &ids, context.now() + KNOWN_FOR).await?;
    let page = Page {
        next: next.as_ref().map(Cursor::paging),
        members: number(fresh),
        unreadable: number(unreadable),
        changes: number(writes.iter().map(|write| write.changes.len()).sum()),
    };
    task.cursor = next;
    advance(context, task, AuditEvent::Listed(page), session).await
}

/// Who was removed before this audit began, and is listed all the same, may be back: no hook need have told of it. A list may
/// be old, so they are asked for by themselves.
async fn see_again(context: &Context, task: &Task, users: &[UserId], session: &mut Session<'_>) -> Result<(), Halt> {
    let org = task.audit.org_id;
    for (user, removed_by) in context.ports.removed.removed(org, users).await? {
        let Some(offboarding) = context.ports.offboardings.load(&removed_by).await? else { continue };
        let state = &offboarding.state;
        let is_older = state.completed_at().is_some_and(|completed| completed < task.audit.started_at);
        if !is_older || state.returned_at().is_some() {
            continue;
        }
        match session.call(&org_member::get(org, user)).await? {
            Meaning::Yes(member) if member.user_id == user && !member.may_be_former() => {
                has_returned(context, task.audit.id.as_str(), org, user, &removed_by, session).await?;
            }
            Meaning::Yes(_) | Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) => {}
            Meaning::Unclear(doubt) => return Err(doubt.into()),
        }
    }
    Ok(())
}

/// The account that the service acts as, which is never stale.
async fn acting(task: &mut Task, session: &mut Session<'_>) -> Result<Option<UserId>, Halt> {
    if let Some(acting) = task.acting {
        return Ok(acting);
    }
    let acting = session.acting_user().await?;
    task.acting = Some(acting);
    Ok(acting)
}

/// Those of a page who are members now, each once.
fn current(entries: &[Listed]) -> BTreeMap<UserId, &OrgMember> {
    let members = entries.iter().filter_map(Listed::member).filter(|member| member.ended_on.is_none());
    members.map(|member| (member.user_id, member)).collect()
}

/// What is to be written of these members.
async fn compare(
    context: &Context,
    task: &Task,
    members: &BTreeMap<UserId, &OrgMember>,
    acting: Option<UserId>,
) -> Result<Vec<MemberWrite>, Halt> {
    let ids: Vec<UserId> = members.keys().copied().collect();
    let stored = context.ports.members.members_among(task.audit.org_id, &ids).await?;
    let observation = observation(context, &task.audit, context.now());
    let seen = |(user, member): (&UserId, &&OrgMember)| {
        observation.seen(stored.get(user), &sighting(member), acting == Some(*user))
    };
    Ok(members.iter().filter_map(seen).collect())
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
