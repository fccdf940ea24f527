//! One space: making it, reading it, giving it another name.

use serde_json::{Value, json};

use super::paging::integer;
use super::{Context, Outcome, Reply, id};
use crate::ids::{OrgId, SpaceId};
use crate::log::Effect;
use crate::refusal::Refusal;
use crate::state::{SpaceKind, SpaceRole};

pub(super) fn answer(context: &mut Context<'_>, method: &str, path: &[&str]) -> Option<Outcome> {
    match (method, path) {
        ("POST", ["space", ""]) => Some(create(context)),
        ("GET", ["space", space]) => Some(one(context, SpaceId(id(space)?))),
        ("PUT", ["space", space]) => Some(update(context, SpaceId(id(space)?))),
        _ => None,
    }
}

fn one(context: &Context<'_>, space_id: SpaceId) -> Outcome {
    let space = context.readable_space(space_id)?;
    let mut value = context.space_value(space_id, space);
    value["name"] = json!(space.name);
    Ok(Reply::json(value))
}

/// The name is all that can be changed here.
fn update(context: &mut Context<'_>, space_id: SpaceId) -> Outcome {
    context.administered_space(space_id)?;
    let body = context.body()?;
    let name = body.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| Refusal::invalid_value("null (null): name is required"))?;
    let effects = context.state.rename_space(context.now, space_id, name);
    context.effects.extend(effects);
    Ok(context.written())
}

/// Whoever makes a space is its admin.
fn create(context: &mut Context<'_>) -> Outcome {
    let body = context.body()?;
    let missing = || Refusal::invalid_value("null (null): org_id and name are required");
    let org_id = OrgId(integer(&body, "org_id")?.ok_or_else(missing)?);
    let name = body.get("name").and_then(Value::as_str).ok_or_else(missing)?;
    context.org(org_id)?;
    let caller = context.caller.user;
    if context.state.org_member(org_id, caller).is_none() {
        return Err(Refusal::no_right("add_space"));
    }
    let space_id = context.state.create_space(context.now, org_id, name, SpaceKind::Regular);
    context.effects.push(Effect::SpaceCreated { space_id });
    let effects = context.state.add_to_space(context.now, space_id, caller, SpaceRole::Admin);
    context.effects.extend(effects);
    Ok(Reply::json(json!({"space_id": space_id, "url": format!("https://podio.com/example-works/{space_id}")})))
}
