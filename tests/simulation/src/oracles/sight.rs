//! What this Podio lets be known at all. Nobody is to blame for what nobody can see.

use jiff::Timestamp;
use podio_sandbox::{
    SpaceId, UserId,
    state::SpaceKind,
    switches::{EmployeeNetwork, MemberShape, OrgDelete, OrgSpaces, Permission, Route},
};

use super::Evidence;

impl Evidence<'_> {
    /// Whether the product could know that somebody was in a space, who was in it from the beginning.
    pub(super) fn is_listed(&self, space: SpaceId) -> bool {
        let switches = &self.scene.switches;
        let previewed = switches.end_member_info == Route::Offered && switches.org_delete == OrgDelete::EndsSpaces;
        let listed = switches.member_spaces == Route::Offered
            || switches.all_spaces == Route::Offered
            || switches.org_spaces == OrgSpaces::All;
        previewed || listed || self.acts_in(space)
    }

    /// Whether not even a number tells that there is another space than those that are listed.
    pub(super) fn is_out_of_sight(&self, space: SpaceId) -> bool {
        !self.is_listed(space) && self.scene.switches.member_shape == MemberShape::Flat
    }

    /// Whether the product may look into a space, and take somebody out of it.
    pub(super) fn is_open(&self, space: SpaceId) -> bool {
        self.scene.switches.org_admin_in_foreign_spaces == Permission::Allowed || self.acts_in(space)
    }

    /// Whether the product knows of a shut space that leaving the organization would not end that membership: a preview that
    /// names nothing says so. Then the operator is asked, and lets the acting admin in.
    pub(super) fn is_asked_about(&self, space: SpaceId) -> bool {
        let switches = &self.scene.switches;
        let in_vain = switches.end_member_info == Route::Offered && switches.org_delete == OrgDelete::KeepsSpaces;
        in_vain && self.is_listed(space)
    }

    /// Whether a space that came in mid-flight shows before the organization is left: only a preview shows it, and only
    /// where the organization removal ends spaces.
    pub(super) fn shows_newcomers(&self) -> bool {
        let switches = &self.scene.switches;
        switches.end_member_info == Route::Offered && switches.org_delete == OrgDelete::EndsSpaces
    }

    /// Whether a space is the employee network. It is left with the organization, if at all.
    pub(super) fn is_network(&self, space: SpaceId) -> bool {
        self.scene.switches.employee_network != EmployeeNetwork::None
            && self.podio.spaces.get(&space).is_some_and(|space| space.kind == SpaceKind::EmpNetwork)
    }

    /// Whether somebody was put into a space behind our back, from that time on.
    pub(super) fn was_added(&self, user: UserId, space: SpaceId, since: Timestamp) -> bool {
        let place = self.leaver(user).map(|(place, _)| place);
        self.dealings.added.iter().any(|(who, it, at)| Some(*who) == place && *it == space && *at >= since)
    }

    fn acts_in(&self, space: SpaceId) -> bool {
        let acting = self.podio.tokens.acting_user();
        acting.is_some_and(|acting| {
            self.podio.spaces.get(&space).is_some_and(|space| space.active_member(acting).is_some())
        })
    }
}
