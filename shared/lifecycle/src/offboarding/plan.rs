//! The plan: who leaves what, and how far that has come.

use serde::{Deserialize, Serialize};

use super::{Leaver, NewPlan, Refusal, is_default};
use crate::{
    ids::{OffboardingId, SpaceId},
    removal::{RemovalState, SpaceKey, SpaceRemoval, Tally},
};

/// How often the plan is extended before what is still there is left to the organization removal.
const EXTENSIONS: u32 = 5;
/// How often the organization removal is done over.
const REPEATS: u32 = 2;
/// Suspects that are kept. The record must not grow with the organization, and more than these come with a reorganization
/// that nobody carries out while somebody leaves.
const SUSPECTS: usize = 50;

/// What is known while a plan is being made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The number that names its space removals. No other attempt at a plan has it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub number: u64,
    /// Who it was found to be by an earlier plan, which is made afresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaver: Option<Leaver>,
    /// Spaces that the person may have come into since the spaces were listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspects: Vec<SpaceId>,
}

/// A plan that stands. It does not grow with the number of spaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The number that names its space removals.
    #[serde(default, skip_serializing_if = "is_default")]
    pub number: u64,
    /// The person.
    pub leaver: Leaver,
    /// How its spaces stand.
    #[serde(default, skip_serializing_if = "is_default")]
    pub spaces: Tally,
    /// The last round: 0 for the plan itself, one more for each extension.
    #[serde(default, skip_serializing_if = "is_default")]
    pub round: u32,
    /// Whether Podio's preview named the spaces: then it names each space that the organization removal ends.
    #[serde(default, skip_serializing_if = "is_default")]
    pub previewed: bool,
    /// Refusals of spaces in rounds before this one have lapsed: the person was added again, or an operator has decided
    /// something since. Such a space is asked once more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub asked_anew_from: u32,
    /// How often it was extended by spaces that were found right before the organization removal.
    #[serde(default, skip_serializing_if = "is_default")]
    pub extensions: u32,
    /// How often the organization removal was done over because the person was still there.
    #[serde(default, skip_serializing_if = "is_default")]
    pub repeats: u32,
    /// Spaces that the person may have come into since the plan was made, to be looked into where Podio offers no preview.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspects: Vec<SpaceId>,
}

impl Draft {
    /// A plan that is to be made, by the number of an attempt.
    pub(super) fn new(number: u64, leaver: Option<Leaver>) -> Self {
        Self { number, leaver, suspects: Vec::new() }
    }

    /// The name of the removal from a space.
    pub fn key(&self, of: &OffboardingId, space: SpaceId) -> SpaceKey {
        SpaceKey { offboarding: of.clone(), plan: self.number, space }
    }

    pub(super) fn suspecting(mut self, space: SpaceId) -> Self {
        suspect(&mut self.suspects, space);
        self
    }
}

impl Plan {
    /// What has come of a draft.
    pub(super) fn of(draft: Draft, new: &NewPlan) -> Self {
        Self {
            number: draft.number,
            leaver: new.leaver.clone(),
            spaces: Tally { pending: new.spaces, ..Tally::default() },
            round: 0,
            previewed: new.previewed,
            asked_anew_from: 0,
            extensions: 0,
            repeats: 0,
            suspects: draft.suspects,
        }
    }

    /// The name of the removal from a space.
    pub fn key(&self, of: &OffboardingId, space: SpaceId) -> SpaceKey {
        SpaceKey { offboarding: of.clone(), plan: self.number, space }
    }

    /// Whether a removal is part of it. One that was written down as an extension, by a worker that died or was overtaken
    /// before the offboarding knew of it, is not: nothing is removed on its account.
    pub fn owns(&self, removal: &SpaceRemoval) -> bool {
        self.number == removal.key.plan && removal.round <= self.round
    }

    /// Of the removals that bear its name, those that are part of it, and those that nobody has announced.
    pub fn split(&self, removals: Vec<SpaceRemoval>) -> (Vec<SpaceRemoval>, Vec<SpaceRemoval>) {
        removals.into_iter().partition(|removal| removal.round <= self.round)
    }

    /// Whether spaces that were found may still be left one by one. Somebody who adds the person again and again must not
    /// keep them in the organization for ever.
    pub fn may_be_extended(&self) -> bool {
        self.extensions < EXTENSIONS
    }

    /// Whether the organization removal may still be done over.
    pub(super) fn may_be_repeated(&self) -> bool {
        self.repeats < REPEATS
    }

    /// One of its spaces was settled.
    pub(super) fn settling(mut self, state: RemovalState) -> Result<Self, Refusal> {
        self.spaces.pending = self.spaces.pending.checked_sub(1).ok_or(Refusal::OutOfPlace)?;
        self.spaces = self.spaces.with(state);
        Ok(self)
    }

    /// So many spaces are written down as another round; what those of them had come to that were part of it before.
    pub(super) fn extended(self, spaces: u32, again: Tally, round: u32, left: Vec<SpaceId>) -> Result<Self, Refusal> {
        let is_new = spaces > 0 && self.may_be_extended() && round > self.round;
        if self.spaces.pending > 0 || !is_new {
            return Err(Refusal::OutOfPlace);
        }
        let spaces = Tally { pending: spaces, ..self.spaces - again };
        Ok(Self { spaces, round, extensions: self.extensions + 1, suspects: left, ..self })
    }

    pub(super) fn suspecting(mut self, space: SpaceId) -> Self {
        suspect(&mut self.suspects, space);
        self
    }

    /// The person is still there: the organization removal is done over. Whoever was added again has another membership,
    /// which may be let go.
    pub(super) fn repeated(self) -> Self {
        Self { repeats: self.repeats + 1, ..self.asking_anew() }
    }

    /// Somebody has decided that it goes on. What was repaired meanwhile is to take effect, however often the plan was
    /// extended before.
    pub(super) fn going_on(self) -> Self {
        Self { extensions: 0, ..self.asking_anew() }
    }

    /// Lets the spaces that refused be asked once more.
    fn asking_anew(self) -> Self {
        Self { asked_anew_from: self.round + 1, ..self }
    }
}

/// Notes a space that is to be looked into. One too many is left to the count of the leaver's spaces, which is compared
/// with what is known of them before the organization is left.
fn suspect(suspects: &mut Vec<SpaceId>, space: SpaceId) {
    if !suspects.contains(&space) && suspects.len() < SUSPECTS {
        suspects.push(space);
    }
}
