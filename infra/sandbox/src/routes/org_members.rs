//! Members of an organization: finding them, their spaces, the preview of their removal, and the removal.

use serde_json::json;

use super::{Context, Outcome, Reply, id, offered};
use crate::ids::{OrgId, UserId};
use crate::refusal::Refusal;
use crate::state::AccountKind;
use crate::switches::{EndedMembership, PreviewLists};

pub(super) fn answer(context: &mut Context<'_>, method: &str, path: &[&str]) -> Option<Outcome> {
    let ["org", org, "member", rest @ ..] = path else { return None };
    let org_id = OrgId(id(org)?);
    let switches = &context.state.switches;
    match (method, rest) {
        ("GET", [""]) => {
            let page = list(context, org_id);
            if page.is_ok() {
                context.state.page_was_answered(context.now, org_id);
            }
            Some(page)
        }
        ("GET", ["search", ""]) => {
            offered(switches.member_search)?;
            Some(search(context, org_id))
        }
        ("GET", ["mail", mail]) => {
            offered(switches.member_by_mail)?;
            Some(by_mail(context, org_id, mail))
        }
        ("GET", [user]) => Some(one(context, org_id, UserId(id(user)?))),
        ("DELETE", [user]) => Some(remove(context, org_id, UserId(id(user)?))),
        ("GET", [user, "space_member", ""]) => {
            offered(switches.member_spaces)?;
            Some(spaces(context, org_id, UserId(id(user)?)))
        }
        ("GET", [user, "end_member_info"]) => {
            offered(switches.end_member_info)?;
            Some(preview(context, org_id, UserId(id(user)?)))
        }
        _ => None,
    }
}

fn list(context: &Context<'_>, org_id: OrgId) -> Outcome {
    context.administered_org(org_id)?;
    let page = context.page()?;
    let mut members = context.state.org_members(org_id);
    members.retain(|user_id| context.fits_query(*user_id) && fits_type(context, org_id, *user_id));
    let person = |user_id: &UserId| context.state.people.get(user_id);
    match context.parameter("sort_by") {
        Some("last_seen_on") => {
            members.sort_by_cached_key(|user_id| (person(user_id).and_then(|p| p.last_seen_on), *user_id));
        }
        Some("name") | None => {
            members.sort_by_cached_key(|user_id| (person(user_id).map(|p| p.name.clone()), *user_id));
        }
        Some(other) => return Err(Refusal::invalid_value(format!("{other} (string): must be name or last_seen_on"))),
    }
    if context.parameter("sort_desc") == Some("1") {
        members.reverse();
    }
    Ok(Reply::json(page.cut(members).map(|user_id| context.org_member_item(org_id, user_id)).collect()))
}

fn fits_type(context: &Context<'_>, org_id: OrgId, user_id: UserId) -> bool {
    let employee = context.state.people.get(&user_id).is_some_and(|person| person.employee);
    let admin = context.state.is_org_admin(org_id, user_id);
    match context.parameter("member_type") {
        Some("employee") => employee,
        Some("external") => !employee,
        Some("admin") => admin,
        Some("regular") => !admin,
        Some("guest") => context.state.people.get(&user_id).is_some_and(|person| person.account == AccountKind::Guest),
        _ => true,
    }
}

fn search(context: &Context<'_>, org_id: OrgId) -> Outcome {
    context.administered_org(org_id)?;
    let term = context.parameter("query").ok_or_else(|| Refusal::invalid_value("null (null): query is required"))?;
    let page = context.page()?;
    let found = context.state.org_members(org_id).into_iter().filter(|user_id| context.fits(*user_id, term));
    Ok(Reply::json(page.cut(found).map(|user_id| context.org_member_item(org_id, user_id)).collect()))
}

fn by_mail(context: &Context<'_>, org_id: OrgId, mail: &str) -> Outcome {
    context.administered_org(org_id)?;
    let user_id = context.state.person_by_mail(mail).ok_or_else(Refusal::object_not_found)?;
    current(context, org_id, user_id)?;
    Ok(Reply::json(context.org_member_single(org_id, user_id)))
}

fn current(context: &Context<'_>, org_id: OrgId, user_id: UserId) -> Result<(), Refusal> {
    context.state.org_member(org_id, user_id).map(drop).ok_or_else(Refusal::object_not_found)
}

fn one(context: &Context<'_>, org_id: OrgId, user_id: UserId) -> Outcome {
    context.administered_org(org_id)?;
    let membership = context.org(org_id)?.members.get(&user_id).ok_or_else(Refusal::object_not_found)?;
    match (membership.ended_on, context.state.switches.removed_org_member) {
        (None, _) | (Some(_), EndedMembership::Ended) => Ok(Reply::json(context.org_member_single(org_id, user_id))),
        (Some(_), EndedMembership::NotFound) => Err(Refusal::object_not_found()),
        (Some(_), EndedMembership::Forbidden) => Err(Refusal::no_right("view")),
    }
}

fn spaces(context: &Context<'_>, org_id: OrgId, user_id: UserId) -> Outcome {
    context.administered_org(org_id)?;
    // A left-over of the employee network is still told after the org membership has ended.
    let spaces = context.state.spaces_of_member(org_id, user_id);
    if spaces.is_empty() {
        current(context, org_id, user_id)?;
    }
    Ok(Reply::json(spaces.into_iter().map(|space_id| context.membership_of(space_id, user_id)).collect()))
}

fn preview(context: &Context<'_>, org_id: OrgId, user_id: UserId) -> Outcome {
    context.administered_org(org_id)?;
    current(context, org_id, user_id)?;
    let preview = context.state.preview_org_removal(org_id, user_id);
    let mut remove = preview.remove;
    if context.state.switches.preview_lists == PreviewLists::Overlapping {
        remove.extend(preview.promote.iter().chain(&preview.delete));
        remove.sort();
    }
    let list = |spaces: Vec<_>| {
        spaces.into_iter().map(|space_id| context.membership_of(space_id, user_id)).collect::<Vec<_>>()
    };
    Ok(Reply::json(json!({
        "to_remove": list(remove), "to_promote": list(preview.promote), "to_delete": list(preview.delete),
    })))
}

fn remove(context: &mut Context<'_>, org_id: OrgId, user_id: UserId) -> Outcome {
    context.administered_org(org_id)?;
    if !context.org(org_id)?.members.contains_key(&user_id) {
        return Err(Refusal::object_not_found());
    }
    let outcome = context.state.remove_from_org(context.now, org_id, user_id);
    context.settle(outcome)
}
