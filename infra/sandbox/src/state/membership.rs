//! Organizations, spaces, and who is in them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::State;
use crate::ids::{OrgId, SpaceId, UserId};
use crate::log::Effect;
use crate::switches::Permission;

/// An organization.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Organization {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_on: Timestamp,
    /// Everybody who is or was in it.
    pub members: BTreeMap<UserId, OrgMembership>,
}

/// One person in one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgMembership {
    /// Org admin.
    pub admin: bool,
    /// When they joined.
    pub joined_on: Timestamp,
    /// When they left; none while they are in.
    pub ended_on: Option<Timestamp>,
}

/// Kinds of spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpaceKind {
    /// A workspace.
    Regular,
    /// The employee network.
    EmpNetwork,
}

/// A space.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Space {
    /// The organization it belongs to.
    pub org_id: OrgId,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: SpaceKind,
    /// When it was made.
    pub created_on: Timestamp,
    /// When it was deleted; none while it lives.
    pub deleted_on: Option<Timestamp>,
    /// Everybody who is or was in it.
    pub members: BTreeMap<UserId, SpaceMembership>,
}

/// Roles in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpaceRole {
    /// Few rights.
    Light,
    /// An ordinary member.
    Regular,
    /// Runs the space.
    Admin,
}

/// One person in one space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceMembership {
    /// Their role.
    pub role: SpaceRole,
    /// When they were invited.
    pub invited_on: Timestamp,
    /// When they accepted; none while only invited.
    pub started_on: Option<Timestamp>,
    /// When they left; none while they are in.
    pub ended_on: Option<Timestamp>,
}

impl SpaceMembership {
    fn active(&self) -> bool {
        self.ended_on.is_none()
    }
}

impl Space {
    /// Those who are in it now, invited ones too.
    pub fn active_members(&self) -> impl Iterator<Item = (UserId, &SpaceMembership)> {
        self.members.iter().filter(|(_, member)| member.active()).map(|(user_id, member)| (*user_id, member))
    }

    /// The membership of somebody who is in it now.
    pub fn active_member(&self, user_id: UserId) -> Option<&SpaceMembership> {
        self.members.get(&user_id).filter(|member| member.active())
    }

    /// Whether its admins are all among these people, so that it would be left without one.
    pub fn loses_last_admin(&self, leavers: &[UserId]) -> bool {
        let admin = |(_, member): &(UserId, &SpaceMembership)| member.role == SpaceRole::Admin;
        let mut admins = self.active_members().filter(admin).peekable();
        admins.peek().is_some() && admins.all(|(user_id, _)| leavers.contains(&user_id))
    }

    /// Whether anybody but this person is in it.
    pub fn has_others(&self, user_id: UserId) -> bool {
        self.active_members().any(|(other, _)| other != user_id)
    }
}

impl State {
    /// The org membership of somebody who is in it now.
    pub fn org_member(&self, org_id: OrgId, user_id: UserId) -> Option<&OrgMembership> {
        self.orgs.get(&org_id)?.members.get(&user_id).filter(|member| member.ended_on.is_none())
    }

    /// Whether this person is org admin.
    pub fn is_org_admin(&self, org_id: OrgId, user_id: UserId) -> bool {
        self.org_member(org_id, user_id).is_some_and(|member| member.admin)
    }

    /// Those who are in the organization now, by id.
    pub fn org_members(&self, org_id: OrgId) -> Vec<UserId> {
        let members = self.orgs.get(&org_id).into_iter().flat_map(|org| &org.members);
        members.filter(|(_, member)| member.ended_on.is_none()).map(|(user_id, _)| *user_id).collect()
    }

    /// The spaces of an organization that are not deleted.
    pub fn spaces_of_org(&self, org_id: OrgId) -> impl Iterator<Item = (SpaceId, &Space)> {
        let living = move |space: &Space| space.org_id == org_id && space.deleted_on.is_none();
        self.spaces.iter().filter(move |(_, space)| living(space)).map(|(space_id, space)| (*space_id, space))
    }

    /// The spaces of an organization in which somebody is now.
    pub fn spaces_of_member(&self, org_id: OrgId, user_id: UserId) -> Vec<SpaceId> {
        let member = |space: &Space| space.active_member(user_id).is_some();
        self.spaces_of_org(org_id).filter(|(_, space)| member(space)).map(|(space_id, _)| space_id).collect()
    }

    /// Like [`State::spaces_of_member`], without the employee network.
    pub fn regular_spaces_of_member(&self, org_id: OrgId, user_id: UserId) -> Vec<SpaceId> {
        let mut spaces = self.spaces_of_member(org_id, user_id);
        spaces.retain(|space_id| self.spaces.get(space_id).is_some_and(|space| space.kind == SpaceKind::Regular));
        spaces
    }

    /// Whether the caller may look into a space.
    pub fn may_read_space(&self, caller: UserId, space: &Space) -> bool {
        space.active_member(caller).is_some() || self.reaches_foreign_spaces(caller, space)
    }

    /// Whether the caller may change who is in a space.
    pub fn may_administer_space(&self, caller: UserId, space: &Space) -> bool {
        space.active_member(caller).is_some_and(|member| member.role == SpaceRole::Admin)
            || self.reaches_foreign_spaces(caller, space)
    }

    fn reaches_foreign_spaces(&self, caller: UserId, space: &Space) -> bool {
        self.switches.org_admin_in_foreign_spaces == Permission::Allowed && self.is_org_admin(space.org_id, caller)
    }

    /// Makes a space that nobody is in yet, and tells the organization's hooks.
    pub fn create_space(&mut self, now: Timestamp, org_id: OrgId, name: &str, kind: SpaceKind) -> SpaceId {
        let space_id = SpaceId(self.fresh_id());
        let name = name.to_owned();
        let space = Space { org_id, name, kind, created_on: now, deleted_on: None, members: BTreeMap::new() };
        self.spaces.insert(space_id, space);
        self.tell_of_space(now, org_id, space_id);
        space_id
    }

    /// Gives a space another name.
    pub fn rename_space(&mut self, now: Timestamp, space_id: SpaceId, name: &str) -> Vec<Effect> {
        let Some(space) = self.spaces.get_mut(&space_id) else { return Vec::new() };
        space.name = name.to_owned();
        self.tell_of_space_update(now, space_id);
        vec![Effect::SpaceUpdated { space_id }]
    }

    /// Puts somebody into a space, and into its organization with it. Somebody without an active account is invited.
    pub fn add_to_space(&mut self, now: Timestamp, space_id: SpaceId, user_id: UserId, role: SpaceRole) -> Vec<Effect> {
        let activated = self.people.get(&user_id).is_some_and(|person| person.activated);
        let Some(space) = self.spaces.get_mut(&space_id) else { return Vec::new() };
        if space.active_member(user_id).is_some() {
            return Vec::new();
        }
        let started_on = activated.then_some(now);
        let org_id = space.org_id;
        space.members.insert(user_id, SpaceMembership { role, invited_on: now, started_on, ended_on: None });
        self.join_org(now, org_id, user_id);
        self.tell_of_member(now, "member.add", space_id, user_id);
        vec![Effect::SpaceMembershipStarted { space_id, user_id }]
    }

    /// Puts somebody into an organization; who is in stays as they are.
    pub fn join_org(&mut self, now: Timestamp, org_id: OrgId, user_id: UserId) {
        if self.org_member(org_id, user_id).is_some() {
            return;
        }
        if let Some(org) = self.orgs.get_mut(&org_id) {
            org.members.insert(user_id, OrgMembership { admin: false, joined_on: now, ended_on: None });
        }
    }

    /// Makes somebody org admin, or takes the role away; the person is in the organization afterwards either way.
    pub fn set_org_admin(&mut self, now: Timestamp, org_id: OrgId, user_id: UserId, admin: bool) -> Vec<Effect> {
        self.join_org(now, org_id, user_id);
        let membership = self.orgs.get_mut(&org_id).and_then(|org| org.members.get_mut(&user_id));
        let Some(membership) = membership.filter(|membership| membership.admin != admin) else { return Vec::new() };
        membership.admin = admin;
        vec![match admin {
            true => Effect::OrgAdminAdded { org_id, user_id },
            false => Effect::OrgAdminRemoved { org_id, user_id },
        }]
    }

    /// Changes a role; whoever is not in the space has none.
    pub fn set_space_role(&mut self, space_id: SpaceId, user_id: UserId, role: SpaceRole) -> Vec<Effect> {
        let member = self.spaces.get_mut(&space_id).and_then(|space| space.members.get_mut(&user_id));
        let Some(member) = member.filter(|member| member.active() && member.role != role) else { return Vec::new() };
        member.role = role;
        vec![Effect::SpaceRoleChanged { space_id, user_id }]
    }
}
