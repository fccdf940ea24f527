//! Hooks: create, list, verify, delete.

use serde_json::{Value, json};
use url::Url;

use super::{Context, Outcome, Reply, id};
use crate::ids::{AppId, HookId, OrgId, SpaceId};
use crate::log::Effect;
use crate::refusal::Refusal;
use crate::state::{App, Hook, HookRef};
use crate::switches::{Acceptance, HookVerification};

/// More hooks of one type on one object are refused.
const HOOKS_PER_TYPE: usize = 10;

pub(super) fn answer(context: &mut Context<'_>, method: &str, path: &[&str]) -> Option<Outcome> {
    let ["hook", rest @ ..] = path else { return None };
    match (method, rest) {
        ("POST", [hook, "verify", "request"]) => Some(request_verification(context, HookId(id(hook)?))),
        ("POST", [hook, "verify", "validate"]) => Some(validate(context, HookId(id(hook)?))),
        ("POST", [ref_type, ref_id, ""]) => Some(create(context, target(context, ref_type, ref_id)?)),
        ("GET", [ref_type, ref_id, ""]) => Some(list(context, &target(context, ref_type, ref_id)?)),
        ("DELETE", [hook]) => Some(delete(context, HookId(id(hook)?))),
        _ => None,
    }
}

fn target(context: &Context<'_>, ref_type: &str, ref_id: &str) -> Option<HookRef> {
    let orgs = context.state.switches.org_hooks == Acceptance::Accepted;
    let known = matches!(ref_type, "space" | "app" | "app_field") || (orgs && ref_type == "org");
    let ref_id = id(ref_id)?;
    known.then(|| HookRef { ref_type: ref_type.to_owned(), ref_id })
}

/// The right `add_hook`: what the hook hangs on must exist and be seen by the caller.
fn may_hook(context: &Context<'_>, on: &HookRef) -> Result<(), Refusal> {
    match on.ref_type.as_str() {
        "space" => context.readable_space(SpaceId(on.ref_id)).map(drop),
        "org" => context.administered_org(OrgId(on.ref_id)),
        "app" => context.readable_app(AppId(on.ref_id)).map(drop),
        _ => {
            let has_field = |app: &App| app.fields.iter().any(|field| field.field_id.0 == on.ref_id);
            let app = context.state.apps.iter().find(|(_, app)| has_field(app)).map(|(app_id, _)| *app_id);
            context.readable_app(app.ok_or_else(Refusal::object_not_found)?).map(drop)
        }
    }
}

fn create(context: &mut Context<'_>, on: HookRef) -> Outcome {
    may_hook(context, &on)?;
    let body = context.body()?;
    let text = |field: &str| body.get(field).and_then(Value::as_str);
    let (Some(url), Some(event)) = (text("url"), text("type")) else {
        return Err(Refusal::invalid_value("null (null): url and type are required"));
    };
    if !Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
        return Err(Refusal::invalid_value("of url"));
    }
    let same = |hook: &&Hook| hook.on == on && hook.event == event;
    if context.state.hooks.all.values().filter(same).count() >= HOOKS_PER_TYPE {
        return Err(Refusal::invalid_value("of type: too many hooks of that type"));
    }
    let hook_id = context.state.create_hook(context.now, on, url, event, context.caller.user);
    context.effects.push(Effect::HookCreated { hook_id });
    if context.state.switches.hook_verification == HookVerification::OnCreate {
        context.state.request_verification(context.now, hook_id);
        context.effects.push(Effect::HookVerificationRequested { hook_id });
    }
    Ok(Reply::json(json!({"hook_id": hook_id})))
}

fn list(context: &Context<'_>, on: &HookRef) -> Outcome {
    may_hook(context, on)?;
    let hooks = context.state.hooks.all.iter().filter(|(_, hook)| hook.on == *on).map(|(hook_id, hook)| {
        json!({
            "hook_id": hook_id, "status": if hook.active { "active" } else { "inactive" }, "type": hook.event,
            "url": hook.url, "created_on": context.date(hook.created_on),
            "created_by": {"type": "user", "id": hook.created_by},
        })
    });
    Ok(Reply::json(hooks.collect()))
}

/// The hook must exist and the caller reach what it hangs on.
fn reachable(context: &Context<'_>, hook_id: HookId) -> Result<(), Refusal> {
    let hook = context.state.hooks.all.get(&hook_id).ok_or_else(Refusal::object_not_found)?;
    may_hook(context, &hook.on)
}

fn request_verification(context: &mut Context<'_>, hook_id: HookId) -> Outcome {
    context.body()?;
    reachable(context, hook_id)?;
    context.state.request_verification(context.now, hook_id);
    context.effects.push(Effect::HookVerificationRequested { hook_id });
    Ok(context.written())
}

fn validate(context: &mut Context<'_>, hook_id: HookId) -> Outcome {
    let body = context.body()?;
    reachable(context, hook_id)?;
    let code = body.get("code").and_then(Value::as_str).unwrap_or_default();
    if !context.state.validate_hook(hook_id, code) {
        return Err(Refusal::invalid_value("of code"));
    }
    context.effects.push(Effect::HookActivated { hook_id });
    Ok(context.written())
}

fn delete(context: &mut Context<'_>, hook_id: HookId) -> Outcome {
    reachable(context, hook_id)?;
    context.state.hooks.all.remove(&hook_id);
    context.effects.push(Effect::HookDeleted { hook_id });
    Ok(context.written())
}
