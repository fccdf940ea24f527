//! The transitions of an offboarding: total over every state and event.

use jiff::Timestamp;

use super::{
    Change, Claim, Effect, Event, Failure, FailureCode, Offboarding, Outcome, Passage, PersonClaim, Plan, Refusal,
    Search, SearchStep, Stage, State, Work,
};
use crate::{
    hold::{Decision, HoldCode, Reason, summarised, unapproved},
    ids::SpaceId,
    removal::Tally,
};

/// Read-backs that may show the person still there before the removal is done over: Podio may need a moment.
const PATIENT_READS: u32 = 4;
/// How often the removal is done over.
const ROUNDS: u32 = 2;
/// How often the plan is extended before what is still there is left to the organization removal.
pub(super) const EXTENSIONS: u32 = 5;
/// Suspects that are kept. The record must not grow with the organization, and more than these come with a reorganization
/// that nobody carries out while somebody leaves.
const SUSPECTS: usize = 50;
/// Passages kept in the history.
const HISTORY: usize = 50;

impl Offboarding {
    /// What follows from `event` at `now`, or why nothing does.
    pub fn apply(&self, event: Event, now: Timestamp) -> Result<Change, Refusal> {
        let mut next = self.clone();
        let mut person = PersonClaim::Keep;
        let mut effects = Vec::new();
        match (&self.state, event) {
            (State::Scheduled, Event::Due) if now >= self.effective_at() => next.state = State::Planning,
            (State::Planning, Event::PlanningBegun) => {
                // The revision that is read here is unique to this attempt, and so names its batches: an attempt that
                // died half-way never mixes with the next. Only a plan whose batches are being checked goes on.
                // The slots are this attempt's now; a duplicate must not spend them again.
                next.work.slots.clear();
                let goes_on = matches!(self.work.search.step, SearchStep::Check { .. });
                next.plan = if goes_on { self.plan } else { Some(self.revision) };
                if !goes_on {
                    // All spaces are listed afresh.
                    next.last_batch = None;
                    next.suspects.clear();
                }
            }
            (State::Planning, Event::Planned(plan)) => person = next.planned(plan),
            (State::Planning, Event::NotAMember) => {
                next.state = State::Completed { outcome: Outcome::AlreadyGone };
                effects.push(Effect::Seal);
            }
            (State::Planning, Event::Duplicate(other)) => {
                next.state = State::Cancelled { duplicate_of: Some(other) };
            }
            (State::Removing | State::Failed { resume: Stage::Removing, failure: _ }, Event::BatchCounted(tally)) => {
                next.count(tally)?
            }
            (State::Finalizing | State::Verifying, Event::SlotsTaken { left }) => next.work.slots = left,
            (State::Removing, Event::EndReserved { slots, alone }) => {
                next.work.slots = slots;
                next.alone = alone;
            }
            (State::Finalizing, Event::OrgRemovalClaimed) => {
                if self.open_batches > 0 {
                    return Err(Refusal::Unsettled);
                }
                next.work.claim = Claim::InFlight { since: now };
                next.removals_sent = true;
            }
            (State::Finalizing, Event::OrgRemovalUnsafe(reasons)) => {
                let reasons = unapproved(summarised(reasons), &self.approved);
                if !reasons.is_empty() {
                    next.state = State::Held { reasons, resume: Stage::Finalizing };
                }
            }
            (State::Finalizing, Event::SpacesFound { batches, spaces, again, last_batch, left }) => {
                let is_new = batches > 0 && self.may_be_extended();
                if self.open_batches > 0 || !is_new || self.last_batch.is_some_and(|last| last_batch <= last) {
                    return Err(Refusal::OutOfPlace);
                }
                next.state = State::Removing;
                next.extensions += 1;
                next.open_batches = batches;
                next.last_batch = Some(last_batch);
                next.counted = self.counted - again;
                next.spaces_total += spaces.saturating_sub(again.total());
                next.suspects = left;
            }
            (State::Removing, Event::LookAgain { space }) => {
                if self.suspects.contains(&space) {
                    return Err(Refusal::Known);
                }
                next.suspect(space);
            }
            // A worker may be looking at this moment, and what it has seen may be older: it has to look again.
            (State::Finalizing | State::Verifying, Event::LookAgain { space }) => next.suspect(space),
            // The spaces are listed already, and the one in question is perhaps not among them.
            (State::Planning, Event::LookAgain { space })
                if matches!(self.work.search.step, SearchStep::Check { .. }) =>
            {
                next.suspect(space);
            }
            (State::Finalizing, Event::SuspectsCleared { left }) => next.suspects = left,
            (State::Finalizing, Event::OrgRemovalDone) => {
                next.state = State::Verifying;
                next.last_delete_at = Some(now);
            }
            (State::Verifying, Event::StillAMember) => next.still_there(),
            (State::Verifying, Event::VerifiedGone { asked_at }) => {
                if self.last_delete_at.is_none_or(|deleted| asked_at < deleted) {
                    return Err(Refusal::StaleProof);
                }
                next.state = State::Completed { outcome: Outcome::Removed };
                effects.push(Effect::Seal);
            }
            (State::Completed { outcome: Outcome::Removed }, Event::Returned) => {
                if self.returned_at.is_some() {
                    return Err(Refusal::Known);
                }
                next.returned_at = Some(now);
            }
            (State::Planning | State::Finalizing | State::Verifying, Event::Parked { slots, until, search }) => {
                next.work.slots = slots;
                next.work.quiet_until = until;
                next.work.claim = self.work.claim.ended();
                next.work.search = search;
            }
            (State::Planning | State::Finalizing | State::Verifying, Event::Paused { until, search }) => {
                next.work.slots.clear();
                next.work.quiet_until = Some(until);
                next.work.search = search;
            }
            (State::Planning | State::Finalizing | State::Verifying, Event::Faulted { again_at, search }) => {
                next.work.attempts += 1;
                next.work.quiet_until = Some(again_at);
                next.work.claim = self.work.claim.ended();
                next.work.slots.clear();
                next.work.search = search;
                if next.work.attempts >= self.allowance() {
                    next.fail(podio_unavailable());
                }
            }
            (state, Event::Failed(failure)) if state.stage().is_some() => next.fail(failure),
            (State::Planning | State::Finalizing | State::Verifying, Event::Resent) => {
                effects.extend(self.stage_job().map(Effect::Enqueue));
            }
            (_, Event::AskedAgain(again)) if self.can_be_merged_into() => next.merge(&again, now)?,
            (State::Completed { .. } | State::Failed { .. } | State::Cancelled { .. }, Event::AskedAgain(_)) => {
                return Err(Refusal::Ended);
            }
            (_, Event::AskedAgain(_)) => return Err(Refusal::UnderWay),
            (State::Held { reasons, resume }, Event::Approved(decision)) => {
                next.approve(reasons, *resume, &decision)?
            }
            (_, Event::Approved(_)) => return Err(Refusal::NotHeld),
            (State::Scheduled | State::Planning | State::Held { .. }, Event::Cancelled) => {
                if self.removals_sent {
                    return Err(Refusal::RemovalsSent);
                }
                next.state = State::Cancelled { duplicate_of: None };
                // The plan's job sleeps until its slots come; somebody else may need them, and a worker must know.
                if !self.work.slots.is_empty() {
                    effects.extend(self.stage_job().map(Effect::Enqueue));
                }
            }
            (State::Cancelled { .. }, Event::SlotsReturned) if !self.work.slots.is_empty() => {
                next.work = Work::default();
            }
            (State::Removing | State::Finalizing | State::Verifying, Event::Cancelled) => {
                return Err(Refusal::RemovalsSent);
            }
            (State::Failed { .. }, Event::Cancelled) => {
                if self.removals_sent {
                    return Err(Refusal::RemovalsSent);
                }
                next.state = State::Cancelled { duplicate_of: None };
            }
            (State::Completed { .. } | State::Cancelled { .. }, Event::Cancelled) => return Err(Refusal::Ended),
            (State::Failed { resume, failure: _ }, Event::Retried) => {
                next.resume(*resume);
                // A rehearsal must not stand in the way of the real thing.
                person = if self.request.dry_run { PersonClaim::Keep } else { PersonClaim::Take };
            }
            (_, Event::Retried) => return Err(Refusal::NotFailed),
            (
                _,
                Event::Due
                | Event::PlanningBegun
                | Event::Planned(_)
                | Event::NotAMember
                | Event::Duplicate(_)
                | Event::BatchCounted(_)
                | Event::SlotsTaken { .. }
                | Event::SlotsReturned
                | Event::EndReserved { .. }
                | Event::OrgRemovalClaimed
                | Event::OrgRemovalUnsafe(_)
                | Event::SpacesFound { .. }
                | Event::LookAgain { .. }
                | Event::SuspectsCleared { .. }
                | Event::OrgRemovalDone
                | Event::Returned
                | Event::StillAMember
                | Event::VerifiedGone { .. }
                | Event::Parked { .. }
                | Event::Paused { .. }
                | Event::Faulted { .. }
                | Event::Failed(_)
                | Event::Resent,
            ) => return Err(Refusal::OutOfPlace),
        }
        Ok(next.finish(self, person, effects, now))
    }

    /// What every change has in common: the clock, the history, the claim, the next job, the sweep's reminder.
    fn finish(mut self, before: &Self, person: PersonClaim, mut effects: Vec<Effect>, now: Timestamp) -> Change {
        let mut person = person;
        // A cancelled one has ended: that it is tidied up is no news of it.
        if !matches!(before.state, State::Cancelled { .. }) {
            self.updated_at = now;
        }
        let moved = self.state.name() != before.state.name();
        if moved {
            self.sealed = None;
            self.history.push(Passage { at: now, to: self.state.name().to_owned() });
            if self.history.len() > HISTORY {
                self.history.remove(0);
            }
            // A stage starts with a clean slate; what was found out stays with the plan that found it. The slots that
            // were reserved for the end are handed on until the end, and those of a cancelled plan until they are given back.
            let slots = match (&before.state, &self.state) {
                (State::Removing, State::Finalizing)
                | (State::Finalizing, State::Verifying)
                | (State::Planning, State::Cancelled { .. }) => std::mem::take(&mut self.work.slots),
                _ => Vec::new(),
            };
            // What they were for tells to whom they are given back.
            let search = match self.state {
                State::Cancelled { .. } if !slots.is_empty() => std::mem::take(&mut self.work.search),
                _ => Search::default(),
            };
            // That the organization removal may have been sent is not forgotten while a person looks at the failure.
            let claim = match (&before.state, &self.state) {
                (State::Finalizing, State::Failed { .. }) | (State::Failed { .. }, State::Finalizing) => {
                    before.work.claim.ended()
                }
                _ => Claim::None,
            };
            self.work = Work { slots, claim, search, ..Work::default() };
            match self.state {
                State::Removing => effects.push(Effect::EnqueueSpaces),
                _ => effects.extend(self.stage_job().map(Effect::Enqueue)),
            }
        }
        if moved && matches!(self.state, State::Completed { .. }) {
            self.completed_at = Some(now);
        }
        let over = self.state.is_final() || matches!(self.state, State::Failed { .. });
        if over && person == PersonClaim::Keep && moved {
            let removed = State::Completed { outcome: Outcome::Removed };
            person = if self.state == removed { PersonClaim::Removed } else { PersonClaim::Release };
        }
        self.due = self.next_due(now);
        Change { offboarding: self, person, effects }
    }

    fn planned(&mut self, plan: Plan) -> PersonClaim {
        self.leaver = Some(plan.leaver);
        self.spaces_total = plan.spaces;
        self.open_batches = plan.batches;
        self.last_batch = plan.last_batch;
        self.rides = plan.rides;
        self.alone = false;
        self.previewed = plan.previewed;
        self.asked_anew_from = 0;
        self.counted = Tally::default();
        self.extensions = 0;
        if self.request.dry_run {
            self.would_hold = summarised(plan.reasons);
            self.state = State::Completed { outcome: Outcome::Planned };
            return PersonClaim::Keep;
        }
        let mut reasons = plan.reasons;
        if self.request.require_approval {
            let detail = "The request asked for an approval before anything is removed.";
            reasons.push(Reason::general(HoldCode::ApprovalRequired, detail));
        }
        let reasons = unapproved(summarised(reasons), &self.approved);
        if !reasons.is_empty() {
            self.state = State::Held { reasons, resume: Stage::Planning };
        } else if self.open_batches == 0 {
            self.state = State::Finalizing;
            self.removals_sent = true;
        } else {
            self.state = State::Removing;
            self.removals_sent = true;
        }
        PersonClaim::Take
    }

    fn count(&mut self, tally: Tally) -> Result<(), Refusal> {
        self.open_batches = self.open_batches.checked_sub(1).ok_or(Refusal::OutOfPlace)?;
        self.counted = self.counted + tally;
        if self.open_batches == 0 && self.state == State::Removing {
            self.state = State::Finalizing;
        }
        Ok(())
    }

    /// Notes a space that is to be looked into. One too many is left to the count of the leaver's spaces, which is
    /// compared with what is known of them before the organization is left.
    fn suspect(&mut self, space: SpaceId) {
        if !self.suspects.contains(&space) && self.suspects.len() < SUSPECTS {
            self.suspects.push(space);
        }
    }

    fn still_there(&mut self) {
        self.work.attempts += 1;
        self.work.slots.clear();
        if self.work.attempts < PATIENT_READS {
            return;
        }
        if self.rounds < ROUNDS {
            self.rounds += 1;
            // Whoever was added again has another membership, which may be let go.
            self.ask_anew();
            self.state = State::Finalizing;
        } else {
            let detail = "Podio confirmed the removal, yet the person is still a member. Remove them in Podio by hand, \
                          or find out who adds them again; then retry.";
            self.fail(Failure { code: FailureCode::StillAMember, detail: detail.to_owned() });
        }
    }

    fn approve(&mut self, shown: &[Reason], resume: Stage, decision: &Decision) -> Result<(), Refusal> {
        if self.hold_id().as_deref() != Some(decision.hold_id.as_str()) {
            return Err(Refusal::AnotherHold);
        }
        if !decision.named.iter().all(|named| shown.iter().any(|reason| named.names(reason))) {
            return Err(Refusal::NoSuchReason);
        }
        if !shown.iter().all(|reason| decision.named.iter().any(|named| named.names(reason))) {
            return Err(Refusal::Unnamed);
        }
        self.approved.extend(shown.iter().map(Reason::approval));
        self.approved.sort_unstable();
        self.approved.dedup();
        // What was repaired meanwhile is to take effect, however often the plan was extended before.
        self.extensions = 0;
        self.enter(resume);
        Ok(())
    }

    fn resume(&mut self, stage: Stage) {
        self.retries += 1;
        self.rounds = 0;
        self.extensions = 0;
        self.enter(stage);
    }

    /// Goes on with a stage after somebody decided so.
    fn enter(&mut self, stage: Stage) {
        self.ask_anew();
        self.state = match stage {
            Stage::Planning => {
                // Days may have gone by: what was planned is looked at afresh.
                self.plan = None;
                State::Planning
            }
            Stage::Removing if self.open_batches == 0 => State::Finalizing,
            Stage::Removing => State::Removing,
            Stage::Finalizing => State::Finalizing,
            Stage::Verifying => State::Verifying,
        };
    }

    /// Lets the spaces that refused be asked once more.
    fn ask_anew(&mut self) {
        self.asked_anew_from = self.last_batch.map_or(0, |last| last + 1);
    }

    fn fail(&mut self, failure: Failure) {
        if let Some(resume) = self.state.stage() {
            self.state = State::Failed { failure, resume };
        }
    }

    /// Where planning has got to, for a job that sets out to go on with it.
    pub fn search(&self) -> &Search {
        &self.work.search
    }
}

impl Claim {
    /// The worker that held the claim lives and has given up for now: nothing is on its way any more.
    fn ended(self) -> Self {
        match self {
            Self::None => Self::None,
            Self::InFlight { .. } | Self::Uncertain => Self::Uncertain,
        }
    }
}

/// The failure that too many faults of Podio end in.
pub fn podio_unavailable() -> Failure {
    let detail = "Podio could not be reached or answered with errors for too long. Nothing counts as removed without \
                  proof; retry once Podio is well.";
    Failure { code: FailureCode::PodioUnavailable, detail: detail.to_owned() }
}
