//! Organizations, their admins and their spaces.

use std::fmt;

use podio_lifecycle::ids::{OrgId, UserId};
use serde::Deserialize;

use crate::{
    member::RawMember,
    request::Request,
    role::Role,
    space::Space,
    tolerant::{self, RawId},
};

/// The organizations of the acting user, with their spaces: `GET /org/`.
///
/// Source: developers.podio.com/doc/organizations/get-organizations-22344. An array, spaces inline.
pub fn list() -> Request<Vec<Org>> {
    Request::get("/org/", &[])
}

/// One organization: `GET /org/{org_id}`. Its `role` is the acting user's and must be `admin` to remove anybody.
///
/// Source: developers.podio.com/doc/organizations/get-organization-22383.
pub fn get(org: OrgId) -> Request<Org> {
    Request::get("/org/{org_id}", &[&org])
}

/// The admins: `GET /org/{org_id}/admin/`.
///
/// Source: developers.podio.com/doc/organizations/get-organization-admins-81542. An array of users; its exact shape is
/// not documented, so nested and flat ones are read.
pub fn admins(org: OrgId) -> Request<Vec<OrgAdmin>> {
    Request::get("/org/{org_id}/admin/", &[&org])
}

/// All spaces of the organization: `GET /org/{org_id}/all_spaces/`. Names of foreign spaces are missing.
///
/// Source: developers.podio.com/doc/organizations/get-all-spaces-on-organization-11902608.
pub fn all_spaces(org: OrgId) -> Request<Vec<Space>> {
    Request::get("/org/{org_id}/all_spaces/", &[&org])
}

/// The spaces of the organization: `GET /org/{org_id}/space/`. Whether an admin sees foreign ones is not documented.
///
/// Source: developers.podio.com/doc/organizations/get-spaces-on-organization-22387.
pub fn spaces(org: OrgId) -> Request<Vec<Space>> {
    Request::get("/org/{org_id}/space/", &[&org])
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawOrg")]
pub struct Org {
    /// The id.
    pub org_id: OrgId,
    /// The name.
    pub name: Option<String>,
    /// The acting user's role in it.
    pub role: Option<Role>,
    /// `active` or `inactive`.
    pub status: Option<String>,
    /// `free`, `sponsored`, `premium`, …: members can be managed in a paid one only.
    pub kind: Option<String>,
    /// The spaces that the acting user sees; filled by [`list`] only.
    pub spaces: Vec<Space>,
}

/// An admin of an organization. `Debug` shows the id only.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawMember")]
pub struct OrgAdmin {
    /// The id.
    pub user_id: UserId,
    /// The person's name.
    pub name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawOrg {
    org_id: Option<RawId>,
    #[serde(deserialize_with = "tolerant::text")]
    name: Option<String>,
    #[serde(deserialize_with = "tolerant::role")]
    role: Option<Role>,
    #[serde(deserialize_with = "tolerant::text")]
    status: Option<String>,
    #[serde(rename = "type", deserialize_with = "tolerant::text")]
    kind: Option<String>,
    #[serde(deserialize_with = "tolerant::list")]
    spaces: Vec<Space>,
    #[serde(flatten)]
    _object: tolerant::ObjectOnly,
}

impl TryFrom<RawOrg> for Org {
    type Error = &'static str;

    fn try_from(raw: RawOrg) -> Result<Self, Self::Error> {
        let org_id = OrgId(raw.org_id.ok_or("no org id")?.0);
        let RawOrg { name, role, status, kind, spaces, .. } = raw;
        Ok(Self { org_id, name, role, status, kind, spaces })
    }
}

impl TryFrom<RawMember> for OrgAdmin {
    type Error = &'static str;

    fn try_from(raw: RawMember) -> Result<Self, Self::Error> {
        Ok(Self { user_id: raw.user_id()?, name: raw.name() })
    }
}

impl fmt::Debug for OrgAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrgAdmin").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}
