//! `POST /Users`: a user comes to be known.
//!
//! Nobody is invited, removed or matched by it: a record that is created inactive is one of somebody who never was active here.

use lambda_http::http::StatusCode;
use podio_lifecycle::scim::{self, ScimUser, ScimUserId};

use super::shown;
use crate::{Exchange, answer::Answer, json, parameters, problem::Problem, resource};

pub(crate) async fn create(exchange: &Exchange<'_>) -> Result<Answer, Problem> {
    let wanted = parameters::shown(exchange)?;
    let created = scim::create(&json::parse(exchange.body())?)?;
    let now = exchange.ports.clock.now();
    let user = ScimUser::new(ScimUserId::new(now, exchange.ports.random.bytes()), created.wish, now);
    exchange.ports.users.create_scim_user(&user).await?;
    let answer = shown(exchange, StatusCode::CREATED, &user, &wanted);
    Ok(answer.located_at(&resource::location(&exchange.root, &user)))
}
