//! Somebody who was to leave stays after all: possible until the first removal was sent, and only for the provider that alone has
//! asked for it.

use podio_lifecycle::{
    ids::OffboardingId,
    ledger::{Ledger, NotCommitted},
    offboarding::{Event, Offboarding, Refusal},
    scim::{ScimUser, Stand, stand},
};

use crate::{Exchange, problem::Problem};

/// Offboardings that took each other's place, at most.
const LONGEST_CHAIN: usize = 5;

const GONE: Problem = Problem::Forbidden(
    "This person has been removed from Podio, and joiners are not invited from here yet. Invite them in Podio, then delete \
     this user in the app and provision it anew.",
);

/// Calls off what the user's deactivation has started.
pub(super) async fn stay(exchange: &Exchange<'_>, user: &ScimUser) -> Result<(), Problem> {
    let Some(departure) = &user.departure else { return Ok(()) };
    let mut id = departure.offboarding.clone();
    for _ in 0..LONGEST_CHAIN {
        // A record that is named and missing is storage that is not what it says.
        let offboarding = exchange.ports.read.load(&id).await?.ok_or(Problem::Unavailable)?;
        match stand(&offboarding, &exchange.source) {
            Stand::CalledOff => return Ok(()),
            Stand::Gone => return Err(GONE),
            Stand::Elsewhere(other) => id = other,
            Stand::Open | Stand::AskedByOthers => return call_off(exchange, &id).await,
        }
    }
    Err(Problem::Internal)
}

/// What keeps an offboarding from being called off here.
enum Kept {
    /// Somebody else has asked for it, too.
    AskedByOthers,
    /// As the record says.
    NotCommitted(NotCommitted),
}

impl From<NotCommitted> for Kept {
    fn from(error: NotCommitted) -> Self {
        Self::NotCommitted(error)
    }
}

async fn call_off(exchange: &Exchange<'_>, id: &OffboardingId) -> Result<(), Problem> {
    let ports = exchange.ports;
    let ledger = Ledger { read: &*ports.read, write: &*ports.write, sealer: None };
    let (actor, now) = (exchange.source.actor(), ports.clock.now());
    // The check is part of the change: what is called off is what was looked at.
    let decide = |offboarding: &Offboarding| match stand(offboarding, &exchange.source) {
        Stand::AskedByOthers => Err(Kept::AskedByOthers),
        _ => offboarding.apply_by(&actor, Event::Cancelled, now).map_err(|refusal| NotCommitted::from(refusal).into()),
    };
    let called_off = match ledger.commit_checked(id, now, decide).await {
        Ok(offboarding) => offboarding,
        Err(Kept::AskedByOthers) => {
            let detail = "Somebody else has asked for this person to leave Podio, too. An administrator of Podio Lifecycle has \
                          to cancel that offboarding first.";
            return Err(Problem::Conflict(detail.into()));
        }
        Err(Kept::NotCommitted(NotCommitted::Refused(Refusal::Ended))) => return Err(Problem::Unavailable),
        Err(Kept::NotCommitted(NotCommitted::Refused(_))) => {
            let detail = "This person is being removed from Podio right now, which cannot be stopped any more. Activate the \
                          user again once that is over.";
            return Err(Problem::Conflict(detail.into()));
        }
        Err(Kept::NotCommitted(NotCommitted::Store(error))) => return Err(error.into()),
        Err(Kept::NotCommitted(error)) => {
            tracing::error!(%error, offboarding = id.as_str(), "not called off");
            return Err(Problem::Unavailable);
        }
    };
    // The worker has its evidence to seal. Should the word get lost, the sweep finds it.
    let is_due = called_off.waiting().is_some_and(|waiting| waiting.not_before.is_none());
    if is_due && let Err(error) = ports.wake.wake().await {
        tracing::error!(%error, offboarding = id.as_str(), "the worker was not told; the sweep finds the job");
    }
    Ok(())
}
