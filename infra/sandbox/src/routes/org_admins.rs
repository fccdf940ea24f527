//! Admins of an organization.

use serde_json::Value;

use super::paging::integer;
use super::{Context, Outcome, Reply, id};
use crate::ids::{OrgId, UserId};
use crate::refusal::Refusal;

pub(super) fn answer(context: &mut Context<'_>, method: &str, path: &[&str]) -> Option<Outcome> {
    match (method, path) {
        ("GET", ["org", org, "admin", ""]) => Some(list(context, OrgId(id(org)?))),
        ("POST", ["org", org, "admin", ""]) => Some(add(context, OrgId(id(org)?))),
        ("DELETE", ["org", org, "admin", user]) => Some(remove(context, OrgId(id(org)?), UserId(id(user)?))),
        _ => None,
    }
}

fn list(context: &Context<'_>, org_id: OrgId) -> Outcome {
    context.administered_org(org_id)?;
    let admins = context.state.org_members(org_id).into_iter();
    let admins = admins.filter(|user_id| context.state.is_org_admin(org_id, *user_id));
    Ok(Reply::json(admins.map(|user_id| context.user(user_id)).collect()))
}

/// By `user_id`, or by `email`; an address nobody has makes an account.
fn add(context: &mut Context<'_>, org_id: OrgId) -> Outcome {
    context.administered_org(org_id)?;
    let body = context.body()?;
    let user_id = match (integer(&body, "user_id")?.map(UserId), body.get("email").and_then(Value::as_str)) {
        (Some(user_id), _) if context.state.people.contains_key(&user_id) => user_id,
        (Some(_), _) => return Err(Refusal::object_not_found()),
        (None, Some(mail)) => match context.state.person_by_mail(mail) {
            Some(user_id) => user_id,
            None => context.state.invite_person(context.now, mail),
        },
        (None, None) => return Err(Refusal::invalid_value("null (null): user_id or email is required")),
    };
    let effects = context.state.set_org_admin(context.now, org_id, user_id, true);
    context.effects.extend(effects);
    Ok(context.written())
}

fn remove(context: &mut Context<'_>, org_id: OrgId, user_id: UserId) -> Outcome {
    context.administered_org(org_id)?;
    let outcome = context.state.remove_org_admin(context.now, org_id, user_id);
    context.settle(outcome)
}
