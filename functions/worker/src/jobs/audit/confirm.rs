//! Asking for each member who was listed before and is not now, before it is believed that they have left.

use podio_client::{Doubt, Meaning, org_member};
use podio_lifecycle::{
    capability::Capability,
    email::EmailAddress,
    ids::UserId,
    offboarding::Doubts,
    people::{AuditEvent, AuditState, Cause, Member, Standing},
};

use super::{Task, advance, count, listed, observation, record};
use crate::{
    Context,
    halt::Halt,
    jobs::look_up::{Sighting, Sought, fits_a_path, look_through},
    session::Session,
};

/// Members of one round: the record must stay small.
const ROUND: usize = 200;
/// Changes that are counted at once.
const COUNTED_AT_ONCE: usize = 1_000;

/// Finds the next of those who are missing, or completes the audit where there are none.
pub(super) async fn next_round(context: &Context, task: &mut Task, session: &mut Session<'_>) -> Result<(), Halt> {
    let AuditState::Confirming { until, .. } = task.audit.state else { return Err(Halt::Overtaken) };
    let current = context.ports.members.current_members(task.audit.org_id).await?;
    let listed = listed(context, task).await?;
    let is_missing = |user: &UserId| until.is_none_or(|until| *user > until) && !listed.contains(user);
    let missing: Vec<UserId> = current.iter().map(|(user, _)| *user).filter(is_missing).take(ROUND).collect();
    let completes = missing.is_empty();
    if completes {
        // Counted anew: a run that died may have stored what it did not count.
        task.audit.members = u32::try_from(current.len()).unwrap_or(u32::MAX);
        task.audit.changes = count_changes(context, task).await?;
    }
    advance(context, task, AuditEvent::Missing(missing), session).await?;
    if completes {
        count(context, &current);
    }
    Ok(())
}

/// Asks for one member, and stores what Podio says.
pub(super) async fn ask_for(
    context: &Context,
    task: &mut Task,
    user: UserId,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let org = task.audit.org_id;
    let stored = context.ports.members.members_among(org, &[user]).await?.remove(&user);
    // A run that has died may have stored it already.
    let Some(member) = stored.filter(Member::is_current) else {
        return advance(context, task, AuditEvent::Asked { user, standing: Standing::Gone }, session).await;
    };
    let standing = standing(task, &member, session).await?;
    if standing == Standing::Gone {
        let cause = context.ports.removed.removed(org, &[user]).await?.into_iter().next();
        let cause = cause.map(|(_, id)| Cause::Offboarding { id });
        let left = observation(context, &task.audit, context.now()).left(&member, task.audit.previous_at, cause);
        record(context, task, &[left]).await?;
    }
    advance(context, task, AuditEvent::Asked { user, standing }, session).await
}

/// Whether somebody is a member. A list that holds entries which nobody can read proves nothing: one may be theirs.
async fn standing(task: &mut Task, member: &Member, session: &mut Session<'_>) -> Result<Standing, Halt> {
    let AuditState::Confirming { search, .. } = &task.audit.state else { return Err(Halt::Overtaken) };
    if search.is_none() {
        match session.call(&org_member::get(task.audit.org_id, member.user_id)).await? {
            Meaning::Yes(found) if found.user_id != member.user_id => return Ok(Standing::Unknown),
            Meaning::Yes(found) if found.ended_on.is_some() => return Ok(Standing::Gone),
            // In no space and without a role: perhaps only the memory of a member, perhaps a guest.
            Meaning::Yes(found) if found.may_be_former() => {}
            Meaning::Yes(_) => return Ok(Standing::There),
            Meaning::Gone => return Ok(Standing::Gone),
            // Proves nothing: a right may be missing, or the person.
            Meaning::NotOffered | Meaning::Denied(_) => {}
            // Podio has somebody, and shows nothing of them.
            Meaning::Unclear(Doubt::Unreadable) => return Ok(Standing::Unknown),
            Meaning::Unclear(doubt) => return Err(doubt.into()),
        }
        if task.audit.unreadable > 0 {
            return Ok(Standing::Unknown);
        }
        if is_found_by_mail(task, member, session).await? {
            return Ok(Standing::There);
        }
    }
    second_look(task, member, session).await
}

/// A short cut to the proof that somebody is there still. Not being found proves nothing: the address may be another one now.
async fn is_found_by_mail(task: &Task, member: &Member, session: &mut Session<'_>) -> Result<bool, Halt> {
    let address = member.email().and_then(|email| email.parse::<EmailAddress>().ok());
    let wire = address.map(|address| address.wire()).filter(|wire| fits_a_path(wire));
    let Some(wire) = wire else { return Ok(false) };
    let request = org_member::by_mail(task.audit.org_id, &wire);
    match session.call_if_offered(Capability::MemberByMail, &request).await? {
        Meaning::Yes(found) => Ok(found.user_id == member.user_id && !found.may_be_former()),
        Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) | Meaning::Unclear(Doubt::Unreadable) => Ok(false),
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}

/// Looks for somebody, by id, among all members once more: they may have moved between the pages of the audit's own list. A
/// wait goes on where it stopped.
async fn second_look(task: &mut Task, member: &Member, session: &mut Session<'_>) -> Result<Standing, Halt> {
    let AuditState::Confirming { search, .. } = &mut task.audit.state else { return Err(Halt::Overtaken) };
    let sought = Sought::User(member.user_id);
    match look_through(session, task.audit.org_id, &sought, None, search, &mut Doubts::default()).await? {
        Meaning::Yes(Sighting::Found(_)) => Ok(Standing::There),
        Meaning::Yes(Sighting::Nobody) => Ok(Standing::Gone),
        Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) | Meaning::Unclear(Doubt::Unreadable) => {
            Ok(Standing::Unknown)
        }
        // The next try goes on with the page that failed.
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}

/// How many changes this audit has found.
async fn count_changes(context: &Context, task: &Task) -> Result<u32, Halt> {
    let (org, since) = (task.audit.org_id, task.audit.started_at);
    let (mut counted, mut cursor) = (0, None);
    loop {
        let part = context.ports.members.changes(org, since, cursor.as_ref(), COUNTED_AT_ONCE).await?;
        counted += part.items.iter().filter(|change| change.audit_id == task.audit.id).count();
        cursor = part.next;
        if cursor.is_none() {
            return Ok(u32::try_from(counted).unwrap_or(u32::MAX));
        }
    }
}
