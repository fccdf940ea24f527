//! How memberships end, and what else ends with them.
//!
//! Rule: an org DELETE (where it ends spaces) deletes each space in which the leaver was the only member, and promotes
//! somebody where the leaver was the last admin. A preview says what would happen and changes nothing.

use jiff::Timestamp;

use super::{SpaceKind, SpaceRole, State};
use crate::ids::{OrgId, SpaceId, UserId};
use crate::log::Effect;
use crate::switches::{EmployeeNetwork, LastOrgAdmin, LastSpaceAdmin, LastSpaceRemoval, OrgDelete, Promotion};

/// What an org DELETE would do to each of the leaver's spaces; every space is in exactly one list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// The membership ends, nothing else.
    pub remove: Vec<SpaceId>,
    /// Others would become admins.
    pub promote: Vec<SpaceId>,
    /// The space would be deleted.
    pub delete: Vec<SpaceId>,
}

/// Why a membership could not be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalRefused {
    /// There is none.
    NotAMember,
    /// The last admin of the organization; 403.
    LastOrgAdmin,
    /// The last admin of the organization; 409.
    LastOrgAdminConflict,
    /// The last admin of the space.
    LastSpaceAdmin,
}

impl State {
    /// What [`State::remove_from_org`] would do.
    pub fn preview_org_removal(&self, org_id: OrgId, user_id: UserId) -> Preview {
        let mut preview = Preview::default();
        for space_id in self.spaces_ended_by_org_removal(org_id, user_id) {
            let Some(space) = self.spaces.get(&space_id) else { continue };
            let list = match (space.has_others(user_id), space.loses_last_admin(&[user_id])) {
                (false, _) => &mut preview.delete,
                (true, true) => &mut preview.promote,
                (true, false) => &mut preview.remove,
            };
            list.push(space_id);
        }
        preview
    }

    fn spaces_ended_by_org_removal(&self, org_id: OrgId, user_id: UserId) -> Vec<SpaceId> {
        match (self.switches.org_delete, self.switches.employee_network) {
            (OrgDelete::KeepsSpaces, _) => Vec::new(),
            (OrgDelete::EndsSpaces, EmployeeNetwork::Survives) => self.regular_spaces_of_member(org_id, user_id),
            (OrgDelete::EndsSpaces, _) => self.spaces_of_member(org_id, user_id),
        }
    }

    /// Ends an org membership.
    pub fn remove_from_org(
        &mut self,
        now: Timestamp,
        org_id: OrgId,
        user_id: UserId,
    ) -> Result<Vec<Effect>, RemovalRefused> {
        self.org_member(org_id, user_id).ok_or(RemovalRefused::NotAMember)?;
        self.keep_an_org_admin(org_id, user_id)?;
        let preview = self.preview_org_removal(org_id, user_id);
        let mut effects = Vec::new();
        for space_id in preview.remove.iter().chain(&preview.promote).chain(&preview.delete) {
            self.end_space_membership(now, *space_id, user_id, &mut effects);
        }
        for space_id in preview.promote {
            self.promote_somebody(space_id, &mut effects);
        }
        for space_id in preview.delete {
            if let Some(space) = self.spaces.get_mut(&space_id) {
                space.deleted_on = Some(now);
                effects.push(Effect::SpaceDeleted { space_id });
            }
        }
        self.end_org_membership(now, org_id, user_id, &mut effects);
        Ok(effects)
    }

    /// Takes the org admin role away.
    pub fn remove_org_admin(
        &mut self,
        now: Timestamp,
        org_id: OrgId,
        user_id: UserId,
    ) -> Result<Vec<Effect>, RemovalRefused> {
        if !self.is_org_admin(org_id, user_id) {
            return Err(RemovalRefused::NotAMember);
        }
        self.keep_an_org_admin(org_id, user_id)?;
        Ok(self.set_org_admin(now, org_id, user_id, false))
    }

    /// Ends memberships of one space: of all the given people or, when one must stay, of none. Those who are not in it
    /// are passed over; that nobody is in it is an error.
    pub fn remove_from_space(
        &mut self,
        now: Timestamp,
        space_id: SpaceId,
        leavers: &[UserId],
    ) -> Result<Vec<Effect>, RemovalRefused> {
        let space = self.spaces.get(&space_id).ok_or(RemovalRefused::NotAMember)?;
        let members: Vec<UserId> =
            leavers.iter().copied().filter(|user| space.active_member(*user).is_some()).collect();
        if members.is_empty() {
            return Err(RemovalRefused::NotAMember);
        }
        let loses_last_admin = space.loses_last_admin(&members);
        if loses_last_admin && self.switches.last_space_admin == LastSpaceAdmin::Refused {
            return Err(RemovalRefused::LastSpaceAdmin);
        }
        let (org_id, regular) = (space.org_id, space.kind == SpaceKind::Regular);
        let mut effects = Vec::new();
        for user_id in &members {
            self.end_space_membership(now, space_id, *user_id, &mut effects);
        }
        if loses_last_admin && self.switches.last_space_admin == LastSpaceAdmin::Promotes {
            self.promote_somebody(space_id, &mut effects);
        }
        if regular && self.switches.last_space_removal == LastSpaceRemoval::EndsOrgMembership {
            for user_id in members {
                let in_a_space = !self.regular_spaces_of_member(org_id, user_id).is_empty();
                if !in_a_space && !self.is_org_admin(org_id, user_id) {
                    self.end_org_membership(now, org_id, user_id, &mut effects);
                }
            }
        }
        Ok(effects)
    }

    fn keep_an_org_admin(&self, org_id: OrgId, user_id: UserId) -> Result<(), RemovalRefused> {
        let others = || self.org_members(org_id).into_iter().filter(|other| *other != user_id);
        let last = self.is_org_admin(org_id, user_id) && !others().any(|other| self.is_org_admin(org_id, other));
        match (last, self.switches.last_org_admin) {
            (true, LastOrgAdmin::RefusedForbidden) => Err(RemovalRefused::LastOrgAdmin),
            (true, LastOrgAdmin::RefusedConflict) => Err(RemovalRefused::LastOrgAdminConflict),
            (true, LastOrgAdmin::Allowed) | (false, _) => Ok(()),
        }
    }

    fn end_space_membership(&mut self, now: Timestamp, space_id: SpaceId, user_id: UserId, effects: &mut Vec<Effect>) {
        let member = self.spaces.get_mut(&space_id).and_then(|space| space.members.get_mut(&user_id));
        if let Some(member) = member.filter(|member| member.ended_on.is_none()) {
            member.ended_on = Some(now);
            effects.push(Effect::SpaceMembershipEnded { space_id, user_id });
            self.tell_of_member(now, "member.remove", space_id, user_id);
        }
    }

    fn end_org_membership(&mut self, now: Timestamp, org_id: OrgId, user_id: UserId, effects: &mut Vec<Effect>) {
        let member = self.orgs.get_mut(&org_id).and_then(|org| org.members.get_mut(&user_id));
        if let Some(member) = member.filter(|member| member.ended_on.is_none()) {
            member.ended_on = Some(now);
            member.admin = false;
            effects.push(Effect::OrgMembershipEnded { org_id, user_id });
        }
    }

    fn promote_somebody(&mut self, space_id: SpaceId, effects: &mut Vec<Effect>) {
        let Some(space) = self.spaces.get_mut(&space_id) else { return };
        let everybody = self.switches.promotion == Promotion::Everybody;
        // Whoever accepted first; somebody who was only invited comes last.
        let mut candidates: Vec<_> = space
            .active_members()
            .map(|(user_id, member)| (member.started_on.is_none(), member.started_on, user_id))
            .collect();
        candidates.sort();
        for (_, _, user_id) in candidates.into_iter().take(if everybody { usize::MAX } else { 1 }) {
            if let Some(member) = space.members.get_mut(&user_id) {
                member.role = SpaceRole::Admin;
                effects.push(Effect::SpaceAdminPromoted { space_id, user_id });
            }
        }
    }
}
