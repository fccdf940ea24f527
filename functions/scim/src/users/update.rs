//! `PUT /Users/{id}` and `PATCH /Users/{id}`: what is wanted of a user changes.
//!
//! What follows for the person comes before the record is written: should the function die in between, the provider repeats its
//! request, finds the record as it was, and meets the same offboarding again.

use lambda_http::http::StatusCode;
use podio_lifecycle::{
    ports::ScimUserNotSaved,
    scim::{self, Changed, Index, Refused, ScimUser, Step, Wish, lower},
};
use serde_json::Value;

use super::{CONTENDED, leave, load, shown, stay};
use crate::{Exchange, answer::Answer, json, parameters, problem::Problem};

pub(crate) async fn replace(exchange: &Exchange<'_>, id: &str) -> Result<Answer, Problem> {
    update(exchange, id, scim::replace).await
}

pub(crate) async fn patch(exchange: &Exchange<'_>, id: &str) -> Result<Answer, Problem> {
    update(exchange, id, scim::patch).await
}

async fn update(
    exchange: &Exchange<'_>,
    id: &str,
    read: impl Fn(&Wish, &Value) -> Result<Changed, Refused>,
) -> Result<Answer, Problem> {
    let wanted = parameters::shown(exchange)?;
    let body = json::parse(exchange.body())?;
    for _ in 0..CONTENDED {
        let before = load(exchange, id).await?;
        let changed = read(&before.wish, &body)?;
        let step = before.step(&changed);
        if step == Step::Nothing && changed.wish == before.wish {
            return Ok(shown(exchange, StatusCode::OK, &before, &wanted));
        }
        let after = follow(exchange, &before, changed.wish, step).await?;
        match exchange.ports.users.save_scim_user(&before, &after).await {
            Ok(()) => return Ok(shown(exchange, StatusCode::OK, &after, &wanted)),
            Err(ScimUserNotSaved::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Problem::Unavailable)
}

/// Does what the step is, and says what the record becomes.
async fn follow(exchange: &Exchange<'_>, before: &ScimUser, wish: Wish, step: Step) -> Result<ScimUser, Problem> {
    let now = exchange.ports.clock.now();
    // A name that is taken is refused before anybody leaves.
    if step != Step::Nothing {
        expect_free(exchange, before, &wish).await?;
    }
    Ok(match step {
        Step::Nothing => before.wishing(wish, now),
        Step::Leave => {
            let person = before.leaver(&wish);
            let after = before.wishing(wish, now);
            match leave::leave(exchange, before, person, leave::Why::Deactivated).await? {
                Some(offboarding) => after.leaving(offboarding, now),
                None => after,
            }
        }
        Step::Return => {
            stay::stay(exchange, before).await?;
            before.wishing(wish, now).returned()
        }
    })
}

async fn expect_free(exchange: &Exchange<'_>, before: &ScimUser, wish: &Wish) -> Result<(), Problem> {
    let name = lower(&wish.user_name);
    if name == lower(&before.wish.user_name) {
        return Ok(());
    }
    let holders = exchange.ports.users.scim_users_by(&Index::UserName(name)).await?;
    if holders.iter().any(|holder| holder.id != before.id) { Err(Problem::NameTaken) } else { Ok(()) }
}
