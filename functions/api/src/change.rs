//! Changing an offboarding on a caller's behalf.

use podio_lifecycle::{
    ids::OffboardingId,
    ledger::{Ledger, NotCommitted},
    offboarding::{Event, Offboarding, Refusal},
};

use crate::{
    Ports,
    auth::Caller,
    problem::{FieldError, Problem},
};

/// Applies an event that a caller has asked for, if `check` lets them. The offboarding afterwards.
pub(crate) async fn change(
    ports: &Ports,
    caller: &Caller<'_>,
    id: &OffboardingId,
    event: Event,
    check: impl Fn(&Offboarding) -> Result<(), Problem> + Send + Sync,
) -> Result<Offboarding, Problem> {
    let ledger = Ledger { read: &*ports.read, write: &*ports.write, sealer: None };
    let (actor, now) = (caller.actor(), ports.clock.now());
    let decide = |offboarding: &Offboarding| {
        check(offboarding)?;
        offboarding.apply_by(&actor, event.clone(), now).map_err(refused)
    };
    let offboarding = ledger.commit_checked(id, now, decide).await?;
    wake(ports, &offboarding).await;
    Ok(offboarding)
}

impl From<NotCommitted> for Problem {
    fn from(error: NotCommitted) -> Self {
        match error {
            NotCommitted::Unknown => Self::NoSuchOffboarding,
            NotCommitted::Refused(refusal) => refused(refusal),
            NotCommitted::PersonTaken(other) => {
                let detail = format!("Another offboarding of the same person is under way: {other}.");
                Self::Conflict { detail, offboarding: Some(other) }
            }
            NotCommitted::Store(error) => error.into(),
            NotCommitted::Conflict | NotCommitted::CannotSeal => {
                tracing::error!(%error, "not changed");
                Self::Unavailable
            }
        }
    }
}

/// Tells the worker, where something is to be done now: calls to be made, or the evidence of what was called off to be
/// sealed. Should that fail, the sweep finds it.
async fn wake(ports: &Ports, offboarding: &Offboarding) {
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
    Problem::conflict(sentence(refusal))
}

/// A refusal as a sentence.
pub(crate) fn sentence(refusal: Refusal) -> String {
    let text = refusal.to_string();
    let mut letters = text.chars();
    let capital = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{capital}{}.", letters.as_str())
}
