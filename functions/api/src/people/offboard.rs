//! `POST /reconciliations/{id}/offboard`: a person has looked at the findings and chosen.
//!
//! Each becomes an offboarding through the same acceptance as a posted leaver, by its id, and under the same mass guard. They
//! are held for approval unless the caller says otherwise. The same call again finds the same offboardings.

use jiff::SignedDuration;
use lambda_http::http::StatusCode;
use podio_lifecycle::{
    accepting::{Acceptance, Answer as Taken},
    ids::{OffboardingId, UserId},
    offboarding::{Offboarding, Person, Request},
    people::ReconciliationId,
    ports::IdempotencyKey,
    source::Source,
};
use serde::Serialize;

use super::reconciliations::{Chosen, chosen, end_of};
use crate::{Exchange, answer::Answer, auth::Caller, offboardings::url, problem::Problem};

/// How long the same choice means the same offboarding.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

#[derive(Serialize)]
struct Listing {
    offboardings: Vec<Made>,
}

#[derive(Serialize)]
struct Made {
    user_id: UserId,
    id: OffboardingId,
    state: &'static str,
    url: String,
}

pub(super) async fn offboard(
    exchange: &Exchange<'_>,
    caller: &Caller<'_>,
    id: Option<&ReconciliationId>,
) -> Result<Answer, Problem> {
    let (record, Chosen { users, require_approval, last_days }) = chosen(exchange, caller, id).await?;
    let ports = exchange.ports;
    let now = ports.clock.now();
    let acceptance = Acceptance { accept: &*ports.accept, offboardings: &*ports.read, wake: Some(&*ports.wake) };
    let mut offboardings = Vec::with_capacity(users.len());
    for user_id in users {
        let source = Source::Reconciliation { id: record.id.to_string(), by: caller.actor() };
        // Somebody whose last day is ahead leaves when it is over.
        let effective_at = last_days.get(&user_id).and_then(|day| end_of(*day)).filter(|end| *end > now);
        let request = Request { require_approval, effective_at, ..Request::new(Person::User(user_id), source) };
        let key = IdempotencyKey {
            key: format!("reconciliation:{}:{user_id}", record.id),
            fingerprint: require_approval.to_string(),
            expires_at: now + REMEMBERED,
        };
        let new = OffboardingId::new(now, ports.random.bytes());
        let taken = acceptance.take(new, record.org_id, &request, Some(&key), now).await?;
        if let Some(reason) = taken.left_to_sweep {
            tracing::error!(reason, "the worker was not told; the sweep finds the job");
        }
        let made = |offboarding: Offboarding| Made {
            user_id,
            state: offboarding.state.name(),
            url: url(&offboarding.id),
            id: offboarding.id,
        };
        offboardings.push(match taken.answer {
            Taken::New(made_of)
            | Taken::Repeated(made_of)
            | Taken::Merged(made_of, _)
            | Taken::UnderWay(made_of)
            // One that stands already, at another time, is not ours to move.
            | Taken::Refused(made_of, _) => made(made_of),
            Taken::KeyReused => {
                let detail = "The same finding was off-boarded before with another require_approval.";
                return Err(Problem::conflict(detail));
            }
        });
    }
    Ok(Answer::json(StatusCode::ACCEPTED, &Listing { offboardings }))
}
