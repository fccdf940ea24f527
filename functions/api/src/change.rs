//! Changing an offboarding on a person's behalf.

use podio_lifecycle::{
    ids::OffboardingId,
    ledger::{Ledger, NotCommitted},
    offboarding::{Event, Offboarding, Refusal},
};

use crate::{
    Ports,
    problem::{FieldError, Problem},
};

/// Applies an event that a person has asked for. The offboarding afterwards.
pub(crate) async fn change(ports: &Ports, id: &OffboardingId, event: Event) -> Result<Offboarding, Problem> {
    let ledger = Ledger { read: &*ports.read, write: &*ports.write, sealer: None };
    match ledger.commit_anyhow(id, &event, ports.clock.now()).await {
        Ok(offboarding) => {
            wake(ports, &offboarding).await;
            Ok(offboarding)
        }
        Err(NotCommitted::Unknown) => Err(Problem::NoSuchOffboarding),
        Err(NotCommitted::Refused(refusal)) => Err(refused(refusal)),
        Err(NotCommitted::PersonTaken(other)) => {
            let detail = format!("Another offboarding of the same person is under way: {other}.");
            Err(Problem::Conflict { detail, offboarding: Some(other) })
        }
        Err(NotCommitted::Store(error)) => Err(error.into()),
        Err(error @ (NotCommitted::Conflict | NotCommitted::CannotSeal)) => {
            tracing::error!(%error, offboarding = id.as_str(), "not changed");
            Err(Problem::Unavailable)
        }
    }
}

/// Tells the worker, where something is to be called now. Should that fail, the sweep finds it.
pub(crate) async fn wake(ports: &Ports, offboarding: &Offboarding) {
    let is_due = offboarding.waiting().is_some_and(|waiting| waiting.not_before.is_none());
    if is_due && let Err(error) = ports.wake.wake().await {
        tracing::error!(%error, offboarding = offboarding.id.as_str(), "the worker was not told; the sweep finds the job");
    }
}

fn refused(refusal: Refusal) -> Problem {
    if matches!(refusal, Refusal::NoSuchReason | Refusal::Unnamed) {
        return Problem::Invalid(vec![FieldError {
            pointer: "/reasons".to_owned(),
            detail: refusal.to_string().into(),
        }]);
    }
    let sentence = refusal.to_string();
    let mut letters = sentence.chars();
    let capital = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    Problem::conflict(format!("{capital}{}.", letters.as_str()))
}
