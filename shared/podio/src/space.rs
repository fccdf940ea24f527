//! Spaces (workspaces) and a person's place in them, as the organization's calls show both.

use podio_lifecycle::ids::SpaceId;
use serde::Deserialize;

use crate::{
    role::Role,
    tolerant::{self, RawId},
};

/// A space.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawSpace")]
pub struct Space {
    /// The id, which Podio tells even where it hides the rest.
    pub space_id: SpaceId,
    /// Hidden from admins of the organization who are not in the space.
    pub name: Option<String>,
    /// The caller's own role in it.
    pub role: Option<Role>,
    /// `regular`, `emp_network`, …
    pub kind: Option<String>,
}

/// Somebody's membership of one space, seen from the organization.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawSpaceMembership")]
pub struct SpaceMembership {
    /// The space.
    pub space_id: SpaceId,
    /// Hidden from admins of the organization who are not in the space.
    pub name: Option<String>,
    /// The member's role in it.
    pub role: Option<Role>,
    /// How many single items are shared with the member there.
    pub grants: Option<u32>,
    /// `regular`, `emp_network`, …
    pub kind: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawSpace {
    space_id: Option<RawId>,
    #[serde(deserialize_with = "tolerant::text")]
    name: Option<String>,
    #[serde(deserialize_with = "tolerant::role")]
    role: Option<Role>,
    #[serde(rename = "type", deserialize_with = "tolerant::text")]
    kind: Option<String>,
    #[serde(flatten)]
    _object: tolerant::ObjectOnly,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawSpaceMembership {
    space: Option<RawSpace>,
    #[serde(flatten)]
    flat: RawSpace,
    #[serde(deserialize_with = "tolerant::lenient")]
    grants: Option<u32>,
}

impl TryFrom<RawSpace> for Space {
    type Error = &'static str;

    fn try_from(raw: RawSpace) -> Result<Self, Self::Error> {
        let space_id = SpaceId(raw.space_id.ok_or("no space id")?.0);
        Ok(Self { space_id, name: raw.name, role: raw.role, kind: raw.kind })
    }
}

impl TryFrom<RawSpaceMembership> for SpaceMembership {
    type Error = &'static str;

    fn try_from(raw: RawSpaceMembership) -> Result<Self, Self::Error> {
        let space = raw.space.unwrap_or_default();
        let id = match (space.space_id, raw.flat.space_id) {
            (Some(nested), Some(flat)) if nested != flat => return Err("contradictory space ids"),
            (nested, flat) => nested.or(flat).ok_or("no space id")?,
        };
        Ok(Self {
            space_id: SpaceId(id.0),
            name: space.name.or(raw.flat.name),
            // The role inside `space` would be the caller's, not the member's.
            role: raw.flat.role,
            grants: raw.grants,
            kind: space.kind.or(raw.flat.kind),
        })
    }
}
