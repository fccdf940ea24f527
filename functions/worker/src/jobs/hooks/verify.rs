//! Sending back the code with which Podio makes sure that a hook's address is ours.
//!
//! Everybody who may list an object's hooks knows the address, and can post verifications to it. So the list is asked once
//! for all verifications that wait: a hook that is not on it, or delivers elsewhere, is not answered, and one that is active
//! needs no answer. A code is good once and for its hook only, so whatever refusal Podio gives is the last word on it: it is
//! recorded, and only what says nothing of the code is tried again.

use std::collections::BTreeSet;

use podio_client::{Meaning, hook};
use podio_lifecycle::{
    hooks::{Delivery, DeliveryState, FoundHook, HookRef, Reason, VerificationCode},
    ids::HookId,
};

use super::{
    end_delivery,
    keep::{found, target},
};
use crate::{Context, halt::Halt, session::Session};

/// The list, and the answer to one verification: less would have to be asked again.
const LIST_AND_ANSWER: usize = 2;

/// Answers the verifications of an object's hooks, and takes each off the list that has ended.
pub(super) async fn verify_hooks(
    context: &Context,
    on: &HookRef,
    waiting: &mut Vec<Delivery>,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let listed = listed(context, on, session).await?;
    let mut activated = BTreeSet::new();
    // The newest first: once its code is taken, the older ones of the same hook need no call.
    while let Some(delivery) = waiting.last() {
        let state = match (&listed, delivery.hook, &delivery.code) {
            (_, None, _) | (_, _, None) => {
                refused(context, "incomplete", "The verification names no hook, or brings no code.")
            }
            (Err((code, detail)), ..) => refused(context, code, detail),
            (Ok(hooks), Some(hook), Some(code)) => match hooks.iter().find(|found| found.hook == hook) {
                None => refused(context, "unknown_hook", "Podio lists no such hook on this object."),
                Some(found) if !found.is_ours => {
                    refused(context, "not_ours", "The hook does not deliver to the address of this service.")
                }
                Some(found) if found.is_active || activated.contains(&hook) => {
                    DeliveryState::Handled { at: context.now() }
                }
                Some(_) => {
                    let state = validate(context, hook, code, session).await?;
                    if matches!(state, DeliveryState::Handled { .. }) {
                        tracing::info!(delivery = %delivery.id, %hook, %on, "the hook is active");
                        activated.insert(hook);
                    }
                    state
                }
            },
        };
        end_delivery(context, delivery, state, session).await?;
        waiting.pop();
    }
    Ok(())
}

/// The hooks that Podio lists on an object, or why that cannot be told.
async fn listed(
    context: &Context,
    on: &HookRef,
    session: &mut Session<'_>,
) -> Result<Result<Vec<FoundHook>, (&'static str, &'static str)>, Halt> {
    let Some(registration) = &context.policy.registration else {
        return Ok(Err(("no_secret", "HOOK_SECRET is not set, so no hook is known to be ours.")));
    };
    let Some(target) = target(on) else {
        return Ok(Err(("unknown_object", "Podio's client knows no hooks on such an object.")));
    };
    session.budget.afford(LIST_AND_ANSWER)?;
    let path = registration.path(on);
    match session.call(&hook::list(target)).await? {
        Meaning::Yes(hooks) => Ok(Ok(hooks.iter().map(|hook| found(hook, hook.url.ends_with(&path))).collect())),
        Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) => Ok(Err((
            "missing_rights",
            "Podio does not show the object's hooks to the account that the service acts as. Let it join the object.",
        ))),
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}

/// Sends one code back.
async fn validate(
    context: &Context,
    hook: HookId,
    code: &VerificationCode,
    session: &mut Session<'_>,
) -> Result<DeliveryState, Halt> {
    session.budget.afford(1)?;
    match session.call(&hook::validate(hook, code.expose())).await? {
        Meaning::Yes(()) => Ok(DeliveryState::Handled { at: context.now() }),
        Meaning::Denied(denial) if denial.lacks_a_right() => Ok(refused(
            context,
            "missing_rights",
            "The account that the service acts as may not validate this hook. Let it join the hook's object.",
        )),
        Meaning::Denied(_) => Ok(refused(context, "wrong_code", "Podio does not take the code; it may be an old one.")),
        Meaning::Gone | Meaning::NotOffered => Ok(refused(context, "unknown_hook", "Podio knows no such hook.")),
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}

fn refused(context: &Context, code: &str, detail: &str) -> DeliveryState {
    DeliveryState::Refused { at: context.now(), reason: Reason::new(code, detail) }
}
