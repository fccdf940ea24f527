//! What the hooks are told of: the sandbox's own changes, whoever or whatever made them.
//!
//! Rule: where nobody hooks, nothing is written down; a population of thousands costs no event.

use jiff::Timestamp;

use super::{HookRef, State};
use crate::ids::{AppId, FieldId, ItemId, OrgId, SpaceId, UserId};
use crate::switches::{Acceptance, MemberEvents, Part};

impl State {
    /// A new space. Only the organization's hooks could know, where there are such hooks.
    pub(super) fn tell_of_space(&mut self, now: Timestamp, org_id: OrgId, space_id: SpaceId) {
        if self.switches.org_hooks == Acceptance::Accepted {
            let params = || vec![("space_id", space_id.to_string()), ("org_id", org_id.to_string())];
            self.tell(now, "org", org_id.0, "space.create", params);
        }
    }

    /// A change of a space itself.
    pub(super) fn tell_of_space_update(&mut self, now: Timestamp, space_id: SpaceId) {
        let params = || vec![("space_id", space_id.to_string())];
        self.tell(now, "space", space_id.0, "space.update", params);
        let org_id = self.spaces.get(&space_id).map(|space| space.org_id);
        if let (Acceptance::Accepted, Some(org_id)) = (self.switches.org_hooks, org_id) {
            self.tell(now, "org", org_id.0, "space.update", params);
        }
    }

    /// Somebody came into a space, or left it.
    pub(super) fn tell_of_member(&mut self, now: Timestamp, event: &str, space_id: SpaceId, user_id: UserId) {
        match self.switches.member_events {
            MemberEvents::Absent => {}
            MemberEvents::WithoutUser => self.tell(now, "space", space_id.0, event, Vec::new),
            MemberEvents::WithUser => {
                self.tell(now, "space", space_id.0, event, || vec![("user_id", user_id.to_string())]);
            }
        }
    }

    /// A new app.
    pub(super) fn tell_of_app(&mut self, now: Timestamp, space_id: SpaceId, app_id: AppId) {
        self.tell(now, "space", space_id.0, "app.create", || vec![("app_id", app_id.to_string())]);
    }

    /// A change of an item: the app's hooks, and those of the fields that are concerned.
    pub(super) fn tell_of_item(&mut self, now: Timestamp, item_id: ItemId, event: &str, fields: &[FieldId]) {
        let Some(item) = self.items.get(&item_id) else { return };
        let (app_id, revision, external_id) = (item.app_id, item.revision, item.external_id.clone());
        let sent = external_id.or_else(|| (self.switches.empty_external_id == Part::Present).then(String::new));
        let params = || {
            let mut params = vec![("item_id", item_id.to_string()), ("item_revision_id", revision.to_string())];
            params.extend(sent.clone().map(|external_id| ("external_id", external_id)));
            params
        };
        self.tell(now, "app", app_id.0, event, params);
        for field_id in fields {
            self.tell(now, "app_field", field_id.0, event, params);
        }
    }

    fn tell(
        &mut self,
        now: Timestamp,
        ref_type: &str,
        ref_id: u64,
        event: &str,
        params: impl Fn() -> Vec<(&'static str, String)>,
    ) {
        if self.hooks.all.is_empty() {
            return;
        }
        let on = HookRef { ref_type: ref_type.to_owned(), ref_id };
        self.publish(now, &on, event, &params());
    }
}
