//! Previewing the removal and listing the spaces.

use std::collections::HashMap;

use podio_client::{Meaning, Request, Role, Space, SpaceMembership, org, org_member, org_member::EndMemberInfo};
use podio_lifecycle::{
    capability::Capability,
    hold::Preview,
    ids::SpaceId,
    offboarding::{Draft, Leaver, Plan, SpaceSource},
    removal::{RemovalState, SpaceKey, SpaceRemoval},
};

use super::check::implied_by;
use crate::{halt::Halt, jobs::StageTask, session::Session};

/// The leaver's spaces.
pub(super) enum Spaces {
    /// Podio previewed the removal: nothing else need be looked at.
    Known {
        /// The dangers.
        preview: Preview,
        /// The spaces.
        spaces: Vec<SpaceRemoval>,
    },
    /// Podio gave a list only: each space has to be looked into.
    ToCheck(Vec<SpaceRemoval>),
}

/// The preview right before the removal.
pub(crate) enum SecondPreview {
    /// Podio offers none, or not to this account.
    NotOffered,
    /// The membership has ended already.
    NobodyThere,
    /// What the removal would do.
    Shown {
        /// The dangers.
        preview: Preview,
        /// Each space in which it would end the membership.
        spaces: Vec<SpaceRemoval>,
    },
}

/// The best that Podio offers: the preview, else the member's spaces, else all spaces of the organization.
pub(super) async fn previewed_spaces(
    stage: &mut StageTask,
    draft: &Draft,
    leaver: &Leaver,
    session: &mut Session<'_>,
) -> Result<Spaces, Halt> {
    let key = |space| draft.key(&stage.offboarding.id, space);
    let (org, user) = (stage.offboarding.org_id, leaver.user_id);
    let source = &mut stage.search.source;
    if *source == SpaceSource::Preview {
        let request = org_member::end_member_info(org, user);
        if let Some(info) = offered(session, Capability::EndMemberInfo, &request).await? {
            let (preview, spaces) = read(key, info);
            // It names what the organization removal would end. Where that ends nothing, it names nothing, whatever
            // spaces the leaver is in; so an empty one does not show that there are none.
            if !spaces.is_empty() {
                return Ok(Spaces::Known { preview, spaces });
            }
        }
        *source = SpaceSource::Memberships;
    }
    if *source == SpaceSource::Memberships {
        let request = org_member::space_memberships(org, user);
        if let Some(spaces) = offered(session, Capability::MemberSpaces, &request).await? {
            return Ok(Spaces::ToCheck(told_by_memberships(key, spaces)));
        }
        *source = SpaceSource::AllSpaces;
    }
    if *source == SpaceSource::AllSpaces {
        if let Some(spaces) = offered(session, Capability::AllSpaces, &org::all_spaces(org)).await? {
            return Ok(Spaces::ToCheck(to_look_into(key, spaces)));
        }
        *source = SpaceSource::Spaces;
    }
    match session.call(&org::spaces(org)).await? {
        Meaning::Yes(spaces) => Ok(Spaces::ToCheck(to_look_into(key, spaces))),
        other => Err(Halt::of(&other, "the list of the organization's spaces")),
    }
}

/// The preview alone, where Podio offers one.
pub(crate) async fn preview_again(
    stage: &StageTask,
    plan: &Plan,
    session: &mut Session<'_>,
) -> Result<SecondPreview, Halt> {
    let request = org_member::end_member_info(stage.offboarding.org_id, plan.leaver.user_id);
    match session.call_if_offered(Capability::EndMemberInfo, &request).await? {
        Meaning::Yes(info) => {
            let (preview, spaces) = read(|space| plan.key(&stage.offboarding.id, space), info);
            Ok(SecondPreview::Shown { preview, spaces })
        }
        // Leaving the last space may have ended the membership of the organization with it.
        Meaning::Gone => Ok(SecondPreview::NobodyThere),
        Meaning::NotOffered | Meaning::Denied(_) => Ok(SecondPreview::NotOffered),
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}

/// Makes a call that only some Podios know; nothing where this one does not, or does not allow it.
async fn offered<T>(
    session: &mut Session<'_>,
    capability: Capability,
    request: &Request<T>,
) -> Result<Option<T>, Halt> {
    match session.call_if_offered(capability, request).await? {
        Meaning::Yes(value) => Ok(Some(value)),
        Meaning::NotOffered | Meaning::Denied(_) => Ok(None),
        // The member was there a moment ago; look again.
        Meaning::Gone => Err(Halt::Fault),
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}

/// The spaces that the leaver is in, and what the role in each says of others in it.
fn told_by_memberships(key: impl Fn(SpaceId) -> SpaceKey, memberships: Vec<SpaceMembership>) -> Vec<SpaceRemoval> {
    let roles: HashMap<SpaceId, Option<Role>> =
        memberships.iter().map(|space| (space.space_id, space.role.clone())).collect();
    let named = memberships.into_iter().map(|SpaceMembership { space_id, name, .. }| (space_id, name));
    let mut spaces = distinct(key, named, RemovalState::Pending);
    for space in &mut spaces {
        space.company = implied_by(roles.get(&space.key.space).and_then(Option::as_ref));
    }
    spaces
}

/// Spaces of which it is not known whether the leaver is in them.
fn to_look_into(key: impl Fn(SpaceId) -> SpaceKey, spaces: Vec<Space>) -> Vec<SpaceRemoval> {
    distinct(key, spaces.into_iter().map(|space| (space.space_id, space.name)), RemovalState::Unchecked)
}

/// The dangers that a preview shows, and each space that it names.
fn read(key: impl Fn(SpaceId) -> SpaceKey, info: EndMemberInfo) -> (Preview, Vec<SpaceRemoval>) {
    let ids = |spaces: &[SpaceMembership]| spaces.iter().map(|space| space.space_id).collect();
    let preview = Preview { deleted: ids(&info.to_delete), promoted: ids(&info.to_promote), ..Preview::default() };
    let every = info.to_remove.into_iter().chain(info.to_promote).chain(info.to_delete);
    let spaces = distinct(key, every.map(|space| (space.space_id, space.name)), RemovalState::Pending);
    (preview, spaces)
}

/// Each space once, in the order of its first mention, with the first name that is told.
fn distinct(
    key: impl Fn(SpaceId) -> SpaceKey,
    spaces: impl Iterator<Item = (SpaceId, Option<String>)>,
    state: RemovalState,
) -> Vec<SpaceRemoval> {
    let mut all: Vec<SpaceRemoval> = Vec::new();
    let mut places = HashMap::new();
    for (space, name) in spaces {
        let place = *places.entry(space).or_insert_with(|| {
            all.push(SpaceRemoval::new(key(space), None, state));
            all.len() - 1
        });
        if all[place].name.is_none() {
            all[place].name = name;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use podio_lifecycle::ids::OffboardingId;

    use super::*;

    fn key(space: SpaceId) -> SpaceKey {
        SpaceKey { offboarding: OffboardingId::new(Timestamp::UNIX_EPOCH, [1; 10]), plan: 1, space }
    }

    #[test]
    fn a_space_that_two_lists_name_is_left_once() {
        let lists = [(1, None), (2, Some("Sales")), (1, Some("HR"))];
        let named = lists.into_iter().map(|(id, name)| (SpaceId(id), name.map(str::to_owned)));
        let spaces = distinct(key, named, RemovalState::Pending);
        let seen: Vec<_> = spaces.iter().map(|space| (space.key.space.0, space.name.as_deref())).collect();
        assert_eq!(seen, [(1, Some("HR")), (2, Some("Sales"))]);
    }
}
