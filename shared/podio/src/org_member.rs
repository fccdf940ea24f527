//! Members of an organization: finding them, previewing their removal, removing them.
//!
//! Somebody is a member through the spaces of the organization, so removing the last space may end the membership too.

use std::fmt;

use jiff::Timestamp;
use podio_lifecycle::ids::{OrgId, UserId};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

pub use crate::member::SpaceCounts;
use crate::{
    mail,
    member::RawMember,
    request::{Page, Request},
    role::Role,
    space::SpaceMembership,
    tolerant,
};

/// One member: `GET /org/{org_id}/member/{user_id}`. Not found as an object means that they are out.
///
/// Source: developers.podio.com/doc/organizations/get-organization-member-50908.
pub fn get(org: OrgId, user: UserId) -> Request<OrgMember> {
    Request::get("/org/{org_id}/member/{user_id}", &[&org, &user])
}

/// One member by the address of the account: `GET /org/{org_id}/member/mail/{mail}`.
///
/// Source: podio-java, `OrgAPI.getMemberByMail`. The same shape as [`get`].
pub fn by_mail(org: OrgId, mail: &str) -> Request<OrgMember> {
    Request::get("/org/{org_id}/member/mail/{mail}", &[&org, &mail])
}

/// A page of the members, invited ones included: `GET /org/{org_id}/member/?limit=&offset=`. For admins only. An entry that
/// cannot be read hides no other.
///
/// Source: developers.podio.com/doc/organizations/get-organization-members-50661.
pub fn list(org: OrgId, page: Page) -> Request<Vec<Listed>> {
    Request::get("/org/{org_id}/member/", &[&org]).paged(page)
}

/// A page of the members that match `words`, a name or an address: [`list`] with `query=`. What counts as a match is
/// Podio's choice, so compare the result with what was looked for.
pub fn search(org: OrgId, words: &str, page: Page) -> Request<Vec<Listed>> {
    list(org, page).with("query", words)
}

/// A page of the members, those first who were not seen for longest: [`list`] with `sort_by=last_seen_on`.
pub fn list_longest_unseen(org: OrgId, page: Page) -> Request<Vec<Listed>> {
    // Booleans in a query are digits here.
    list(org, page).with("sort_by", "last_seen_on").with("sort_desc", 0)
}

/// Every space that a member is in, in one call: `GET /org/{org_id}/member/{user_id}/space_member/`.
///
/// Source: developers.podio.com/doc/organizations/get-space-memberships-for-org-member-11902943.
pub fn space_memberships(org: OrgId, user: UserId) -> Request<Vec<SpaceMembership>> {
    Request::get("/org/{org_id}/member/{user_id}/space_member/", &[&org, &user])
}

/// What [`remove`] would do, without doing it: `GET /org/{org_id}/member/{user_id}/end_member_info`.
///
/// Source: podio-java `OrgAPI.getEndMemberInfo`, podio-rb `OrganizationMember`; not in the public reference.
pub fn end_member_info(org: OrgId, user: UserId) -> Request<EndMemberInfo> {
    Request::get("/org/{org_id}/member/{user_id}/end_member_info", &[&org, &user])
}

/// Ends the membership of the organization and of all its spaces: `DELETE /org/{org_id}/member/{user_id}`.
///
/// **Deletes each space in which the user is the only member** and promotes others where they are the last admin.
///
/// Source: developers.podio.com/doc/organizations/end-organization-membership-50689. No answer is documented.
pub fn remove(org: OrgId, user: UserId) -> Request<()> {
    Request::delete("/org/{org_id}/member/{user_id}", &[&org, &user])
}

/// One entry of a list of members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// Somebody.
    Member(Box<OrgMember>),
    /// An object that names nobody, or names somebody in contradictions: a service user without account or profile. Whom it
    /// stands for is not known, so that a list that holds one proves nobody absent.
    Unreadable,
}

impl Listed {
    /// The member, if it can be read.
    pub fn member(&self) -> Option<&OrgMember> {
        match self {
            Self::Member(member) => Some(member),
            Self::Unreadable => None,
        }
    }
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entry = Value::deserialize(deserializer)?;
        // Anything else is no list of members.
        if !entry.is_object() && !entry.is_null() {
            return Err(D::Error::custom("neither a member nor null"));
        }
        Ok(serde_json::from_value(entry).map_or(Self::Unreadable, |member| Self::Member(Box::new(member))))
    }
}

/// A member of an organization, active or invited. `Debug` shows neither name nor addresses.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawMember")]
pub struct OrgMember {
    /// The id.
    pub user_id: UserId,
    /// The addresses that the account signs in with; those known not to be verified are left out.
    pub account_mails: Vec<String>,
    /// The addresses that the person shows, which are theirs to choose: no proof of identity.
    pub profile_mails: Vec<String>,
    /// The person's name.
    pub name: Option<String>,
    /// The role in the organization; `None` for most.
    pub role: Option<Role>,
    /// Employee, or external.
    pub employee: Option<bool>,
    /// How many regular spaces they are in; in lists only.
    pub space_memberships: Option<u32>,
    /// The same by state; on a single member only.
    pub spaces: Option<SpaceCounts>,
    /// The licence that they take up.
    pub tier: Option<String>,
    /// Of the account: `active`, `inactive`, `blacklisted` or something newer.
    pub account_status: Option<String>,
    /// Type of the account: `regular`, `guest` or something newer.
    pub account_kind: Option<String>,
    /// When the account was made.
    pub created_on: Option<Timestamp>,
    /// When they were invited; not documented here, but memberships of spaces tell it.
    pub invited_on: Option<Timestamp>,
    /// When they last used Podio.
    pub last_seen_on: Option<Timestamp>,
    /// When the membership ended. Not documented here; memberships of spaces are told after their end, so the like is
    /// conceivable.
    pub ended_on: Option<Timestamp>,
}

impl OrgMember {
    /// Whether this may be no more than the memory of a member: ended, or with neither a role nor a space, which is what
    /// a membership of an organization consists of.
    pub fn may_be_former(&self) -> bool {
        let in_no_space = self.spaces.is_some_and(|spaces| spaces.invited == 0 && spaces.started == 0);
        self.ended_on.is_some() || (in_no_space && self.role.is_none())
    }

    /// Whether the account signs in with this address.
    pub fn has_account_mail(&self, address: &str) -> bool {
        self.account_mails.iter().any(|known| mail::same(known, address))
    }
}

impl TryFrom<RawMember> for OrgMember {
    type Error = &'static str;

    fn try_from(raw: RawMember) -> Result<Self, Self::Error> {
        Ok(Self {
            user_id: raw.user_id()?,
            account_mails: raw.account_mails(),
            profile_mails: raw.profile_mails(),
            name: raw.name(),
            account_status: raw.status(),
            last_seen_on: raw.last_seen_on(),
            account_kind: raw.account_kind(),
            created_on: raw.created_on(),
            employee: raw.is_employee(),
            invited_on: raw.invited_on,
            ended_on: raw.ended_on,
            role: raw.role,
            space_memberships: raw.space_memberships,
            spaces: raw.spaces,
            tier: raw.tier,
        })
    }
}

impl fmt::Debug for OrgMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrgMember")
            .field("user_id", &self.user_id)
            .field("role", &self.role)
            .field("employee", &self.employee)
            .field("space_memberships", &self.space_memberships)
            .finish_non_exhaustive()
    }
}

/// What the removal of a member would do to the spaces. A space may be in more than one list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawEndMemberInfo")]
pub struct EndMemberInfo {
    /// The member goes, nothing else happens.
    pub to_remove: Vec<SpaceMembership>,
    /// The member is the last admin: others are promoted.
    pub to_promote: Vec<SpaceMembership>,
    /// The member is the only one: **the space would be deleted**.
    pub to_delete: Vec<SpaceMembership>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawEndMemberInfo {
    to_remove: Option<Vec<SpaceMembership>>,
    to_promote: Option<Vec<SpaceMembership>>,
    to_delete: Option<Vec<SpaceMembership>>,
    #[serde(flatten)]
    _object: tolerant::ObjectOnly,
}

impl TryFrom<RawEndMemberInfo> for EndMemberInfo {
    type Error = &'static str;

    fn try_from(raw: RawEndMemberInfo) -> Result<Self, Self::Error> {
        let RawEndMemberInfo { to_remove, to_promote, to_delete, .. } = raw;
        if to_remove.is_none() && to_promote.is_none() && to_delete.is_none() {
            // Some other object: read as an empty preview it would say that no space is in danger.
            return Err("none of the three lists");
        }
        Ok(Self {
            to_remove: to_remove.unwrap_or_default(),
            to_promote: to_promote.unwrap_or_default(),
            to_delete: to_delete.unwrap_or_default(),
        })
    }
}
