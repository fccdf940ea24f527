//! Somebody who was removed is a member again.

use jiff::SignedDuration;
use podio_lifecycle::{
    accepting::{Acceptance, Answer},
    actor::Actor,
    ids::{OffboardingId, OrgId, UserId},
    ledger::NotCommitted,
    offboarding::{Event, Person, Refusal, Request},
    ports::{IdempotencyKey, Metric},
    source::Source,
};

use crate::{Context, halt::Halt, session::Session};

/// How long the key of a request that the service makes by itself is remembered: longer than its delivery.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(60 * 24);

/// Records that somebody is back, as `cause` has shown, raises the alarm once, and removes them again where that is wanted.
pub(super) async fn has_returned(
    context: &Context,
    cause: &str,
    org: OrgId,
    user: UserId,
    removed_by: &OffboardingId,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let Some(offboarding) = context.ports.offboardings.load(removed_by).await? else { return Ok(()) };
    let is_new = offboarding.state.returned_at().is_none();
    if is_new {
        tracing::warn!(offboarding = %removed_by, "somebody who was removed is a member again");
        context.ports.metrics.add(Metric::ReturnedLeavers, 1);
    }
    if context.policy.hooks.remove_returned {
        let source = Source::Returned { offboarding: removed_by.clone() };
        let reason = Some(format!("returned after {removed_by}"));
        let request = Request { reason, ..Request::new(Person::User(user), source) };
        match accept_leaver(context, org, &request, &format!("returned:{cause}:{user}"), session).await? {
            Answer::New(offboarding) => tracing::info!(offboarding = %offboarding.id, "who returned is removed again"),
            _ => tracing::info!(offboarding = %removed_by, "who returned is leaving already"),
        }
    }
    // Last, for an audit passes over who is known to be back: an alarm may ring twice, but nobody is to be missed.
    if is_new {
        match context.ledger().commit_by(&Actor::podio(), removed_by, &Event::Returned, context.now()).await {
            Ok(_) | Err(NotCommitted::Refused(Refusal::Known)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Accepts a leaver as the API does.
pub(super) async fn accept_leaver(
    context: &Context,
    org: OrgId,
    request: &Request,
    key: &str,
    session: &mut Session<'_>,
) -> Result<Answer, Halt> {
    let now = context.now();
    let key = IdempotencyKey { key: format!("hook:{key}"), fingerprint: key.to_owned(), expires_at: now + REMEMBERED };
    let id = OffboardingId::new(now, context.ports.random.bytes());
    let acceptance =
        Acceptance { accept: &*context.ports.accept, offboardings: &*context.ports.offboardings, wake: None };
    let answer = acceptance.take(id, org, request, Some(&key), now).await?.answer;
    if let Answer::New(offboarding) | Answer::Merged(offboarding, _) = &answer {
        session.fresh_stage(offboarding);
    }
    Ok(answer)
}
