//! `POST /offboardings/{id}/cancel`: the person stays after all. Possible until the first removal was sent.

use podio_lifecycle::{ids::OffboardingId, offboarding::Event};
use podio_signatures::Role;

use crate::{Exchange, answer::Answer, auth::Caller, change::change, json, known, problem::Problem};

pub(crate) async fn cancel(
    exchange: &Exchange<'_>,
    caller: &Caller<'_>,
    id: &Option<OffboardingId>,
) -> Result<Answer, Problem> {
    json::expect_nothing(exchange.body())?;
    caller.require(Role::Requester, "cancel an offboarding")?;
    let offboarding = change(exchange.ports, caller, known(id)?, Event::Cancelled, |offboarding| {
        if caller.is_at_least(Role::Approver) || offboarding.request.source.is_same_as(&caller.source()) {
            return Ok(());
        }
        Err(Problem::Forbidden("A requester can cancel only what it has posted itself.".into()))
    });
    super::accepted(exchange, offboarding.await?).await
}
