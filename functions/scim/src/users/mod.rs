//! `/Users` and what hangs off it: one file for each thing that a provider may do.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
mod leave;
pub(crate) mod list;
mod stay;
pub(crate) mod update;

use lambda_http::http::StatusCode;
use podio_lifecycle::scim::ScimUser;

use crate::{Exchange, answer::Answer, parameters::Shown, problem::Problem, resource};

/// Attempts at a change that others keep overtaking.
const CONTENDED: usize = 8;

/// The user with that id.
async fn load(exchange: &Exchange<'_>, id: &str) -> Result<ScimUser, Problem> {
    // An id that cannot be one of ours is an id that is not known.
    let id = id.parse().map_err(|_| Problem::NoSuchResource)?;
    exchange.ports.users.scim_user(&id).await?.ok_or(Problem::NoSuchResource)
}

/// The answer that shows a user.
fn shown(exchange: &Exchange<'_>, status: StatusCode, user: &ScimUser, shown: &Shown) -> Answer {
    let offboarding = user.departure.as_ref().map(|departure| &departure.offboarding);
    Answer::json(status, &shown.apply(resource::user(&exchange.root, user))).about(&user.id, offboarding)
}
