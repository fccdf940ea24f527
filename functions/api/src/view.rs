//! An offboarding as the contract shows it.

use jiff::Timestamp;
use podio_lifecycle::{
    hold::Reason,
    ids::{OffboardingId, OrgId, SpaceId, UserId},
    offboarding::{Act, End, Failure, Offboarding, Outcome, Person, Priority, State, calls_in_all},
    removal::{RemovalState, SpaceRemoval, tally},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    eta::{Outlook, whole},
    snapshot::Snapshot,
};

/// The body of `GET /offboardings/{id}`. Without `spaces` and `history` it is the summary.
#[derive(Debug, Serialize)]
pub(crate) struct View<'a> {
    id: &'a OffboardingId,
    state: &'static str,
    org_id: OrgId,
    user: User<'a>,
    dry_run: bool,
    require_approval: bool,
    reason: Option<&'a str>,
    requested_by: Option<&'a str>,
    priority: Priority,
    source: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<&'a [Act]>,
    created_at: Timestamp,
    effective_at: Timestamp,
    updated_at: Timestamp,
    completed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    returned_at: Option<Timestamp>,
    eta: Option<Timestamp>,
    progress: Progress,
    hold: Option<Hold<'a>>,
    /// Of a scheduled one: why it is not certain who is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'a Reason>,
    failure: Option<&'a Failure>,
    outcome: Option<Outcome>,
    duplicate_of: Option<&'a OffboardingId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<DryRun<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spaces: Option<Vec<Space<'a>>>,
    podio_calls: u32,
}

#[derive(Debug, Serialize)]
struct User<'a> {
    user_id: Option<UserId>,
    email: Option<&'a str>,
    name: Option<&'a str>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Progress {
    spaces_total: u32,
    spaces_removed: u32,
    spaces_already_gone: u32,
    spaces_left_to_org_removal: u32,
    spaces_pending: u32,
}

#[derive(Debug, Serialize)]
struct Hold<'a> {
    hold_id: Option<String>,
    since: Option<Timestamp>,
    reasons: &'a [Reason],
}

/// What a dry run has found out.
#[derive(Debug, Serialize)]
struct DryRun<'a> {
    /// Calls to Podio that the removal would take.
    calls: usize,
    /// When it would be through, were it started now.
    eta: Timestamp,
    /// What it would be held for.
    would_hold: &'a [Reason],
}

/// A space.
#[derive(Debug, Serialize)]
struct Space<'a> {
    space_id: SpaceId,
    name: Option<&'a str>,
    state: RemovalState,
    settled_at: Option<Timestamp>,
}

/// Whether to show the spaces and the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Full,
    Summary,
}

impl<'a> View<'a> {
    pub(crate) fn id(&self) -> &OffboardingId {
        self.id
    }

    /// What is shown of a snapshot.
    pub(crate) fn of(snapshot: &'a Snapshot, detail: Detail, outlook: &Outlook) -> Self {
        let Snapshot { offboarding, spaces: removals, podio_calls } = snapshot;
        let request = &offboarding.request;
        let (hold, failure, outcome, duplicate_of) = match &offboarding.state {
            State::Held { reasons, .. } => {
                let hold = Hold { hold_id: offboarding.hold_id(), since: offboarding.since(), reasons };
                (Some(hold), None, None, None)
            }
            State::Failed { failure, .. } => (None, Some(failure), None, None),
            State::Completed { end, .. } => (None, None, Some(end.outcome()), None),
            State::Cancelled { duplicate_of, .. } => (None, None, None, duplicate_of.as_ref()),
            State::Scheduled(_)
            | State::Planning(_)
            | State::Removing(_)
            | State::Finalizing(_)
            | State::Verifying(_) => (None, None, None, None),
        };
        Self {
            id: &offboarding.id,
            state: offboarding.state.name(),
            org_id: offboarding.org_id,
            user: user(offboarding),
            dry_run: request.dry_run,
            require_approval: request.require_approval,
            reason: request.reason.as_deref(),
            requested_by: request.requested_by.as_deref(),
            priority: request.priority,
            source: request.source.to_json(),
            history: (detail == Detail::Full).then_some(offboarding.acts.as_slice()),
            created_at: offboarding.created_at,
            effective_at: offboarding.effective_at(),
            updated_at: offboarding.updated_at,
            completed_at: offboarding.state.completed_at(),
            returned_at: offboarding.state.returned_at(),
            eta: outlook.eta(offboarding),
            progress: progress(offboarding, removals),
            hold,
            warning: match &offboarding.state {
                State::Scheduled(it) => it.warning.as_ref(),
                _ => None,
            },
            failure,
            outcome,
            duplicate_of,
            plan: dry_run(offboarding, outlook),
            spaces: (detail == Detail::Full).then(|| spaces(offboarding, removals)),
            podio_calls: *podio_calls,
        }
    }
}

/// The spaces of the plan; none while it is being made.
fn spaces<'a>(offboarding: &Offboarding, removals: &'a [SpaceRemoval]) -> Vec<Space<'a>> {
    if offboarding.state.plan().is_none() {
        return Vec::new();
    }
    let of_plan = |space: &&SpaceRemoval| !matches!(space.state, RemovalState::Unchecked | RemovalState::NotAMember);
    let shown = |space: &'a SpaceRemoval| Space {
        space_id: space.key.space,
        name: space.name.as_deref(),
        state: space.state,
        settled_at: space.settled_at,
    };
    removals.iter().filter(of_plan).map(shown).collect()
}

fn user(offboarding: &Offboarding) -> User<'_> {
    let asked = match &offboarding.request.person {
        Person::Email(email) => User { user_id: None, email: Some(email.as_str()), name: None },
        Person::User(user) => User { user_id: Some(*user), email: None, name: None },
    };
    match offboarding.state.leaver() {
        None => asked,
        Some(leaver) => User {
            user_id: Some(leaver.user_id),
            email: leaver.email.as_ref().map(|email| email.as_str()).or(asked.email),
            name: leaver.name.as_ref().map(|name| name.0.as_str()),
        },
    }
}

fn progress(offboarding: &Offboarding, removals: &[SpaceRemoval]) -> Progress {
    let Some(plan) = offboarding.state.plan() else { return Progress::default() };
    // Where the spaces were not read, the numbers on the offboarding tell.
    let tally = if removals.is_empty() { plan.spaces } else { tally(removals) };
    Progress {
        spaces_total: tally.total(),
        spaces_removed: tally.removed,
        spaces_already_gone: tally.already_gone,
        spaces_left_to_org_removal: tally.left_to_org_removal,
        spaces_pending: tally.pending,
    }
}

fn dry_run<'a>(offboarding: &'a Offboarding, outlook: &Outlook) -> Option<DryRun<'a>> {
    let State::Completed { end: End::Planned { plan, would_hold }, .. } = &offboarding.state else { return None };
    let calls = calls_in_all(plan.spaces.total() as usize);
    let eta = whole(outlook.quota.forecast(outlook.now, calls, outlook.ceiling));
    Some(DryRun { calls, eta, would_hold })
}
