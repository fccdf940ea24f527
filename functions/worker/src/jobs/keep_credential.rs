//! Proving once a day that the credential lives, and that the acting account may still remove people.
//!
//! A refresh token that nobody uses ends after weeks without a word, and an admin who is made a regular member is told,
//! not we. Both would come to light with the next leaver; so once a day a call is made that needs a token and shows the
//! admins. A token that lives long is renewed once a week, so that the refresh token proves alive too.

use async_trait::async_trait;
use jiff::SignedDuration;
use podio_client::{Meaning, org};
use podio_lifecycle::{
    credentials::{PROOF_EVERY, kept_alive},
    ids::{OrgId, UserId},
    offboarding::FailureCode,
    ports::{Metric, StoreError},
    work::{JobId, Priority, Waiting},
};

use crate::{
    Context,
    halt::Halt,
    registry::{Job, Left, wait_again},
    session::Session,
};

/// A credential that is refused is tried again so soon: somebody may have authorised the service anew.
const SOON: SignedDuration = SignedDuration::from_hours(1);
/// The pause after a fault of Podio's, which says nothing of the credential.
const FAULT: SignedDuration = SignedDuration::from_mins(15);

/// The credential, once a day.
pub(crate) struct KeepCredentialJob;

#[async_trait(?Send)]
impl Job for KeepCredentialJob {
    fn kind(&self) -> &'static str {
        JobId::KEEP_CREDENTIAL
    }

    async fn run(&self, context: &Context, _job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
        run_keep_credential(context, session).await
    }
}

/// Proves the credential alive, and again a day later.
async fn run_keep_credential(context: &Context, session: &mut Session<'_>) -> Result<Left, StoreError> {
    session.at_priority(Priority::Background);
    let now = context.now();
    let until = match keep_credential(context, session).await {
        Ok(()) => Some(now + PROOF_EVERY),
        Err(Halt::Wait | Halt::Overtaken) => None,
        Err(Halt::Pause(until)) => Some(until),
        Err(Halt::Fault) => Some(now + FAULT),
        Err(Halt::Fail(failure)) => {
            tracing::error!(code = failure.code.name(), "the credential does not do: {}", failure.detail);
            context.ports.metrics.add(Metric::CredentialAtRisk, 1);
            Some(now + SOON)
        }
        Err(Halt::Storage(error)) => return Err(error),
    };
    wait_again(context, Waiting { not_before: until, ..kept_alive(now) }, session).await
}

async fn keep_credential(context: &Context, session: &mut Session<'_>) -> Result<(), Halt> {
    session.renew_when_old().await?;
    let acting = session.acting_user().await?;
    for org in context.policy.organizations.clone() {
        prove_admin(org, acting, session).await?;
    }
    Ok(())
}

/// Only admins are shown the admins, in some Podios; others show them to every member.
async fn prove_admin(org: OrgId, acting: Option<UserId>, session: &mut Session<'_>) -> Result<(), Halt> {
    let admins = match session.call(&org::admins(org)).await? {
        Meaning::Yes(admins) => admins,
        Meaning::Denied(denial) if denial.lacks_a_right() => {
            return Err(Halt::of(&Meaning::<()>::Denied(denial), "the list of the organization's admins"));
        }
        // Not every Podio has the list: then nothing can be said.
        Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) => return Ok(()),
        Meaning::Unclear(doubt) => return Err(doubt.into()),
    };
    match acting {
        Some(acting) if !admins.is_empty() && admins.iter().all(|admin| admin.user_id != acting) => {
            let detail = format!(
                "The account that the service acts as is no admin of organization {org} any more. Make it one in \
                 Podio: without that nobody can be removed."
            );
            Err(Halt::fail(FailureCode::MissingRights, detail))
        }
        _ => Ok(()),
    }
}
