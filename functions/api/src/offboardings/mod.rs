//! `/offboardings` and what hangs off it: one file for each route.

pub(crate) mod approve;
pub(crate) mod cancel;
pub(crate) mod evidence;
pub(crate) mod get;
mod idempotency;
pub(crate) mod leaver;
pub(crate) mod list;
pub(crate) mod post;
pub(crate) mod retry;

use lambda_http::http::StatusCode;
use podio_lifecycle::{ids::OffboardingId, offboarding::Offboarding};

use crate::{
    Exchange,
    answer::Answer,
    eta::Outlook,
    problem::Problem,
    snapshot::Snapshot,
    view::{Detail, View},
};

/// Where an offboarding is found.
pub(crate) fn url(id: &OffboardingId) -> String {
    format!("/offboardings/{id}")
}

/// The answer to a change that a person has asked for: accepted, and where it stands now.
async fn accepted(exchange: &Exchange<'_>, offboarding: Offboarding) -> Result<Answer, Problem> {
    let snapshot = Snapshot::summary(exchange.ports, offboarding).await?;
    let outlook = Outlook::of(exchange, &[&snapshot.offboarding]).await;
    let view = View::of(&snapshot, Detail::Summary, &outlook);
    let id = &snapshot.offboarding.id;
    Ok(Answer::json(StatusCode::ACCEPTED, &view).located_at(&url(id)).about(id))
}
