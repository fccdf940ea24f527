//! `DELETE /Users/{id}`: the record goes, and its name is free. Who was active leaves; the offboarding and its evidence stay.

use podio_lifecycle::{
    ports::ScimUserNotSaved,
    scim::{Changed, Step, Wish},
};

use super::{CONTENDED, leave, load};
use crate::{Exchange, answer::Answer, problem::Problem};

pub(crate) async fn delete(exchange: &Exchange<'_>, id: &str) -> Result<Answer, Problem> {
    for _ in 0..CONTENDED {
        let user = load(exchange, id).await?;
        let deleted = Changed { wish: Wish { active: false, ..user.wish.clone() }, states_active: true };
        let mut offboarding = user.departure.as_ref().map(|departure| departure.offboarding.clone());
        if user.step(&deleted) == Step::Leave {
            offboarding = leave::leave(exchange, &user, user.person(), leave::Why::Deleted).await?;
        }
        match exchange.ports.users.delete_scim_user(&user).await {
            Ok(()) => return Ok(Answer::no_content().about(&user.id, offboarding.as_ref())),
            Err(ScimUserNotSaved::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Problem::Unavailable)
}
