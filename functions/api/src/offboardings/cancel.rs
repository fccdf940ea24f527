//! `POST /offboardings/{id}/cancel`: the person stays after all. Possible until the first removal was sent.

use podio_lifecycle::{ids::OffboardingId, offboarding::Event};

use crate::{Exchange, answer::Answer, change::change, json, problem::Problem};

pub(crate) async fn cancel(exchange: &Exchange<'_>, id: &OffboardingId) -> Result<Answer, Problem> {
    json::expect_nothing(exchange.body())?;
    let offboarding = change(exchange.ports, id, Event::Cancelled).await?;
    super::accepted(exchange, offboarding).await
}
