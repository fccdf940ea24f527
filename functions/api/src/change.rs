//! Changing an offboarding on a person's behalf.

use podio_lifecycle::{
    effects::Outlets,
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
    let outlets = Outlets { offboardings: &*ports.read, removals: &*ports.removals, jobs: &*ports.jobs };
    let ledger = Ledger { offboardings: &*ports.write, outlets, sealer: None };
    match ledger.commit_anyhow(id, &event, ports.clock.now()).await {
        Ok(committed) => {
            if let Some(reason) = committed.left_to_sweep {
                tracing::error!(reason, offboarding = id.as_str(), "jobs not sent; the sweep will");
            }
            Ok(committed.offboarding)
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
