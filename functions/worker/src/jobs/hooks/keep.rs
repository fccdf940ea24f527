//! Keeping hooks registered: what misses is created, what sleeps is woken, what is there twice is deleted.
//!
//! Each run looks before it does anything, so whatever a crash or a lost answer left behind is found by the next one.

use jiff::SignedDuration;
use podio_client::{
    Meaning,
    hook::{self, Hook, HookStatus, HookTarget},
};
use podio_lifecycle::{
    hooks::{EventType, FoundHook, HookList, HookRef, HookStep, RefType},
    ids::{OrgId, SpaceId},
    ports::Metric,
};
use podio_signatures::hook_key;
use secrecy::SecretString;

use crate::{Context, halt::Halt, session::Session};

/// How long after hooks were created it is looked whether they have become active.
const SECOND_LOOK: SignedDuration = SignedDuration::from_mins(2);

/// The hooks that an operator wants, if any, and where ours deliver. Without any wish the address has no beginning.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Which.
    pub hooks: HookList,
    /// The public address of this service, without a slash at its end.
    pub base_url: String,
    /// What the addresses are keyed with.
    pub secret: SecretString,
}

impl Registration {
    /// Where the hooks of an object deliver.
    pub(super) fn address(&self, on: &HookRef) -> String {
        format!("{}{}", self.base_url, self.path(on))
    }

    /// The end of that address, by whatever name the service is reached. Nobody can make one up for another object.
    pub(super) fn path(&self, on: &HookRef) -> String {
        let key = hook_key::make(&self.secret, on.ref_type.as_str(), &on.ref_id.to_string());
        format!("/hooks/podio/{on}/{key}")
    }
}

/// Sees to it that an object has the hooks that it should have.
pub(super) async fn keep_hooks(context: &Context, on: &HookRef, session: &mut Session<'_>) -> Result<(), Halt> {
    let Some(registration) = &context.policy.registration else { return Ok(()) };
    let Some(wanted) = registration.hooks.of(on) else { return Ok(()) };
    let Some(target) = target(on) else {
        missing(context, on, "Podio's client knows no hooks on such an object");
        return Ok(());
    };
    let url = registration.address(on);
    let hooks = match session.call(&hook::list(target)).await? {
        Meaning::Yes(hooks) => hooks,
        Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) => {
            missing(context, on, "Podio does not show the hooks; let the acting account join the object");
            return Ok(());
        }
        Meaning::Unclear(doubt) => return Err(doubt.into()),
    };
    let found: Vec<FoundHook> = hooks.iter().map(|hook| found(hook, hook.url == url)).collect();
    let mut created = false;
    for step in wanted.steps(&found) {
        created |= matches!(step, HookStep::Create(_));
        take_step(context, on, target, &url, step, session).await?;
    }
    // Podio may or may not send the code by itself, and asking for another at once would make the first one stale.
    if created { Err(Halt::Pause(context.now() + SECOND_LOOK)) } else { Ok(()) }
}

/// A refusal of one step says nothing of the others.
async fn take_step(
    context: &Context,
    on: &HookRef,
    target: HookTarget,
    url: &str,
    step: HookStep,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    tracing::info!(%on, ?step, "keeping hooks");
    let answer = match step {
        // Not to be sent again without another look.
        HookStep::Create(event) => {
            session.call_unrepeated(&hook::create(target, event.as_str(), url)).await?.map(|_| ())
        }
        HookStep::Verify(hook) => session.call(&hook::request_verification(hook)).await?,
        HookStep::Delete(hook) => match session.call(&hook::delete(hook)).await? {
            Meaning::Gone | Meaning::NotOffered => Meaning::Yes(()),
            answer => answer,
        },
        HookStep::NoRoom(_) => {
            missing(context, on, "Podio has ten hooks of this type already, none of them ours");
            Meaning::Yes(())
        }
    };
    match answer {
        Meaning::Yes(()) => Ok(()),
        Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) => {
            missing(context, on, "Podio refuses it; the acting account may lack the right to add hooks");
            Ok(())
        }
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}

fn missing(context: &Context, on: &HookRef, reason: &str) {
    tracing::error!(%on, reason, "a hook is missing");
    context.ports.metrics.add(Metric::MissingHooks, 1);
}

pub(super) fn found(hook: &Hook, is_ours: bool) -> FoundHook {
    FoundHook {
        hook: hook.hook_id,
        event: EventType::from(hook.event.clone()),
        is_ours,
        is_active: hook.status == HookStatus::Active,
    }
}

pub(super) fn target(on: &HookRef) -> Option<HookTarget> {
    match on.ref_type {
        RefType::Space => Some(HookTarget::Space(SpaceId(on.ref_id))),
        RefType::App => Some(HookTarget::App(on.ref_id)),
        RefType::AppField => Some(HookTarget::AppField(on.ref_id)),
        RefType::Org => Some(HookTarget::Org(OrgId(on.ref_id))),
        RefType::Item => Some(HookTarget::Item(on.ref_id)),
        RefType::Other(_) => None,
    }
}
