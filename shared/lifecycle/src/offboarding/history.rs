//! What was done about an offboarding, and by whom.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Event, MergedField, Offboarding, Refusal};
use crate::{actor::Actor, source::Source};

/// Acts that are remembered. The first, the request, is never forgotten; of the others the oldest are.
const ACTS: usize = 60;
/// Askers that are remembered.
const ASKERS: usize = 16;

/// What an actor did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActKind {
    /// Asked for it.
    Requested,
    /// Asked for it once more, before anything was sent.
    Merged,
    /// Started it, since its time had come.
    Started,
    /// Accepted what it was held for.
    Approved,
    /// Called it off.
    Cancelled,
    /// Resumed it after a failure.
    Retried,
    /// Noticed that the person, once removed, is a member again.
    Returned,
}

/// Something that an actor did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: ActKind,
    /// Who.
    pub actor: Actor,
    /// What a further request has changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<MergedField>,
    /// The hold that was decided about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<String>,
}

/// Somebody who asked, and from when on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    /// Who.
    pub source: Source,
    /// From when on, as they last said.
    pub effective_at: Timestamp,
}

impl Act {
    pub(super) fn new(event: ActKind, actor: Actor, at: Timestamp) -> Self {
        Self { at, event, actor, merged: Vec::new(), hold_id: None }
    }
}

impl Offboarding {
    /// What follows from `event`, which `actor` has caused, or why nothing does. The act is part of what is stored.
    pub fn apply_by(&self, actor: &Actor, event: Event, now: Timestamp) -> Result<Change, Refusal> {
        let kind = match &event {
            Event::Due => Some(ActKind::Started),
            Event::AskedAgain(_) => Some(ActKind::Merged),
            Event::Approved(_) => Some(ActKind::Approved),
            Event::Cancelled => Some(ActKind::Cancelled),
            Event::Retried => Some(ActKind::Retried),
            Event::Returned => Some(ActKind::Returned),
            Event::Resolved { .. }
            | Event::Crowded { .. }
            | Event::PlanningBegun
            | Event::Planned(_)
            | Event::NotAMember { .. }
            | Event::InDoubt(_)
            | Event::Duplicate(_)
            | Event::SpaceSettled(_)
            | Event::Released
            | Event::OrgRemovalClaimed
            | Event::OrgRemovalUnsafe(_)
            | Event::SpacesFound { .. }
            | Event::LookAgain { .. }
            | Event::SuspectsCleared { .. }
            | Event::OrgRemovalDone
            | Event::StillAMember
            | Event::VerifiedGone { .. }
            | Event::Waits { .. }
            | Event::Faulted { .. }
            | Event::KeepsFailing
            | Event::Failed(_) => None,
        };
        let mut change = self.apply(event, now)?;
        let next = &mut change.offboarding;
        if let Some(kind) = kind {
            let merged = self.merged_into(next);
            let hold_id = if kind == ActKind::Approved { self.hold_id() } else { None };
            // The same request, sent again by the same asker, is no news.
            if kind != ActKind::Merged || !merged.is_empty() || self.askers != next.askers {
                next.acts.push(Act { merged, hold_id, ..Act::new(kind, actor.clone(), now) });
                if next.acts.len() > ACTS {
                    next.acts.remove(1);
                }
            }
        }
        Ok(change)
    }

    /// Whether `actor` is among those who asked.
    pub fn was_asked_by(&self, actor: &Actor) -> bool {
        self.askers.iter().any(|asker| asker.source.actor() == *actor)
    }

    /// Remembers that somebody asks, in the place of what they said before.
    pub(super) fn note_asker(&mut self, asker: Asker) {
        match self.askers.iter_mut().find(|known| known.source.is_same_as(&asker.source)) {
            Some(known) => *known = asker,
            None => self.askers.push(asker),
        }
        if self.askers.len() > ASKERS {
            // Of those behind the first, the one with the latest time matters least.
            let latest = self.askers.iter().enumerate().skip(1).max_by_key(|(_, asker)| asker.effective_at);
            if let Some(place) = latest.map(|(place, _)| place) {
                self.askers.remove(place);
            }
        }
    }
}
