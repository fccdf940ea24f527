//! What events mean to offboardings.

use podio_lifecycle::{
    hooks::{Check, DeliveryId, HookRef},
    ids::ItemId,
};

use crate::{Worker, session::Session, verdict::Halt};

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

impl Worker {
    /// Does what events mean to the service itself; the note with which they end, if any. It may be called twice for the
    /// same ones. `cause` is the first of them.
    pub(super) async fn act_on(
        &self,
        check: &Check,
        on: &HookRef,
        cause: &DeliveryId,
        session: &mut Session<'_>,
    ) -> Result<Option<Note>, Halt> {
        match *check {
            Check::Plans(space) => {
                session.afford(1)?;
                self.look_again(space, None, session).await?;
                Ok(None)
            }
            Check::Arrivals(space, user) => {
                session.afford(1)?;
                self.look_again(space, user, session).await?;
                self.look_for_returned(cause, space, user, session).await
            }
            Check::Item(item) => self.item_changed(on, item, session).await,
            Check::NoItem => Ok(Some(Note::new("no_item", "The event names no item."))),
            Check::NoSpace => Ok(Some(Note::new("no_space", "The event names no space."))),
            Check::Hooks | Check::Nothing => Ok(None),
        }
    }

    async fn item_changed(&self, on: &HookRef, item: ItemId, session: &mut Session<'_>) -> Result<Option<Note>, Halt> {
        let app = self.policy.hooks.leavers_app.as_ref();
        let Some(app) = app.filter(|app| on.as_app() == Some(app.app)) else { return Ok(None) };
        session.afford(1)?;
        self.read_leaver(app, item, session).await
    }
}
