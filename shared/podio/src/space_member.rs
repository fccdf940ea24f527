//! Members of a space.

use std::fmt;

use jiff::Timestamp;
use podio_lifecycle::ids::{SpaceId, UserId};
use serde::Deserialize;
use serde_json::{Map, json};

use crate::{
    member::RawMember,
    request::{Page, Request},
    role::Role,
};

/// The active members: `GET /space/{space_id}/member/`.
///
/// Source: developers.podio.com/doc/space-members/get-active-members-of-space-22395.
pub fn list(space: SpaceId) -> Request<Vec<SpaceMember>> {
    Request::get("/space/{space_id}/member/", &[&space])
}

/// A page of the active members: `GET /space/{space_id}/member/v2/?limit=&offset=`.
///
/// Source: developers.podio.com/doc/space-members/get-space-members-v2-19350328.
pub fn list_v2(space: SpaceId, page: Page) -> Request<Vec<SpaceMember>> {
    Request::get("/space/{space_id}/member/v2/", &[&space]).paged(page)
}

/// The former members, with the end of their membership: `GET /space/{space_id}/member/ended/`.
///
/// Source: podio-java `SpaceAPI.getEndedMembers`, podio-rb `SpaceMember`.
pub fn list_ended(space: SpaceId) -> Request<Vec<SpaceMember>> {
    Request::get("/space/{space_id}/member/ended/", &[&space])
}

/// One membership: `GET /space/{space_id}/member/{user_id}`. A former member may be found too, with an
/// [`SpaceMember::ended_on`].
///
/// Source: developers.podio.com/doc/space-members/get-space-membership-22397.
pub fn get(space: SpaceId, user: UserId) -> Request<SpaceMember> {
    Request::get("/space/{space_id}/member/{user_id}", &[&space, &user])
}

/// Ends the membership of one user, active or invited: `DELETE /space/{space_id}/member/{user_id}`.
///
/// Source: developers.podio.com/doc/space-members/end-space-memberships-22399. No answer is documented.
pub fn remove(space: SpaceId, user: UserId) -> Request<()> {
    remove_many(space, user, &[])
}

/// Ends several memberships in one call: `DELETE /space/{space_id}/member/{user_ids}`, ids separated by commas.
///
/// The reference calls the parameter `user_ids`; the comma is the convention of Podio's other calls. There is always a
/// first user, because the path without one is another operation.
///
/// Source: developers.podio.com/doc/space-members/end-space-memberships-22399.
pub fn remove_many(space: SpaceId, first: UserId, others: &[UserId]) -> Request<()> {
    let mut ids = first.to_string();
    let mut seen = vec![first];
    for user in others {
        if !seen.contains(user) {
            seen.push(*user);
            ids.push(',');
            ids.push_str(&user.to_string());
        }
    }
    Request::delete("/space/{space_id}/member/{user_ids}", &[&space, &ids])
}

/// Adds or invites people: `POST /space/{space_id}/member/`. Refused with 403 when the plan's user limit is reached.
///
/// Source: developers.podio.com/doc/space-members/add-member-to-space-1066259.
pub fn add(space: SpaceId, invitation: &Invitation) -> Request<()> {
    let mut body = Map::new();
    body.insert("role".to_owned(), json!(invitation.role.as_str()));
    if !invitation.users.is_empty() {
        body.insert("users".to_owned(), json!(invitation.users));
    }
    if !invitation.mails.is_empty() {
        body.insert("mails".to_owned(), json!(invitation.mails));
    }
    if let Some(message) = &invitation.message {
        body.insert("message".to_owned(), json!(message));
    }
    Request::post("/space/{space_id}/member/", &[&space], body.into())
}

/// Whom to add to a space. `Debug` shows no address.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// What they may do there.
    pub role: Role,
    /// Known users.
    pub users: Vec<UserId>,
    /// Known or new users by address; who is new gets an invitation.
    pub mails: Vec<String>,
    /// Sent along with the invitation.
    pub message: Option<String>,
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation").field("role", &self.role).field("users", &self.users).finish_non_exhaustive()
    }
}

/// A member of a space, present, invited or past. `Debug` shows neither name nor addresses.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawMember")]
pub struct SpaceMember {
    /// The id.
    pub user_id: UserId,
    /// What they may do there.
    pub role: Option<Role>,
    /// The person's name.
    pub name: Option<String>,
    /// The addresses that the account signs in with, where Podio tells them.
    pub account_mails: Vec<String>,
    /// Employee of the organization, or external.
    pub employee: Option<bool>,
    /// How many single items are shared with them.
    pub grants: Option<u32>,
    /// When they were invited.
    pub invited_on: Option<Timestamp>,
    /// When they accepted.
    pub started_on: Option<Timestamp>,
    /// When the membership ended: they are no longer in the space.
    pub ended_on: Option<Timestamp>,
}

impl SpaceMember {
    /// Whether the membership, or the invitation, still stands.
    pub fn is_current(&self) -> bool {
        self.ended_on.is_none()
    }
}

impl TryFrom<RawMember> for SpaceMember {
    type Error = &'static str;

    fn try_from(raw: RawMember) -> Result<Self, Self::Error> {
        Ok(Self {
            user_id: raw.user_id()?,
            name: raw.name(),
            account_mails: raw.account_mails(),
            role: raw.role,
            employee: raw.employee,
            grants: raw.grants,
            invited_on: raw.invited_on,
            started_on: raw.started_on,
            ended_on: raw.ended_on,
        })
    }
}

impl fmt::Debug for SpaceMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpaceMember")
            .field("user_id", &self.user_id)
            .field("role", &self.role)
            .field("ended_on", &self.ended_on)
            .finish_non_exhaustive()
    }
}
