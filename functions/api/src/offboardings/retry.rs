//! `POST /offboardings/{id}/retry`: whatever made it fail is mended; it goes on where it stopped.

use podio_lifecycle::{ids::OffboardingId, offboarding::Event};

use crate::{Exchange, answer::Answer, change::change, json, problem::Problem};

pub(crate) async fn retry(exchange: &Exchange<'_>, id: &OffboardingId) -> Result<Answer, Problem> {
    json::expect_nothing(exchange.body())?;
    let offboarding = change(exchange.ports, id, Event::Retried).await?;
    super::accepted(exchange, offboarding).await
}
