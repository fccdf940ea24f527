//! Finding out who a scheduled offboarding is about, soon after it was accepted.
//!
//! An address may be renamed before the day, and given to somebody else. So the plan of that day looks for the person who is
//! found here, and for nobody else. An address that nobody has is a warning now, and not on the last day.

use podio_lifecycle::{
    hold::{HoldCode, Reason},
    ledger::NotCommitted,
    offboarding::{Event, Leaver},
};

use super::{
    find::{Finding, find_member},
    merge_into,
    nobody::{Acquaintance, acquaintance},
};
use crate::{
    Context,
    halt::Halt,
    jobs::{StageTask, advance},
    session::Session,
};

/// Looks the person up, and writes down who it is or why that is not certain.
pub(in crate::jobs) async fn resolve(
    context: &Context,
    stage: &mut StageTask,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let (leaver, warning) = match find_member(stage, session).await {
        Ok(Finding::Member(leaver)) => (Some(leaver), None),
        Ok(Finding::NotAMember) => match acquaintance(context, stage).await? {
            Acquaintance::Alike(reason) => (None, Some(reason)),
            Acquaintance::Known | Acquaintance::Stranger => {
                let detail = "Nobody in the organization has this address or id at present. Look for a typing mistake; it is \
                              looked up again on the day.";
                (None, Some(Reason::general(HoldCode::PersonUnknown, detail)))
            }
        },
        Ok(Finding::InDoubt(reason)) => (None, Some(reason)),
        // Nothing depends on it yet. The plan asks again, and fails if it is still so.
        Err(Halt::Fail(failure)) => {
            tracing::error!(offboarding = %stage.offboarding.id, code = failure.code.name(), "cannot be looked up");
            (None, Some(Reason::general(HoldCode::PersonUnknown, failure.detail)))
        }
        Err(halt) => return Err(halt),
    };
    store(context, stage, leaver, warning, session).await
}

async fn store(
    context: &Context,
    stage: &mut StageTask,
    leaver: Option<Leaver>,
    warning: Option<Reason>,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let event = Event::Resolved { leaver, warning };
    match context.ledger().commit(&stage.offboarding, event, context.now()).await {
        Ok(resolved) => {
            tracing::info!(offboarding = %resolved.id, found = resolved.state.leaver().is_some(), "looked up");
            stage.offboarding = resolved;
            session.fresh_stage(&stage.offboarding);
            Ok(())
        }
        // The same person was asked for by another name.
        Err(NotCommitted::PersonTaken(other)) => {
            merge_into(context, &other, &stage.offboarding.request, session).await?;
            advance(context, stage, Event::Duplicate(other), session).await
        }
        Err(error) => Err(error.into()),
    }
}
