//! `GET /evidence/keys`: the public keys that check evidence, those that sign no more included. They are no secret, and an
//! auditor has no token, so that none is asked for.

use lambda_http::http::StatusCode;

use crate::{Exchange, answer::Answer, problem::Problem};

const MEDIA_TYPE: &str = "application/jwk-set+json";

pub(crate) async fn get(exchange: &Exchange<'_>) -> Result<Answer, Problem> {
    let keys = exchange.ports.evidence.keys().await?;
    Ok(Answer::json_as(MEDIA_TYPE, StatusCode::OK, &keys))
}
