//! The caller's own account and profile.

use serde_json::{Value, json};

use super::{Context, Outcome, Reply, id, offered};
use crate::ids::UserId;
use crate::log::Effect;
use crate::refusal::Refusal;

pub(super) fn answer(context: &mut Context<'_>, method: &str, path: &[&str]) -> Option<Outcome> {
    let me = context.caller.user;
    match (method, path) {
        ("GET", ["user", ""] | ["user"]) => Some(Ok(Reply::json(context.user(me)))),
        ("GET", ["user", "status"]) => Some(Ok(status(context))),
        ("GET", ["user", "profile", ""]) => Some(Ok(Reply::json(context.profile(me)))),
        ("PUT", ["user", "profile", ""]) => Some(update_profile(context)),
        ("GET", ["user", user]) => {
            offered(context.state.switches.user_by_id)?;
            Some(by_id(context, UserId(id(user)?)))
        }
        _ => None,
    }
}

fn status(context: &Context<'_>) -> Reply {
    let me = context.caller.user;
    Reply::json(json!({
        "user": context.user(me), "profile": context.profile(me), "properties": {}, "flags": [], "betas": [],
        "inbox_new": 0, "message_unread_count": 0,
    }))
}

fn by_id(context: &Context<'_>, user_id: UserId) -> Outcome {
    match context.state.people.contains_key(&user_id) {
        true => Ok(Reply::json(context.user(user_id))),
        false => Err(Refusal::object_not_found()),
    }
}

/// Fields that are not sent stay, null deletes.
fn update_profile(context: &mut Context<'_>) -> Outcome {
    let Value::Object(fields) = context.body()? else { return Err(Refusal::invalid_value("must be object")) };
    let user_id = context.caller.user;
    let person = context.state.people.get_mut(&user_id).ok_or_else(Refusal::object_not_found)?;
    for (field, value) in fields {
        match (field.as_str(), value) {
            ("name", Value::String(name)) => person.name = name,
            ("profile_id" | "user_id" | "mail" | "name", _) => {
                return Err(Refusal::invalid_value(format!("of {field}")));
            }
            (_, Value::Null) => drop(person.fields.remove(&field)),
            (_, value) => drop(person.fields.insert(field, value)),
        }
    }
    context.effects.push(Effect::ProfileUpdated { user_id });
    Ok(context.written())
}
