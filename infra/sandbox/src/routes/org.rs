//! Organizations and their lists of spaces.

use serde_json::{Value, json};

use super::{Context, Outcome, Reply, id, offered};
use crate::ids::OrgId;
use crate::refusal::Refusal;
use crate::state::Space;
use crate::switches::OrgSpaces;

pub(super) fn answer(context: &mut Context<'_>, method: &str, path: &[&str]) -> Option<Outcome> {
    match (method, path) {
        ("GET", ["org", ""]) => Some(Ok(mine(context))),
        ("GET", ["org", org]) => Some(one(context, OrgId(id(org)?))),
        ("GET", ["org", org, "space", ""]) => {
            let org_id = OrgId(id(org)?);
            let all = context.state.switches.org_spaces == OrgSpaces::All;
            Some(member(context, org_id).map(|()| {
                spaces(context, org_id, |space| {
                    (all && context.state.is_org_admin(org_id, context.caller.user)) || own(context, space)
                })
            }))
        }
        ("GET", ["org", org, "all_spaces", ""]) => {
            offered(context.state.switches.all_spaces)?;
            let org_id = OrgId(id(org)?);
            Some(context.administered_org(org_id).map(|()| spaces(context, org_id, |_| true)))
        }
        ("GET", ["space", "org", org, ""]) => {
            let org_id = OrgId(id(org)?);
            Some(member(context, org_id).map(|()| spaces(context, org_id, |space| own(context, space))))
        }
        _ => None,
    }
}

fn own(context: &Context<'_>, space: &Space) -> bool {
    space.active_member(context.caller.user).is_some()
}

/// The organization must exist and the caller be in it.
fn member(context: &Context<'_>, org_id: OrgId) -> Result<(), Refusal> {
    context.org(org_id)?;
    let member = context.state.org_member(org_id, context.caller.user);
    member.map(drop).ok_or_else(|| Refusal::no_right("view"))
}

fn spaces(context: &Context<'_>, org_id: OrgId, wanted: impl Fn(&Space) -> bool) -> Reply {
    let spaces = context.state.spaces_of_org(org_id).filter(|(_, space)| wanted(space));
    Reply::json(spaces.map(|(space_id, space)| context.space_value(space_id, space)).collect())
}

fn mine(context: &Context<'_>) -> Reply {
    let in_it = |org_id: &OrgId| context.state.org_member(*org_id, context.caller.user).is_some();
    let orgs = context.state.orgs.keys().copied().filter(in_it).map(|org_id| {
        let mut org = context.org_value(org_id);
        let spaces = spaces(context, org_id, |space| own(context, space)).body.unwrap_or_else(|| json!([]));
        org.insert("spaces".to_owned(), spaces);
        Value::Object(org)
    });
    Reply::json(orgs.collect())
}

fn one(context: &Context<'_>, org_id: OrgId) -> Outcome {
    member(context, org_id)?;
    Ok(Reply::json(Value::Object(context.org_value(org_id))))
}
