//! Somebody leaves: the one offboarding that a deactivation starts.
//!
//! It is accepted as `POST /offboardings` accepts it. Its key is made of the user, of how often they have come back, and of the
//! person: so a request that is repeated after a crash finds the offboarding that it had started, even one that is over.

use jiff::SignedDuration;
use podio_lifecycle::{
    accepting::{Acceptance, Answer as Taken},
    ids::OffboardingId,
    offboarding::{Person, Request},
    ports::{IdempotencyKey, Metric},
    scim::ScimUser,
};
use sha2::{Digest, Sha256};

use crate::{Exchange, problem::Problem};

/// For longer than any provider repeats a request.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What the provider did.
#[derive(Debug, Clone, Copy)]
pub(super) enum Why {
    /// Made the user inactive.
    Deactivated,
    /// Deleted the user.
    Deleted,
}

impl Why {
    fn reason(self) -> &'static str {
        match self {
            Self::Deactivated => "Deactivated by the identity provider",
            Self::Deleted => "Deleted by the identity provider",
        }
    }
}

/// Starts the offboarding of `person`, or joins the one that is under way; none, where nobody could say who it is.
pub(super) async fn leave(
    exchange: &Exchange<'_>,
    user: &ScimUser,
    person: Option<Person>,
    why: Why,
) -> Result<Option<OffboardingId>, Problem> {
    let ports = exchange.ports;
    let Some(person) = person else {
        // A leaver that somebody has told us of and that we do not remove is never passed over in silence.
        ports.metrics.add(Metric::RefusedEvents, 1);
        tracing::error!(user = user.id.as_str(), "a user without an address was deactivated; nobody is removed for it");
        return Ok(None);
    };
    let now = ports.clock.now();
    let key = IdempotencyKey {
        key: format!("scim:{}:{}:{}", user.id, user.returns, digest(&person)),
        fingerprint: "leaves".to_owned(),
        expires_at: now + REMEMBERED,
    };
    let reason = Some(why.reason().to_owned());
    let request = Request { reason, ..Request::new(person, exchange.source.clone()) };
    let id = OffboardingId::new(now, ports.random.bytes());
    let acceptance = Acceptance { accept: &*ports.accept, offboardings: &*ports.read, wake: Some(&*ports.wake) };
    let taken = acceptance.take(id, exchange.settings.organization, &request, Some(&key), now).await?;
    let id = match taken.answer {
        Taken::New(offboarding)
        | Taken::Repeated(offboarding)
        | Taken::Merged(offboarding, _)
        | Taken::UnderWay(offboarding) => offboarding.id,
        Taken::Refused(_, refusal) => {
            ports.metrics.add(Metric::RefusedEvents, 1);
            tracing::error!(user = user.id.as_str(), %refusal, "a deactivation contradicts an offboarding");
            let detail = format!("Another request for the same person stands in the way: {refusal}.");
            return Err(Problem::Conflict(detail.into()));
        }
        Taken::KeyReused => return Err(Problem::Internal),
    };
    if let Some(reason) = taken.left_to_sweep {
        tracing::error!(reason, offboarding = id.as_str(), "the worker was not told; the sweep finds the job");
    }
    Ok(Some(id))
}

/// Of a person, so that no address stands in a key.
fn digest(person: &Person) -> String {
    let named = match person {
        Person::Email(email) => format!("email {}", email.as_str()),
        Person::User(user) => format!("user {user}"),
    };
    hex::encode(Sha256::digest(named))
}
