//! Asking for each member who was listed before and is not now, before it is believed that they have left.

use podio_client::{Doubt, Meaning, org_member};
use podio_lifecycle::{
    capability::Capability,
    email::EmailAddress,
    ids::UserId,
    offboarding::Search,
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
async fn standing(task: &Task, member: &Member, session: &mut Session<'_>) -> Result<Standing, Halt> {
    let list_is_whole = task.audit.unreadable == 0;
    match session.call(&org_member::get(task.audit.org_id, member.user_id)).await? {
        Meaning::Yes(found) if found.user_id != member.user_id => Ok(Standing::Unknown),
        Meaning::Yes(found) if found.ended_on.is_some() => Ok(Standing::Gone),
        // In no space and without a role: perhaps only the memory of a member, which a whole list does not show.
        Meaning::Yes(found) if found.may_be_former() && list_is_whole => Ok(Standing::Gone),
        Meaning::Yes(_) => Ok(Standing::There),
        Meaning::Gone => Ok(Standing::Gone),
        // Proves nothing: a right may be missing, or the person.
        Meaning::NotOffered | Meaning::Denied(_) if list_is_whole => by_address(task, member, session).await,
        Meaning::NotOffered | Meaning::Denied(_) => Ok(Standing::Unknown),
        // Podio has somebody, and shows nothing of them.
        Meaning::Unclear(Doubt::Unreadable) => Ok(Standing::Unknown),
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}

/// Asks in another way, where Podio does not tell of a member by their id.
async fn by_address(task: &Task, member: &Member, session: &mut Session<'_>) -> Result<Standing, Halt> {
    let org = task.audit.org_id;
    let address = member.email().and_then(|email| email.parse::<EmailAddress>().ok());
    let Some(address) = address else { return Ok(Standing::Unknown) };
    if fits_a_path(&address) {
        let request = org_member::by_mail(org, address.as_str());
        match session.call_if_offered(Capability::MemberByMail, &request).await? {
            Meaning::Yes(found) if found.user_id == member.user_id && !found.may_be_former() => {
                return Ok(Standing::There);
            }
            // Somebody else has the address now, or nobody in the organization: the other ways must tell.
            Meaning::Yes(_) | Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) => {}
            Meaning::Unclear(doubt) => return Err(doubt.into()),
        }
    }
    let mut search = Search::default();
    match look_through(session, org, &Sought::User(member.user_id), Some(&address), &mut search).await? {
        Meaning::Yes(Sighting::Found(_)) => Ok(Standing::There),
        Meaning::Yes(Sighting::Nobody) => Ok(Standing::Gone),
        Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) | Meaning::Unclear(Doubt::Unreadable) => {
            Ok(Standing::Unknown)
        }
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
