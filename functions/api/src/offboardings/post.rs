//! `POST /offboardings`: a leaver.
//!
//! In this order: who is it, what do they want, may they, store it with its key and its claim on the person in one
//! transaction, tell the worker. Once stored it is accepted: a queue that is down only makes it slower. A second request
//! for somebody whose offboarding has not begun changes that one.

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use podio_lifecycle::{
    accepting::{Acceptance, Answer as Taken},
    ids::OffboardingId,
    offboarding::{MergedField, Offboarding, Priority},
};
use podio_signatures::Role;
use serde::Serialize;

use super::{idempotency, leaver};
use crate::{Exchange, answer::Answer, auth::Caller, change::sentence, problem::Problem};

#[derive(Serialize)]
struct Accepted<'a> {
    id: &'a OffboardingId,
    state: &'static str,
    url: &'a str,
    /// For a request that was accepted before: when its offboarding was completed, so that a key that is used again after
    /// years is not taken for a new offboarding.
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<Timestamp>,
    /// What a second request has changed, and the time that now holds.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    merge: Option<Merge<'a>>,
}

#[derive(Serialize)]
struct Merge<'a> {
    merged: &'a [MergedField],
    effective_at: Timestamp,
}

pub(crate) async fn post(exchange: &Exchange<'_>, caller: &Caller<'_>) -> Result<Answer, Problem> {
    let ports = exchange.ports;
    let now = ports.clock.now();
    let key = idempotency::key(exchange, caller, now)?;
    let read = leaver::read(exchange.body(), &exchange.settings.organizations, caller.source(), now);
    let (org_id, request) = read?;
    caller.require(Role::Requester, "post an offboarding")?;
    if request.priority == Priority::Urgent {
        caller.require(Role::Approver, "ask for an urgent offboarding")?;
    }
    let id = OffboardingId::new(now, ports.random.bytes());
    let acceptance = Acceptance { accept: &*ports.accept, offboardings: &*ports.read, wake: Some(&*ports.wake) };
    let taken = acceptance.take(id, org_id, &request, key.as_ref(), now).await?;
    let answer = match &taken.answer {
        Taken::New(offboarding) => accepted(StatusCode::ACCEPTED, offboarding, None),
        Taken::Repeated(offboarding) | Taken::UnderWay(offboarding) => accepted(StatusCode::OK, offboarding, None),
        Taken::Merged(offboarding, fields) => accepted(StatusCode::OK, offboarding, Some(fields)),
        Taken::Refused(offboarding, refusal) => {
            let effective_at = offboarding.effective_at();
            let detail = format!(
                "{} The offboarding that stands takes effect at {effective_at}; cancel it to begin anew.",
                sentence(*refusal)
            );
            return Err(Problem::Conflict { detail, offboarding: Some(offboarding.id.clone()) });
        }
        Taken::KeyReused => {
            let detail = "This idempotency key was used for another request; use a new key for a new request.";
            return Err(Problem::conflict(detail));
        }
    };
    if let Some(reason) = taken.left_to_sweep {
        let offboarding = answer.offboarding.as_ref().map(OffboardingId::as_str);
        tracing::error!(reason, offboarding, "the worker was not told; the sweep finds the job");
    }
    Ok(answer)
}

fn accepted(status: StatusCode, offboarding: &Offboarding, merged: Option<&[MergedField]>) -> Answer {
    let url = super::url(&offboarding.id);
    let merge = merged.map(|merged| Merge { merged, effective_at: offboarding.effective_at() });
    let completed_at = offboarding.state.completed_at();
    let body = Accepted { id: &offboarding.id, state: offboarding.state.name(), url: &url, completed_at, merge };
    Answer::json(status, &body).located_at(&url).about(&offboarding.id)
}
