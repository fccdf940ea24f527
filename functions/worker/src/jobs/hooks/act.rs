//! What events mean to offboardings.

use podio_lifecycle::{
    hooks::{Delivery, DeliveryState, EventType, Reason},
    ids::{ItemId, SpaceId},
};

use crate::{Worker, session::Session, verdict::Halt};

/// A reason to do nothing, or to do no more.
pub(super) struct Note {
    code: &'static str,
    detail: String,
}

impl Note {
    pub(super) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl Worker {
    /// Does what an event means to the service itself, and says how the delivery ends. It may be called twice for the
    /// same delivery.
    pub(super) async fn act_on(&self, delivery: &Delivery, session: &mut Session<'_>) -> Result<DeliveryState, Halt> {
        let note = match delivery.event.kind {
            EventType::SpaceCreate | EventType::AppCreate | EventType::MemberAdd => {
                self.somebody_may_have_come(delivery, session).await?
            }
            EventType::ItemCreate | EventType::ItemUpdate | EventType::ItemDelete => {
                self.item_changed(delivery, session).await?
            }
            _ => None,
        };
        let at = self.now();
        Ok(match note {
            None => DeliveryState::Handled { at },
            Some(Note { code, detail }) => {
                tracing::info!(delivery = %delivery.id, event = delivery.event.kind.log_name(), code, "nothing done");
                DeliveryState::Noted { at, reason: Reason::new(code, detail) }
            }
        })
    }

    async fn somebody_may_have_come(
        &self,
        delivery: &Delivery,
        session: &mut Session<'_>,
    ) -> Result<Option<Note>, Halt> {
        let (ids, kind) = (&delivery.event.ids, &delivery.event.kind);
        // What the address says is certain. Only a new space has its hook elsewhere.
        let of_hook = delivery.on.as_space();
        let space: Option<SpaceId> =
            if *kind == EventType::SpaceCreate { ids.space_id.or(of_hook) } else { of_hook.or(ids.space_id) };
        let Some(space) = space else { return Ok(Some(Note::new("no_space", "The event names no space."))) };
        let user = ids.user_id.filter(|_| *kind == EventType::MemberAdd);
        self.look_again(space, user).await?;
        if *kind == EventType::MemberAdd {
            self.look_for_returned(delivery, space, user, session).await
        } else {
            Ok(None)
        }
    }

    async fn item_changed(&self, delivery: &Delivery, session: &mut Session<'_>) -> Result<Option<Note>, Halt> {
        let app = self.policy.hooks.leavers_app.as_ref();
        let Some(app) = app.filter(|app| delivery.on.as_app() == Some(app.app)) else { return Ok(None) };
        let item: Option<ItemId> = delivery.event.ids.item_id;
        let Some(item) = item else { return Ok(Some(Note::new("no_item", "The event names no item."))) };
        self.read_leaver(app, item, session).await
    }
}
