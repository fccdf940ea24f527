//! The transitions of an offboarding: total over every state and event.

use jiff::Timestamp;

use super::{
    Abandoned, Change, Claim, Draft, End, Event, Failure, FailureCode, Finalizing, Found, Interrupted, NewPlan,
    Offboarding, OnHold, Outcome, Passage, PersonClaim, Plan, Planning, Refusal, Removing, Scheduled, State, Verifying,
    Work,
    state::{cancelled, completed, failed},
};
use crate::hold::{Decision, HoldCode, Reason, summarised, unapproved};

/// Read-backs that may show the person still there before the removal is done over: Podio may need a moment.
const PATIENT_READS: u32 = 4;
/// Passages kept in the history.
const HISTORY: usize = 50;

impl Offboarding {
    /// What follows from `event` at `now`, or why nothing does.
    pub fn apply(&self, event: Event, now: Timestamp) -> Result<Change, Refusal> {
        let mut next = self.clone();
        let mut person = PersonClaim::Keep;
        next.state = match (self.state.clone(), event) {
            (State::Scheduled(it), Event::Due) if now >= self.effective_at() => {
                State::Planning(Planning::new(self.revision, it.leaver))
            }
            (State::Scheduled(_), Event::Resolved { leaver, warning }) => {
                // A rehearsal claims nobody.
                let claims = leaver.is_some() && !self.request.dry_run;
                person = if claims { PersonClaim::Take } else { PersonClaim::Keep };
                State::Scheduled(Scheduled::resolved(leaver, warning, now))
            }
            (State::Scheduled(it), Event::Waits { until, found: Found::Scheduled(search), calls, place: _ }) => {
                State::Scheduled(Scheduled { search: *search, work: Work::waiting(until, calls), ..it })
            }
            (State::Scheduled(it), Event::Faulted { again_at, found: Found::Scheduled(search) }) => {
                State::Scheduled(Scheduled { search: *search, work: it.work.faulted(again_at, now), ..it })
            }
            (State::Scheduled(it), Event::Duplicate(other)) => {
                cancelled(Abandoned::Scheduled { leaver: it.leaver }, Some(other))
            }
            (State::Planning(it), Event::Crowded { place }) => {
                next.crowd = true;
                next.place = place;
                State::Planning(it)
            }
            (State::Planning(it), Event::PlanningBegun) => State::Planning(it.begun(self.revision)),
            (State::Planning(it), Event::Planned(new)) => {
                next.place = new.place;
                // A rehearsal claims nobody.
                person = if self.request.dry_run { PersonClaim::Keep } else { PersonClaim::Take };
                planned(self, it.draft, new, now)
            }
            (State::Planning(it), Event::NotAMember { was_known }) => {
                completed(now, if was_known { End::AlreadyGone(it.draft) } else { End::Unknown(it.draft) })
            }
            (State::Planning(it), Event::InDoubt(reason)) => self.in_doubt(it.draft, reason, now),
            (State::Planning(it), Event::Duplicate(other)) => cancelled(Abandoned::Draft(it.draft), Some(other)),
            (State::Removing(it), Event::SpaceSettled(state)) => {
                let plan = it.plan.settling(state)?;
                if plan.spaces.pending == 0 {
                    State::Finalizing(Finalizing::new(plan))
                } else {
                    State::Removing(Removing { plan, release: it.release })
                }
            }
            (
                State::Held { reasons, stopped: OnHold::Stage(Interrupted::Removing(plan)) },
                Event::SpaceSettled(state),
            ) => {
                let plan = plan.settling(state)?;
                if plan.spaces.pending == 0 {
                    State::Finalizing(Finalizing::new(plan))
                } else {
                    State::Held { reasons, stopped: OnHold::Stage(Interrupted::Removing(plan)) }
                }
            }
            // Only a person resumes it.
            (State::Failed { failure, stopped: Interrupted::Removing(plan), closing }, Event::SpaceSettled(state)) => {
                State::Failed { failure, stopped: Interrupted::Removing(plan.settling(state)?), closing }
            }
            (State::Removing(it), Event::Released) => State::Removing(Removing { release: false, ..it }),
            (State::Finalizing(it), Event::OrgRemovalClaimed) => {
                if it.plan.spaces.pending > 0 {
                    return Err(Refusal::Unsettled);
                }
                State::Finalizing(Finalizing { claim: Claim::InFlight { since: now }, ..it })
            }
            (State::Finalizing(it), Event::OrgRemovalUnsafe(reasons)) => {
                let reasons = unapproved(summarised(reasons), &self.approved);
                if reasons.is_empty() {
                    State::Finalizing(it)
                } else {
                    let stopped = Interrupted::Finalizing { plan: it.plan, claim: it.claim.ended() };
                    State::Held { reasons, stopped: OnHold::Stage(stopped) }
                }
            }
            (State::Finalizing(it), Event::SpacesFound { spaces, again, round, left }) => {
                State::Removing(Removing { plan: it.plan.extended(spaces, again, round, left)?, release: false })
            }
            (State::Removing(it), Event::LookAgain { space }) => {
                if it.plan.suspects.contains(&space) {
                    return Err(Refusal::Known);
                }
                State::Removing(Removing { plan: it.plan.suspecting(space), release: it.release })
            }
            // A worker may be looking at this moment, and what it has seen may be older: it has to look again.
            (State::Finalizing(it), Event::LookAgain { space }) => {
                State::Finalizing(Finalizing { plan: it.plan.suspecting(space), ..it })
            }
            (State::Verifying(it), Event::LookAgain { space }) => {
                State::Verifying(Verifying { plan: it.plan.suspecting(space), ..it })
            }
            // The spaces are listed already, and the one in question is perhaps not among them.
            (State::Planning(it), Event::LookAgain { space }) if it.has_listed() => {
                State::Planning(Planning { draft: it.draft.suspecting(space), ..it })
            }
            (State::Finalizing(it), Event::SuspectsCleared { left }) => {
                State::Finalizing(Finalizing { plan: Plan { suspects: left, ..it.plan }, ..it })
            }
            (State::Finalizing(it), Event::OrgRemovalDone) => State::Verifying(Verifying::new(it.plan, now)),
            (State::Verifying(it), Event::StillAMember) => still_there(it),
            (State::Verifying(it), Event::VerifiedGone { asked_at }) => {
                if asked_at < it.deleted_at {
                    return Err(Refusal::StaleProof);
                }
                let end = End::Removed { plan: it.plan, left_at: it.deleted_at, returned_at: None };
                completed(now, end)
            }
            (State::Completed { at, end: End::Removed { plan, left_at, returned_at }, closing }, Event::Returned) => {
                if returned_at.is_some() {
                    return Err(Refusal::Known);
                }
                State::Completed { at, end: End::Removed { plan, left_at, returned_at: Some(now) }, closing }
            }
            (State::Planning(it), Event::Waits { until, found: Found::Planning(search), calls, place }) => {
                next.place = place;
                State::Planning(Planning { search: *search, work: Work::waiting(until, calls), ..it })
            }
            (State::Finalizing(it), Event::Waits { until, found: Found::Finalizing(look), calls, place }) => {
                next.place = place;
                // Who pauses may leave a claim open; who waits for the next call has nothing on its way.
                let claim = if until.is_none() { it.claim.ended() } else { it.claim };
                State::Finalizing(Finalizing { claim, look, work: Work::waiting(until, calls), ..it })
            }
            (State::Verifying(it), Event::Waits { until, found: Found::Verifying(paging), calls, place }) => {
                next.place = place;
                State::Verifying(Verifying { paging, work: Work::waiting(until, calls), ..it })
            }
            (State::Planning(it), Event::Faulted { again_at, found: Found::Planning(search) }) => {
                State::Planning(Planning { search: *search, work: it.work.faulted(again_at, now), ..it })
            }
            (State::Finalizing(it), Event::Faulted { again_at, found: Found::Finalizing(look) }) => {
                let (claim, work) = (it.claim.ended(), it.work.faulted(again_at, now));
                State::Finalizing(Finalizing { claim, look, work, ..it })
            }
            (State::Verifying(it), Event::Faulted { again_at, found: Found::Verifying(paging) }) => {
                State::Verifying(Verifying { paging, work: it.work.faulted(again_at, now), ..it })
            }
            (state, Event::KeepsFailing) => held_for_faults(state.interrupted().ok_or(Refusal::OutOfPlace)?),
            (state, Event::Failed(failure)) => failed(failure, state.interrupted().ok_or(Refusal::OutOfPlace)?),
            (state, Event::AskedAgain(again)) if state.can_be_merged_into() => next.merge(state, &again, now)?,
            (State::Completed { .. } | State::Failed { .. } | State::Cancelled { .. }, Event::AskedAgain(_)) => {
                return Err(Refusal::Ended);
            }
            (_, Event::AskedAgain(_)) => return Err(Refusal::UnderWay),
            (State::Held { reasons, stopped }, Event::Approved(decision)) => {
                next.approve(&reasons, &decision)?;
                stopped.resumed(self.revision)
            }
            (_, Event::Approved(_)) => return Err(Refusal::NotHeld),
            (State::Scheduled(it), Event::Cancelled) => cancelled(Abandoned::Scheduled { leaver: it.leaver }, None),
            (State::Planning(it), Event::Cancelled) => cancelled(Abandoned::Draft(it.draft), None),
            (State::Held { stopped, .. }, Event::Cancelled) => {
                cancelled(stopped.abandoned().ok_or(Refusal::RemovalsSent)?, None)
            }
            (State::Failed { stopped, .. }, Event::Cancelled) => {
                cancelled(stopped.abandoned().ok_or(Refusal::RemovalsSent)?, None)
            }
            (State::Removing(_) | State::Finalizing(_) | State::Verifying(_), Event::Cancelled) => {
                return Err(Refusal::RemovalsSent);
            }
            (State::Completed { .. } | State::Cancelled { .. }, Event::Cancelled) => return Err(Refusal::Ended),
            (State::Failed { stopped, .. }, Event::Retried) => {
                // A rehearsal must not stand in the way of the real thing.
                person = if self.request.dry_run { PersonClaim::Keep } else { PersonClaim::Take };
                stopped.starting_over().resumed(self.revision)
            }
            (_, Event::Retried) => return Err(Refusal::NotFailed),
            (
                _,
                Event::Due
                | Event::Resolved { .. }
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
                | Event::Faulted { .. },
            ) => return Err(Refusal::OutOfPlace),
        };
        Ok(Change::new(self, next, person, now))
    }

    /// Who is meant, or whether anybody is, only a person can tell.
    fn in_doubt(&self, draft: Draft, reason: Reason, now: Timestamp) -> State {
        let reasons = vec![reason];
        if self.request.dry_run {
            completed(now, End::Undecided { draft, would_hold: reasons })
        } else {
            State::Held { reasons, stopped: OnHold::Stage(Interrupted::Planning(draft)) }
        }
    }

    /// Writes down what a person accepts of a hold, if that is all of it.
    fn approve(&mut self, shown: &[Reason], decision: &Decision) -> Result<(), Refusal> {
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
        Ok(())
    }
}

impl Change {
    /// What every change has in common: the clock, the history, the claim on the person.
    fn new(before: &Offboarding, mut next: Offboarding, mut person: PersonClaim, now: Timestamp) -> Self {
        next.updated_at = now;
        let moved = next.state.name() != before.state.name();
        if moved {
            next.history.push(Passage { at: now, to: next.state.name().to_owned() });
            if next.history.len() > HISTORY {
                next.history.remove(0);
            }
        }
        let over = next.state.is_final() || matches!(next.state, State::Failed { .. });
        if over && person == PersonClaim::Keep && moved {
            let is_removed = next.state.outcome() == Some(Outcome::Removed);
            person = if is_removed { PersonClaim::Removed } else { PersonClaim::Release };
        }
        Self { offboarding: next, person }
    }
}

/// The plan stands: it is carried out, unless somebody has to look at it first, or it is all that was asked for.
fn planned(of: &Offboarding, draft: Draft, new: NewPlan, now: Timestamp) -> State {
    let plan = Plan::of(draft, &new);
    if of.request.dry_run {
        return completed(now, End::Planned { plan, would_hold: summarised(new.reasons) });
    }
    let mut reasons = new.reasons;
    if of.request.require_approval {
        let detail = "The request asked for an approval before anything is removed.";
        reasons.push(Reason::general(HoldCode::ApprovalRequired, detail));
    }
    let reasons = unapproved(summarised(reasons), &of.approved);
    if !reasons.is_empty() {
        State::Held { reasons, stopped: OnHold::Plan(plan) }
    } else if plan.spaces.pending == 0 {
        State::Finalizing(Finalizing::new(plan))
    } else {
        State::Removing(Removing { plan, release: false })
    }
}

/// Nobody can tell whether it will ever work: a person should look, and whoever mends it lets it go on.
fn held_for_faults(stopped: Interrupted) -> State {
    let detail = "Podio has given no answer to one step for a day, while other calls succeeded. Nothing counts as done \
                  without its answer. Look for the cause in the worker's log, then approve: it is tried again.";
    State::Held { reasons: vec![Reason::general(HoldCode::KeepsFailing, detail)], stopped: OnHold::Stage(stopped) }
}

/// One more read-back shows the person still there.
fn still_there(it: Verifying) -> State {
    let attempts = it.attempts + 1;
    if attempts < PATIENT_READS {
        State::Verifying(Verifying { attempts, ..it })
    } else if it.plan.may_be_repeated() {
        State::Finalizing(Finalizing::new(it.plan.repeated()))
    } else {
        let detail = "Podio confirmed the removal, yet the person is still a member. Remove them in Podio by hand, \
                      or find out who adds them again; then retry.";
        let failure = Failure { code: FailureCode::StillAMember, detail: detail.to_owned() };
        failed(failure, Interrupted::Verifying { plan: it.plan, deleted_at: it.deleted_at })
    }
}
