//! A second request for a person whose offboarding has not begun.
//!
//! A newer request counts. The earlier time wins, whoever names it, and the stricter flag; a later time counts where the
//! same asker corrects itself and nobody else has asked for an earlier one. What was sent to Podio cannot be changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Asker, Offboarding, Planning, Refusal, Request, Scheduled, State};

/// What a second request has changed, by its name in the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergedField {
    /// The time.
    EffectiveAt,
    /// That a person must approve.
    RequireApproval,
    /// The priority.
    Priority,
}

impl Offboarding {
    /// Makes a second request count; where it stands then, who stood in that state.
    pub(super) fn merge(&mut self, state: State, again: &Request, now: Timestamp) -> Result<State, Refusal> {
        if self.request.dry_run != again.dry_run {
            return Err(Refusal::RehearsalAndRemoval);
        }
        let current = self.effective_at();
        let begun = current <= now;
        let at = again.effective_at.unwrap_or(now);
        // "Now", said again about one that has begun, is no other time.
        let at = if begun && at <= now { current } else { at };
        let is_own = |asker: &&Asker| asker.source.is_same_as(&again.source);
        let others = self.askers.iter().filter(|asker| !is_own(asker)).map(|asker| asker.effective_at);
        let effective = others.chain([at]).min().unwrap_or(at);
        if effective < at {
            return Err(Refusal::EarlierHolds);
        }
        self.note_asker(Asker { source: again.source.clone(), effective_at: at });
        self.request.require_approval |= again.require_approval;
        self.request.priority = self.request.priority.max(again.priority);
        if effective != current {
            self.request.effective_at = Some(effective);
        }
        Ok(match state {
            State::Scheduled(it) if effective != current && effective <= now => {
                State::Planning(Planning::new(self.revision, it.leaver))
            }
            // It waits again, though planning had begun; when its day comes, all is planned afresh.
            state if effective != current && begun && effective > now => {
                State::Scheduled(Scheduled::put_off(state.leaver().cloned(), now))
            }
            state => state,
        })
    }

    /// What a merge has changed between this and `after`.
    pub(super) fn merged_into(&self, after: &Self) -> Vec<MergedField> {
        let (before, after) = (self, after);
        let fields = [
            (MergedField::EffectiveAt, before.effective_at() != after.effective_at()),
            (MergedField::RequireApproval, before.request.require_approval != after.request.require_approval),
            (MergedField::Priority, before.request.priority != after.request.priority),
        ];
        fields.into_iter().filter(|(_, changed)| *changed).map(|(field, _)| field).collect()
    }
}
