//! `GET /offboardings/{id}`: where it stands.

use lambda_http::http::StatusCode;
use podio_lifecycle::ids::OffboardingId;

use crate::{
    Exchange,
    answer::Answer,
    eta::Outlook,
    problem::Problem,
    query::Query,
    snapshot::Snapshot,
    view::{Detail, View},
};

pub(crate) async fn get(exchange: &Exchange<'_>, id: &OffboardingId) -> Result<Answer, Problem> {
    let mut query = Query::of(exchange);
    let detail = query
        .get("fields", "expected summary", |value| (value == "summary").then_some(Detail::Summary))
        .unwrap_or(Detail::Full);
    if !query.errors.is_empty() {
        return Err(Problem::BadQuery(query.errors));
    }
    let ports = exchange.ports;
    let offboarding = ports.read.load(id).await?.ok_or(Problem::NoSuchOffboarding)?;
    let snapshot = match detail {
        Detail::Full => Snapshot::whole(ports, offboarding).await?,
        Detail::Summary => Snapshot::summary(ports, offboarding).await?,
    };
    let outlook = Outlook::of(exchange, &[&snapshot.offboarding]).await;
    let view = View::of(&snapshot, detail, &outlook);
    Ok(Answer::json(StatusCode::OK, &view))
}
