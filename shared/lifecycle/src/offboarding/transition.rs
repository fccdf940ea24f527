//! The transitions of an offboarding: total over every state and event.

use jiff::Timestamp;

use super::{
    Change, Claim, Event, Failure, FailureCode, Offboarding, Outcome, Passage, PersonClaim, Plan, Refusal, Search,
    SearchStep, Stage, State, Work,
};
use crate::{
    hold::{Decision, HoldCode, Reason, summarised, unapproved},
    ids::SpaceId,
    removal::{RemovalState, Tally},
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
        match (&self.state, event) {
            (State::Scheduled, Event::Due) if now >= self.effective_at() => next.state = State::Planning,
            (State::Planning, Event::Crowded { place }) => {
                next.crowd = true;
                next.place = place;
            }
            (State::Planning, Event::PlanningBegun) => {
                // The revision that is read here is unique to this attempt, and so names its removals: an attempt that
                // died half-way never mixes with the next. Only a plan whose spaces are being checked goes on.
                let goes_on = matches!(self.work.search.step, SearchStep::Check { .. });
                next.plan = if goes_on { self.plan } else { Some(self.revision) };
                if !goes_on {
                    // All spaces are listed afresh.
                    next.round = 0;
                    next.suspects.clear();
                }
            }
            (State::Planning, Event::Planned(plan)) => person = next.planned(plan),
            (State::Planning, Event::NotAMember { was_known }) => {
                let outcome = if was_known { Outcome::AlreadyGone } else { Outcome::Unknown };
                next.state = State::Completed { outcome };
            }
            (State::Planning, Event::InDoubt(reason)) => next.in_doubt(reason),
            (State::Planning, Event::Duplicate(other)) => {
                next.state = State::Cancelled { duplicate_of: Some(other) };
            }
            (
                State::Removing
                | State::Failed { resume: Stage::Removing, failure: _ }
                | State::Held { resume: Stage::Removing, reasons: _ },
                Event::SpaceSettled(state),
            ) => next.count(state)?,
            (State::Removing, Event::Released) => next.work.release = false,
            (State::Finalizing, Event::OrgRemovalClaimed) => {
                if self.open > 0 {
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
            (State::Finalizing, Event::SpacesFound { spaces, again, round, left }) => {
                let is_new = spaces > 0 && self.may_be_extended();
                if self.open > 0 || !is_new || round <= self.round {
                    return Err(Refusal::OutOfPlace);
                }
                next.state = State::Removing;
                next.extensions += 1;
                next.open = spaces;
                next.round = round;
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
            }
            (State::Completed { outcome: Outcome::Removed }, Event::Returned) => {
                if self.returned_at.is_some() {
                    return Err(Refusal::Known);
                }
                next.returned_at = Some(now);
            }
            (State::Planning | State::Finalizing | State::Verifying, Event::Waits { until, search, calls, place }) => {
                // Who pauses may leave a claim open; who waits for the next call has nothing on its way.
                if until.is_none() {
                    next.work.claim = self.work.claim.ended();
                }
                next.work.not_before = until;
                next.work.faults = 0;
                next.work.faulted_since = None;
                next.work.faulted_at = None;
                next.work.search = search;
                next.work.calls = calls;
                next.place = place;
            }
            (State::Planning | State::Finalizing | State::Verifying, Event::Faulted { again_at, search }) => {
                next.work.faults += 1;
                next.work.faulted_since = self.work.faulted_since.or(Some(now));
                next.work.faulted_at = Some(now);
                next.work.not_before = Some(again_at);
                next.work.claim = self.work.claim.ended();
                next.work.search = search;
            }
            (state, Event::KeepsFailing) if state.stage().is_some() => next.hold_for_faults(),
            (state, Event::Failed(failure)) if state.stage().is_some() => next.fail(failure),
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
                | Event::Returned
                | Event::StillAMember
                | Event::VerifiedGone { .. }
                | Event::Waits { .. }
                | Event::Faulted { .. }
                | Event::KeepsFailing
                | Event::Failed(_),
            ) => return Err(Refusal::OutOfPlace),
        }
        Ok(next.finish(self, person, now))
    }

    /// What every change has in common: the clock, the history, the claim, what it is listed under.
    fn finish(mut self, before: &Self, person: PersonClaim, now: Timestamp) -> Change {
        let mut person = person;
        self.updated_at = now;
        let moved = self.state.name() != before.state.name();
        if moved {
            self.sealed = None;
            // Counted as it is sealed.
            self.calls = None;
            self.history.push(Passage { at: now, to: self.state.name().to_owned() });
            if self.history.len() > HISTORY {
                self.history.remove(0);
            }
            // A stage starts with a clean slate; what was found out stays with the plan that found it.
            // That the organization removal may have been sent is not forgotten while a person looks at it.
            let claim = match (&before.state, &self.state) {
                (State::Finalizing, State::Failed { .. } | State::Held { .. })
                | (State::Failed { .. } | State::Held { .. }, State::Finalizing) => before.work.claim.ended(),
                _ => Claim::None,
            };
            let release = self.work.release && self.state == State::Removing;
            self.work = Work { claim, release, ..Work::default() };
        }
        if moved && matches!(self.state, State::Completed { .. }) {
            self.completed_at = Some(now);
        }
        let over = self.state.is_final() || matches!(self.state, State::Failed { .. });
        if over && person == PersonClaim::Keep && moved {
            let removed = State::Completed { outcome: Outcome::Removed };
            person = if self.state == removed { PersonClaim::Removed } else { PersonClaim::Release };
        }
        Change { offboarding: self, person }
    }

    fn planned(&mut self, plan: Plan) -> PersonClaim {
        self.leaver = Some(plan.leaver);
        self.spaces_total = plan.spaces;
        self.open = plan.spaces;
        self.round = 0;
        self.place = plan.place;
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
        } else if self.open == 0 {
            self.state = State::Finalizing;
            self.removals_sent = true;
        } else {
            self.state = State::Removing;
            self.removals_sent = true;
        }
        PersonClaim::Take
    }

    /// Who is meant, or whether anybody is, only a person can tell.
    fn in_doubt(&mut self, reason: Reason) {
        if self.request.dry_run {
            self.would_hold = vec![reason];
            self.state = State::Completed { outcome: Outcome::Planned };
        } else {
            self.state = State::Held { reasons: vec![reason], resume: Stage::Planning };
        }
    }

    fn count(&mut self, settled: RemovalState) -> Result<(), Refusal> {
        self.open = self.open.checked_sub(1).ok_or(Refusal::OutOfPlace)?;
        self.counted = self.counted.with(settled);
        if self.open == 0 && !matches!(self.state, State::Failed { .. }) {
            self.state = State::Finalizing;
        }
        Ok(())
    }

    /// Nobody can tell whether it will ever work: a person should look, and whoever mends it lets it go on.
    fn hold_for_faults(&mut self) {
        let Some(resume) = self.state.stage() else { return };
        let detail = "Podio has given no answer to one step for a day, while other calls succeeded. Nothing counts as done \
                      without its answer. Look for the cause in the worker's log, then approve: it is tried again.";
        self.state = State::Held { reasons: vec![Reason::general(HoldCode::KeepsFailing, detail)], resume };
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
        // That something has failed long enough to be looked at is no danger that could be accepted for good.
        let dangers = shown.iter().filter(|reason| reason.code != HoldCode::KeepsFailing);
        let accepted = dangers.flat_map(|reason| {
            let named = decision.named.iter().find(|named| named.names(reason));
            named.map(|named| named.of(reason))
        });
        self.approved.extend(accepted);
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
            Stage::Removing if self.open == 0 => State::Finalizing,
            Stage::Removing => {
                self.work.release = true;
                State::Removing
            }
            Stage::Finalizing => State::Finalizing,
            Stage::Verifying => State::Verifying,
        };
    }

    /// Lets the spaces that refused be asked once more.
    fn ask_anew(&mut self) {
        self.asked_anew_from = self.round + 1;
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
