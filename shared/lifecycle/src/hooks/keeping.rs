//! Which hooks should be there, and what it takes to have them.
//!
//! Podio's call that creates a hook is not safe to repeat, so whoever keeps hooks looks first. What counts as ours is the
//! address, which holds our key; nobody else's hooks are touched.

use std::{collections::BTreeSet, str::FromStr};

use jiff::Timestamp;

use super::{EventType, HookRef, delivery::routes};
use crate::{
    ids::HookId,
    work::{Calls, JobId, Priority, Waiting},
};

/// Podio takes no more hooks of one type on one object. Source: developers.podio.com/examples/webhooks.
pub const MOST_OF_A_TYPE: usize = 10;

/// The job that keeps the hooks of an object, from `now` on.
pub fn kept(on: &HookRef, now: Timestamp) -> Waiting {
    Waiting {
        job: JobId::new(JobId::KEEP_HOOKS, on),
        priority: Priority::Background,
        place: now,
        since: now,
        not_before: None,
        faulted_at: None,
        calls: Calls::of(routes::LIST, 1),
        group: None,
    }
}

/// The hooks that one object should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedHooks {
    /// The object.
    pub on: HookRef,
    /// The types of events.
    pub events: BTreeSet<EventType>,
}

/// All hooks that should be there, written `space/123:member.add+space.update,app/55:item.create`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookList(Vec<WantedHooks>);

/// A list that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entry {entry}: {problem}")]
pub struct BadHookList {
    /// Which entry, from 1.
    pub entry: usize,
    /// What is wrong with it.
    pub problem: HookListProblem,
}

/// What can be wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HookListProblem {
    /// It has no colon.
    #[error("an object and its events are written like space/123:member.add")]
    NoEvents,
    /// What stands before the colon is no object.
    #[error("an object is written like space/123")]
    NoObject,
    /// What stands behind it is no event that a hook can wait for.
    #[error("an event is one of those that Podio's hooks know, such as member.add; several are joined by +")]
    NoEvent,
}

impl HookList {
    /// The hooks of each object, each object once.
    pub fn all(&self) -> &[WantedHooks] {
        &self.0
    }

    /// What one object should have.
    pub fn of(&self, on: &HookRef) -> Option<&WantedHooks> {
        self.0.iter().find(|wanted| wanted.on == *on)
    }
}

impl FromStr for HookList {
    type Err = BadHookList;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut list = Self::default();
        for (place, entry) in text.split(',').map(str::trim).enumerate().filter(|(_, entry)| !entry.is_empty()) {
            let wanted = read(entry).map_err(|problem| BadHookList { entry: place + 1, problem })?;
            match list.0.iter_mut().find(|known| known.on == wanted.on) {
                Some(known) => known.events.extend(wanted.events),
                None => list.0.push(wanted),
            }
        }
        Ok(list)
    }
}

fn read(entry: &str) -> Result<WantedHooks, HookListProblem> {
    let (on, events) = entry.split_once(':').ok_or(HookListProblem::NoEvents)?;
    let on = on.trim().parse().map_err(|_| HookListProblem::NoObject)?;
    let event = |name: &str| match EventType::from(name.trim().to_owned()) {
        // A typing mistake would be a hook that never delivers.
        EventType::Other(_) | EventType::Verify => Err(HookListProblem::NoEvent),
        known => Ok(known),
    };
    Ok(WantedHooks { on, events: events.split('+').map(event).collect::<Result<_, _>>()? })
}

/// A hook that Podio has on the object, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundHook {
    /// Its id.
    pub hook: HookId,
    /// What it waits for.
    pub event: EventType,
    /// Whether it delivers to our address.
    pub is_ours: bool,
    /// Whether it delivers at all.
    pub is_active: bool,
}

/// One thing to do about the hooks of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookStep {
    /// It is not there.
    Create(EventType),
    /// It does not deliver: never verified, or switched off by Podio after too many failures.
    Verify(HookId),
    /// One of ours too many: each event would come twice.
    Delete(HookId),
    /// It is not there, and Podio has no room for it.
    NoRoom(EventType),
}

impl WantedHooks {
    /// What it takes, given what Podio has.
    pub fn steps(&self, found: &[FoundHook]) -> Vec<HookStep> {
        self.events.iter().flat_map(|event| steps(event, found)).collect()
    }
}

fn steps(event: &EventType, found: &[FoundHook]) -> Vec<HookStep> {
    let of_type: Vec<&FoundHook> = found.iter().filter(|hook| hook.event == *event).collect();
    let mut ours: Vec<&FoundHook> = of_type.iter().copied().filter(|hook| hook.is_ours).collect();
    // The one that delivers stays, else the oldest.
    ours.sort_by_key(|hook| (!hook.is_active, hook.hook));
    match ours.split_first() {
        None if of_type.len() >= MOST_OF_A_TYPE => vec![HookStep::NoRoom(event.clone())],
        None => vec![HookStep::Create(event.clone())],
        Some((kept, others)) => {
            let verify = (!kept.is_active).then_some(HookStep::Verify(kept.hook));
            others.iter().map(|other| HookStep::Delete(other.hook)).chain(verify).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{AppId, SpaceId};

    fn hook(id: u64, event: EventType, is_ours: bool, is_active: bool) -> FoundHook {
        FoundHook { hook: HookId(id), event, is_ours, is_active }
    }

    #[test]
    fn a_list_names_objects_and_their_events() {
        let list: HookList =
            " space/123:member.add+space.update, app/55:item.create,,space/123:member.add+app.create".parse().unwrap();
        let space = [EventType::MemberAdd, EventType::SpaceUpdate, EventType::AppCreate].into();
        let expected = [
            WantedHooks { on: HookRef::space(SpaceId(123)), events: space },
            WantedHooks { on: HookRef::app(AppId(55)), events: [EventType::ItemCreate].into() },
        ];
        assert_eq!(list.all(), expected);
        assert_eq!("".parse(), Ok(HookList::default()));
    }

    #[test]
    fn a_mistake_is_told_by_its_place() {
        for (text, entry, problem) in [
            ("space/123", 1, HookListProblem::NoEvents),
            ("space/1:member.add,space:member.add", 2, HookListProblem::NoObject),
            ("space/1:member.add,,space/x:member.add", 3, HookListProblem::NoObject),
            ("space/1:", 1, HookListProblem::NoEvent),
            ("space/1:member.added", 1, HookListProblem::NoEvent),
            ("space/1:member.add+", 1, HookListProblem::NoEvent),
            ("space/1:hook.verify", 1, HookListProblem::NoEvent),
        ] {
            assert_eq!(text.parse::<HookList>(), Err(BadHookList { entry, problem }), "{text}");
        }
    }

    #[test]
    fn what_misses_is_created_what_sleeps_is_woken_and_what_is_twice_is_deleted() {
        let list: HookList = "space/1:app.create+member.add+space.update+task.create".parse().unwrap();
        let found = [
            hook(1, EventType::MemberAdd, true, false),
            hook(2, EventType::MemberAdd, true, true),
            hook(3, EventType::MemberAdd, true, true),
            hook(4, EventType::SpaceUpdate, true, false),
            hook(5, EventType::SpaceUpdate, true, false),
            hook(6, EventType::SpaceUpdate, false, false),
            hook(7, EventType::TaskCreate, true, true),
            hook(8, EventType::TagAdd, true, false),
            hook(9, EventType::TagAdd, true, false),
        ];
        let expected = [
            HookStep::Create(EventType::AppCreate),
            HookStep::Delete(HookId(3)),
            HookStep::Delete(HookId(1)),
            HookStep::Delete(HookId(5)),
            HookStep::Verify(HookId(4)),
        ];
        let mut steps = list.all()[0].steps(&found);
        steps.sort_by_key(|step| expected.iter().position(|known| known == step));
        assert_eq!(steps, expected, "and what nobody asked for is left alone");
    }

    #[test]
    fn where_podio_has_no_room_nothing_is_created_and_nobody_elses_is_touched() {
        let list: HookList = "space/1:member.add".parse().unwrap();
        let mut found: Vec<FoundHook> = (1..=10).map(|id| hook(id, EventType::MemberAdd, false, false)).collect();
        assert_eq!(list.all()[0].steps(&found), [HookStep::NoRoom(EventType::MemberAdd)]);
        found.pop();
        assert_eq!(list.all()[0].steps(&found), [HookStep::Create(EventType::MemberAdd)]);
        found.push(hook(11, EventType::MemberAdd, true, true));
        assert_eq!(list.all()[0].steps(&found), []);
    }
}
