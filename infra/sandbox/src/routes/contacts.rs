//! Profiles of others.

use super::{Context, Outcome, Reply, id};
use crate::ids::UserId;
use crate::refusal::Refusal;

pub(super) fn answer(context: &mut Context<'_>, method: &str, path: &[&str]) -> Option<Outcome> {
    match (method, path) {
        ("GET", ["contact", "user", user]) => Some(profile_of(context, UserId(id(user)?))),
        _ => None,
    }
}

/// The profile of somebody the caller shares an organization with.
fn profile_of(context: &Context<'_>, user_id: UserId) -> Outcome {
    let state = &context.state;
    if !state.people.contains_key(&user_id) {
        return Err(Refusal::object_not_found());
    }
    let both =
        |org_id| state.org_member(org_id, user_id).is_some() && state.org_member(org_id, context.caller.user).is_some();
    let related = user_id == context.caller.user || state.orgs.keys().copied().any(both);
    if related { Ok(Reply::json(context.profile(user_id))) } else { Err(Refusal::no_right("view")) }
}
