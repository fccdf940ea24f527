//! Bugs that are planted to see the judge bite: what a bug would have left behind, written into a life that was lived well.

use jiff::{SignedDuration, Timestamp};
use podio_sandbox::{Call, Effect, SpaceId, UserId, population::ORG_ID};
use serde_json::{Value, json};
use simulation::oracles::{Removal, removal, targets};

use crate::{cast::Part, life::Life, row::LIMIT};

/// A bug, by what it leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The organization is left, and no space before it.
    OrgWithoutTheSpaces,
    /// The removal from the organization deletes a space that others are in.
    SpaceOfOthersDeleted,
    /// Nobody looks whether the leaver is gone.
    NoReadBack,
    /// The unsafe call is sent twice, with no look in between.
    OrgLeftTwice,
    /// Somebody who stays is taken out of a space.
    StrangerRemoved,
    /// Somebody is removed although it was called off.
    CancelIgnored,
    /// The account that the product acts as is removed before anybody could say no.
    ActingAdminTouched,
    /// More calls than the ceiling in one window.
    Overspent,
    /// The leaver is a member still.
    StillThere,
    /// The leaver is in a space still.
    SpaceForgotten,
    /// Nobody is asked about a space that loses its last admin.
    NobodyAsked,
    /// A failure that nothing calls for.
    Failed,
    /// It never ends.
    Stuck,
    /// The record was changed.
    RecordChanged,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::OrgWithoutTheSpaces,
        Self::SpaceOfOthersDeleted,
        Self::NoReadBack,
        Self::OrgLeftTwice,
        Self::StrangerRemoved,
        Self::CancelIgnored,
        Self::ActingAdminTouched,
        Self::Overspent,
        Self::StillThere,
        Self::SpaceForgotten,
        Self::NobodyAsked,
        Self::Failed,
        Self::Stuck,
        Self::RecordChanged,
    ];

    /// The rules that it breaks.
    pub fn breaks(self) -> &'static [u8] {
        match self {
            Self::OrgWithoutTheSpaces => &[1],
            Self::SpaceOfOthersDeleted => &[1, 6],
            Self::NoReadBack | Self::RecordChanged => &[2],
            Self::Overspent => &[3],
            Self::NobodyAsked | Self::Failed => &[4],
            Self::StrangerRemoved | Self::CancelIgnored | Self::ActingAdminTouched => &[6],
            Self::OrgLeftTwice => &[7],
            Self::StillThere | Self::SpaceForgotten | Self::Stuck => &[9],
        }
    }

    /// The life as it would have been with the bug.
    pub fn plant(self, mut life: Life) -> Life {
        let jane = Part::Jane.user(&life.before);
        match self {
            Self::OrgWithoutTheSpaces => without_the_spaces(&mut life, jane),
            Self::SpaceOfOthersDeleted => {
                let (space, at) = (a_space_of(&life, jane), org_removal(&life, jane));
                life.log[at].effects.push(Effect::SpaceDeleted { space_id: space });
                life.podio.spaces.get_mut(&space).expect("a space").deleted_on = Some(life.log[at].time);
            }
            Self::NoReadBack => {
                let at = org_removal(&life, jane);
                let looks = |call: &Call| call.method == "GET" && call.path.starts_with("/org/");
                let kept = life.log.split_off(at + 1).into_iter().filter(|call| !looks(call)).collect::<Vec<_>>();
                life.log.extend(kept);
            }
            Self::OrgLeftTwice => {
                let at = org_removal(&life, jane);
                let again = Call { n: u64::MAX, effects: Vec::new(), ..life.log[at].clone() };
                life.log.insert(at + 1, again);
            }
            Self::StrangerRemoved => {
                let space = a_space_of(&life, jane);
                let stranger = stranger_in(&life, space);
                life.podio.remove_from_space(Timestamp::now(), space, &[stranger]).expect("they are there");
            }
            Self::CancelIgnored => {
                let end = life.log.last().expect("a call").time;
                ask_for_removal(&mut life, Part::Acting, end + SignedDuration::from_secs(60));
            }
            Self::ActingAdminTouched => {
                let id = life.id(Part::Acting).expect("somebody posted it").clone();
                let time = life.dealings.cancelled[&id] - SignedDuration::from_secs(1);
                ask_for_removal(&mut life, Part::Acting, time);
            }
            Self::Overspent => {
                let counted = |call: &&Call| call.limit == Some(LIMIT);
                let call = life.log.iter().rfind(counted).expect("a call that was counted").clone();
                life.log.extend((0..=LIMIT).map(|_| call.clone()));
            }
            Self::StillThere => life.podio.join_org(Timestamp::now(), ORG_ID, jane),
            Self::SpaceForgotten => {
                let space = a_space_of(&life, jane);
                let back = life.before.spaces[&space].members[&jane].clone();
                life.podio.spaces.get_mut(&space).expect("a space").members.insert(jane, back);
            }
            Self::NobodyAsked => drop(life.held.remove(&Part::Ada)),
            Self::Failed => {
                let why = json!({"code": "missing_rights"});
                set(&mut life, &[("state", json!("failed")), ("outcome", Value::Null), ("failure", why)]);
            }
            Self::Stuck => set(&mut life, &[("state", json!("verifying")), ("outcome", Value::Null)]),
            Self::RecordChanged => {
                life.records.insert(Part::Jane, json!({"integrity": "altered"}));
            }
        }
        life
    }
}

/// A call that asks to remove somebody from the organization.
fn ask_for_removal(life: &mut Life, part: Part, time: Timestamp) {
    let path = format!("/org/{ORG_ID}/member/{}", part.user(&life.before));
    let last = life.log.last().expect("a call").clone();
    life.log.push(Call { n: u64::MAX, method: "DELETE".to_owned(), path, time, effects: Vec::new(), ..last });
}

/// Where the log has the call that ended the membership of the organization.
fn org_removal(life: &Life, user: UserId) -> usize {
    let ends = |call: &Call| matches!(removal(call), Some(Removal::Org(it)) if it == user);
    life.log.iter().position(ends).expect("somebody who left")
}

/// A space that somebody was in at the beginning.
fn a_space_of(life: &Life, user: UserId) -> SpaceId {
    life.before.regular_spaces_of_member(ORG_ID, user)[0]
}

/// Somebody in a space who is not of the cast.
fn stranger_in(life: &Life, space: SpaceId) -> UserId {
    let cast = Part::ALL.map(|part| part.user(&life.before));
    let mut others = life.podio.spaces[&space].active_members().map(|(user, _)| user);
    others.find(|user| !cast.contains(user)).expect("somebody else")
}

/// No call for a space, and every membership ended by that of the organization.
fn without_the_spaces(life: &mut Life, user: UserId) {
    let time = life.log[org_removal(life, user)].time;
    life.log.retain(|call| matches!(removal(call), Some(Removal::Org(_))) || !targets(call).contains(&user));
    for space in life.podio.spaces.values_mut() {
        if let Some(member) = space.members.get_mut(&user) {
            member.ended_on = Some(time);
        }
    }
}

/// What the operator was told of Jane.
fn set(life: &mut Life, fields: &[(&str, Value)]) {
    let id = life.id(Part::Jane).expect("she was posted").clone();
    let view = life.dealings.views.get_mut(&id).expect("she was looked at");
    fields.iter().for_each(|(name, value)| view[*name] = value.clone());
}
