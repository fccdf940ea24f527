//! `GET /Users/{id}`

use lambda_http::http::StatusCode;

use super::{load, shown};
use crate::{Exchange, answer::Answer, parameters, problem::Problem};

pub(crate) async fn get(exchange: &Exchange<'_>, id: &str) -> Result<Answer, Problem> {
    let wanted = parameters::shown(exchange)?;
    Ok(shown(exchange, StatusCode::OK, &load(exchange, id).await?, &wanted))
}
