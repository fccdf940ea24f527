//! `POST /offboardings`: a leaver.
//!
//! In this order: who is it, what do they want, store it with its key and its claim on the person in one transaction,
//! tell the worker. Once stored it is accepted: a queue that is down only makes it slower.

use lambda_http::http::StatusCode;
use podio_lifecycle::{ids::OffboardingId, offboarding::Offboarding, ports::Created};
use serde::Serialize;

use super::{idempotency, leaver};
use crate::{Exchange, answer::Answer, auth::Sender, change::wake, problem::Problem};

#[derive(Serialize)]
struct Accepted<'a> {
    id: &'a OffboardingId,
    state: &'static str,
    url: &'a str,
}

pub(crate) async fn post(exchange: &Exchange<'_>, sender: Sender) -> Result<Answer, Problem> {
    let ports = exchange.ports;
    let now = ports.clock.now();
    let key = idempotency::key(exchange, sender, now)?;
    let (org_id, request) = leaver::read(exchange.body(), exchange.settings.org_id, now)?;
    let id = OffboardingId::new(now, ports.random.bytes());
    let offboarding = Offboarding::accept(id, org_id, request, now);
    match ports.accept.create(&offboarding, key.as_ref()).await? {
        Created::New => {
            wake(ports, &offboarding).await;
            Ok(accepted(StatusCode::ACCEPTED, &offboarding))
        }
        Created::Repeated(id) | Created::AlreadyRunning(id) => {
            // Whatever was named here is stored, so a record that is missing is storage that is not what it says.
            let offboarding = ports.read.load(&id).await?.ok_or(Problem::Unavailable)?;
            Ok(accepted(StatusCode::OK, &offboarding))
        }
        Created::KeyReused => Err(Problem::conflict(
            "This idempotency key was used for another request; use a new key for a new request.",
        )),
    }
}

fn accepted(status: StatusCode, offboarding: &Offboarding) -> Answer {
    let url = super::url(&offboarding.id);
    let body = Accepted { id: &offboarding.id, state: offboarding.state.name(), url: &url };
    Answer::json(status, &body).located_at(&url).about(&offboarding.id)
}
