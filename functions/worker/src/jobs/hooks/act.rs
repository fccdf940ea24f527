//! What events mean to offboardings.

use podio_lifecycle::{
    hooks::{Check, DeliveryId, HookRef},
    ids::ItemId,
};

use super::{
    leavers_app::read_leaver,
    look_again::{look_again, look_for_returned},
};
use crate::{Context, halt::Halt, session::Session};

/// A reason to do nothing, or to do no more.
pub(super) struct Note {
    pub(super) code: &'static str,
    pub(super) detail: String,
}

impl Note {
    pub(super) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// Does what events mean to the service itself; the note with which they end, if any. It may be called twice for the
/// same ones. `cause` is the first of them.
pub(super) async fn act_on(
    context: &Context,
    check: &Check,
    on: &HookRef,
    cause: &DeliveryId,
    session: &mut Session<'_>,
) -> Result<Option<Note>, Halt> {
    match *check {
        Check::Plans(space) => {
            session.budget.afford(1)?;
            look_again(context, space, None, session).await?;
            Ok(None)
        }
        Check::Arrivals(space, user) => {
            session.budget.afford(1)?;
            look_again(context, space, user, session).await?;
            look_for_returned(context, cause, space, user, session).await
        }
        Check::Item(item) => item_changed(context, on, item, session).await,
        Check::NoItem => Ok(Some(Note::new("no_item", "The event names no item."))),
        Check::NoSpace => Ok(Some(Note::new("no_space", "The event names no space."))),
        Check::Hooks | Check::Nothing => Ok(None),
    }
}

async fn item_changed(
    context: &Context,
    on: &HookRef,
    item: ItemId,
    session: &mut Session<'_>,
) -> Result<Option<Note>, Halt> {
    let app = context.policy.hooks.leavers_app.as_ref();
    let Some(app) = app.filter(|app| on.as_app() == Some(app.app)) else { return Ok(None) };
    session.budget.afford(1)?;
    read_leaver(context, app, item, session).await
}
