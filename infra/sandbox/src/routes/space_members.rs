//! Members of a space: reading, adding, changing roles, removing.

use serde_json::Value;

use super::shapes::role;
use super::{Context, Outcome, Reply, id, offered};
use crate::ids::{SpaceId, UserId};
use crate::refusal::Refusal;
use crate::state::{SpaceMembership, SpaceRole};
use crate::switches::{Acceptance, EndedMembership, PluralIds};

pub(super) fn answer(context: &mut Context<'_>, method: &str, path: &[&str]) -> Option<Outcome> {
    let ["space", space, "member", rest @ ..] = path else { return None };
    let space_id = SpaceId(id(space)?);
    let switches = &context.state.switches;
    match (method, rest) {
        ("GET", [""]) => Some(active(context, space_id)),
        ("POST", [""]) => Some(add(context, space_id)),
        ("GET", ["v2", ""]) => {
            offered(switches.space_members_v2)?;
            Some(active_v2(context, space_id))
        }
        ("GET", ["ended", ""]) => {
            offered(switches.ended_space_members)?;
            Some(ended(context, space_id))
        }
        ("GET", [user]) => Some(one(context, space_id, UserId(id(user)?))),
        ("DELETE", [users]) => Some(plural(context, users)?.and_then(|users| remove(context, space_id, &users))),
        ("PUT", [users]) => Some(plural(context, users)?.and_then(|users| change_role(context, space_id, &users))),
        _ => None,
    }
}

/// The ids in a path; `None` where a comma makes it another, unknown route.
fn plural(context: &Context<'_>, users: &str) -> Option<Result<Vec<UserId>, Refusal>> {
    let ids: Vec<UserId> = users.split(',').map(|user| id(user).map(UserId)).collect::<Option<_>>()?;
    match context.state.switches.plural_user_ids {
        PluralIds::NoOperation if ids.len() > 1 => None,
        PluralIds::InvalidValue if ids.len() > 1 => {
            Some(Err(Refusal::invalid_value(format!("\"{users}\" (string): must be integer"))))
        }
        PluralIds::FirstOnly => Some(Ok(ids.into_iter().take(1).collect())),
        _ => Some(Ok(ids)),
    }
}

fn active(context: &Context<'_>, space_id: SpaceId) -> Outcome {
    let space = context.readable_space(space_id)?;
    let members = space.active_members().filter(|(_, member)| member.started_on.is_some());
    Ok(Reply::json(members.map(|(user_id, member)| context.space_member(user_id, member)).collect()))
}

fn active_v2(context: &Context<'_>, space_id: SpaceId) -> Outcome {
    let space = context.readable_space(space_id)?;
    let page = context.page()?;
    let fits = |user_id: UserId, member: &SpaceMembership| {
        let wanted = context.parameter("member_type").and_then(role);
        context.fits_query(user_id) && wanted.is_none_or(|role| role == member.role)
    };
    let members = space.active_members().filter(|(user_id, member)| fits(*user_id, member));
    Ok(Reply::json(page.cut(members).map(|(user_id, member)| context.space_member_v2(user_id, member)).collect()))
}

fn ended(context: &Context<'_>, space_id: SpaceId) -> Outcome {
    let space = context.readable_space(space_id)?;
    let gone = space.members.iter().filter(|(_, member)| member.ended_on.is_some());
    Ok(Reply::json(gone.map(|(user_id, member)| context.space_member(*user_id, member)).collect()))
}

fn one(context: &Context<'_>, space_id: SpaceId, user_id: UserId) -> Outcome {
    let space = context.readable_space(space_id)?;
    let member = space.members.get(&user_id).ok_or_else(Refusal::object_not_found)?;
    match (member.ended_on, context.state.switches.removed_space_member) {
        (None, _) | (Some(_), EndedMembership::Ended) => Ok(Reply::json(context.space_member(user_id, member))),
        (Some(_), EndedMembership::NotFound) => Err(Refusal::object_not_found()),
        (Some(_), EndedMembership::Forbidden) => Err(Refusal::no_right("view")),
    }
}

fn remove(context: &mut Context<'_>, space_id: SpaceId, users: &[UserId]) -> Outcome {
    let space = context.space(space_id)?;
    let all = context.state.switches.plural_user_ids == PluralIds::AllMembers && users.len() > 1;
    let is_missing = |user_id: &UserId| match all {
        true => space.active_member(*user_id).is_none(),
        false => !space.members.contains_key(user_id),
    };
    if users.iter().all(is_missing) || all && users.iter().any(is_missing) {
        return Err(Refusal::object_not_found());
    }
    if users != [context.caller.user] {
        context.administered_space(space_id)?;
    }
    let outcome = context.state.remove_from_space(context.now, space_id, users);
    context.settle(outcome)
}

/// The sole admin of a space may not be demoted.
fn change_role(context: &mut Context<'_>, space_id: SpaceId, users: &[UserId]) -> Outcome {
    let space = context.administered_space(space_id)?;
    let body = context.body()?;
    let wanted = wanted_role(&body)?.ok_or_else(|| Refusal::invalid_value("null (null): role is required"))?;
    if users.iter().any(|user_id| space.active_member(*user_id).is_none()) {
        return Err(Refusal::object_not_found());
    }
    if wanted != SpaceRole::Admin && space.loses_last_admin(users) {
        return Err(Refusal::last_admin(403));
    }
    for user_id in users {
        let effects = context.state.set_space_role(space_id, *user_id, wanted);
        context.effects.extend(effects);
    }
    Ok(context.written())
}

fn wanted_role(body: &Value) -> Result<Option<SpaceRole>, Refusal> {
    match body.get("role") {
        None | Some(Value::Null) => Ok(None),
        Some(name) => match name.as_str().and_then(role) {
            Some(role) => Ok(Some(role)),
            None => Err(Refusal::invalid_value(format!("{name}: must be light, regular or admin"))),
        },
    }
}

/// By `users[]` and `mails[]`.
fn add(context: &mut Context<'_>, space_id: SpaceId) -> Outcome {
    context.administered_space(space_id)?;
    let body = context.body()?;
    let role = wanted_role(&body)?.unwrap_or(SpaceRole::Regular);
    let list = |name: &str| body.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut newcomers = Vec::new();
    for user in list("users") {
        let user_id =
            user.as_u64().map(UserId).ok_or_else(|| Refusal::invalid_value(format!("{user}: must be integer")))?;
        if !context.state.people.contains_key(&user_id) {
            return Err(Refusal::object_not_found());
        }
        newcomers.push(user_id);
    }
    for mail in list("mails") {
        let mail = mail.as_str().ok_or_else(|| Refusal::invalid_value(format!("{mail}: must be string")))?;
        newcomers.push(match (context.state.person_by_mail(mail), context.state.switches.unknown_mails) {
            (Some(user_id), _) => user_id,
            (None, Acceptance::Accepted) => context.state.invite_person(context.now, mail),
            (None, Acceptance::Refused) => return Err(Refusal::invalid_value("of mails: nobody has that address")),
        });
    }
    if newcomers.is_empty() {
        return Err(Refusal::invalid_value("null (null): users or mails is required"));
    }
    for user_id in newcomers {
        let effects = context.state.add_to_space(context.now, space_id, user_id, role);
        context.effects.extend(effects);
    }
    Ok(context.written())
}
