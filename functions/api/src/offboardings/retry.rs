//! `POST /offboardings/{id}/retry`: whatever made it fail is mended; it goes on where it stopped.

use podio_lifecycle::{ids::OffboardingId, offboarding::Event};
use podio_signatures::Role;

use crate::{Exchange, answer::Answer, auth::Caller, change::change, json, known, problem::Problem};

pub(crate) async fn retry(
    exchange: &Exchange<'_>,
    caller: &Caller<'_>,
    id: &Option<OffboardingId>,
) -> Result<Answer, Problem> {
    json::expect_nothing(exchange.body())?;
    caller.require(Role::Approver, "resume an offboarding")?;
    let offboarding = change(exchange.ports, caller, known(id)?, Event::Retried, |_| Ok(())).await?;
    super::accepted(exchange, offboarding).await
}
