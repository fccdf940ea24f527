//! One audit, from the first page of the list to its end.
//!
//! ```text
//! listing ─ page ─▶ listing ─ last page ─▶ confirming ─ nobody missing ─▶ completed
//!    │                                         └─ somebody missing: asked for singly, then on ─┐
//!    └──────────────▶ failed ◀──────────────── (a person must look) ◀──────────────────────────┘
//! ```

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::AuditId;
use crate::{
    actor::Actor,
    ids::{OrgId, UserId},
    offboarding::{Failure, Paging},
    work::{Calls, JobId, Priority, Waiting},
};

/// Route of the list of members.
const LIST: &str = "GET /org/{org_id}/member/";
/// Route of one member.
const ONE: &str = "GET /org/{org_id}/member/{user_id}";
/// Pages that are reserved at once: what is not needed goes back.
const PAGES_AT_ONCE: usize = 2;
/// Single members that are reserved at once.
const MEMBERS_AT_ONCE: usize = 5;

/// What an audit began from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AuditSource {
    /// Its time had come.
    Schedule,
    /// Somebody asked for it.
    Request {
        /// Who.
        by: Actor,
    },
}

/// Where an audit stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AuditState {
    /// It reads the list.
    Listing {
        /// Where the next page begins.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<Paging>,
        /// Pages noted so far.
        pages: u32,
    },
    /// It asks for each member who was listed before and is not now.
    Confirming {
        /// Those of this round that are still to be asked for.
        missing: Vec<UserId>,
        /// Everybody up to this one was asked for, or is in this round.
        until: Option<UserId>,
        /// How many Podio would not tell of. They stay members until an audit can tell.
        undecided: u32,
        /// Where the list is read once more, for one of whom Podio does not tell otherwise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        search: Option<Paging>,
    },
    /// It is through.
    Completed {
        /// When.
        at: Timestamp,
    },
    /// A person must look.
    Failed {
        /// When.
        at: Timestamp,
        /// Why.
        failure: Failure,
    },
}

/// What can happen to an audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditEvent {
    /// A page was read and compared.
    Listed(Page),
    /// Whoever was listed before and is not now, of the next round: the ids in order, and none where there is nobody left.
    Missing(Vec<UserId>),
    /// One of them was asked for.
    Asked {
        /// Whom.
        user: UserId,
        /// Whether they stay or go.
        standing: Standing,
    },
    /// It cannot go on.
    Failed(Failure),
}

/// A page that was read and compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where the next one begins; none where this was the last.
    pub next: Option<Paging>,
    /// Members that were not listed by a page before.
    pub members: u32,
    /// Entries that could not be read.
    pub unreadable: u32,
    /// Changes that were found.
    pub changes: u32,
}

/// What became of a question for one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A member still.
    There,
    /// A member no more.
    Gone,
    /// Podio does not tell.
    Unknown,
}

/// An event that makes no sense in that state: somebody else was quicker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not possible in this state of the audit")]
pub struct NotPossible;

/// One audit of one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Its id.
    pub id: AuditId,
    /// The organization.
    pub org_id: OrgId,
    /// What it began from.
    pub source: AuditSource,
    /// Where it stands.
    #[serde(flatten)]
    pub state: AuditState,
    /// Members found so far.
    pub members: u32,
    /// Changes found so far.
    pub changes: u32,
    /// Entries that could not be read.
    pub unreadable: u32,
    /// Calls made so far.
    pub calls: u32,
    /// Attempts in a row that a fault outside has ended.
    #[serde(default)]
    pub faults: u32,
    /// Whether no audit of the organization had ended when it began, so that everybody is new and nothing a change.
    pub is_first: bool,
    /// When the audit before it ended: when those who are missing now were listed last.
    #[serde(default)]
    pub previous_at: Option<Timestamp>,
    /// When it began.
    pub started_at: Timestamp,
    /// Bumped by each write.
    #[serde(skip)]
    pub revision: u64,
}

impl Audit {
    /// An audit that has just begun: the first one, until storage has said otherwise.
    pub fn begin(id: AuditId, org_id: OrgId, source: AuditSource, now: Timestamp) -> Self {
        Self {
            id,
            org_id,
            source,
            state: AuditState::Listing { cursor: None, pages: 0 },
            members: 0,
            changes: 0,
            unreadable: 0,
            calls: 0,
            faults: 0,
            is_first: true,
            previous_at: None,
            started_at: now,
            revision: 0,
        }
    }

    /// The same after the audits before it, as they are known when it is stored.
    #[must_use]
    pub fn following(self, audited: Option<&Audited>) -> Self {
        let previous_at = audited.and_then(|audited| audited.completed.as_ref()).map(|(_, at)| *at);
        Self { is_first: previous_at.is_none(), previous_at, ..self }
    }

    /// The audit after an event.
    ///
    /// # Errors
    /// [`NotPossible`] for an event of another state.
    pub fn apply(&self, event: AuditEvent, now: Timestamp) -> Result<Self, NotPossible> {
        let mut next = Self { faults: 0, ..self.clone() };
        next.state = match (&self.state, event) {
            (AuditState::Completed { .. } | AuditState::Failed { .. }, _) => return Err(NotPossible),
            (_, AuditEvent::Failed(failure)) => AuditState::Failed { at: now, failure },
            (AuditState::Listing { pages, .. }, AuditEvent::Listed(page)) => {
                next.members += page.members;
                next.unreadable += page.unreadable;
                next.changes += page.changes;
                match page.next {
                    cursor @ Some(_) => AuditState::Listing { cursor, pages: pages + 1 },
                    None => AuditState::Confirming { missing: Vec::new(), until: None, undecided: 0, search: None },
                }
            }
            (AuditState::Confirming { missing, .. }, AuditEvent::Missing(users))
                if missing.is_empty() && users.is_empty() =>
            {
                AuditState::Completed { at: now }
            }
            (AuditState::Confirming { missing, undecided, .. }, AuditEvent::Missing(users)) if missing.is_empty() => {
                AuditState::Confirming {
                    until: users.last().copied(),
                    missing: users,
                    undecided: *undecided,
                    search: None,
                }
            }
            (AuditState::Confirming { missing, until, undecided, .. }, AuditEvent::Asked { user, standing })
                if missing.contains(&user) =>
            {
                let missing = missing.iter().copied().filter(|other| *other != user).collect();
                next.changes += u32::from(standing == Standing::Gone);
                next.members += u32::from(standing != Standing::Gone);
                let undecided = undecided + u32::from(standing == Standing::Unknown);
                AuditState::Confirming { missing, until: *until, undecided, search: None }
            }
            (AuditState::Listing { .. }, AuditEvent::Missing(_) | AuditEvent::Asked { .. })
            | (
                AuditState::Confirming { .. },
                AuditEvent::Listed(_) | AuditEvent::Missing(_) | AuditEvent::Asked { .. },
            ) => {
                return Err(NotPossible);
            }
        };
        Ok(next)
    }

    /// Whether nothing more is to be done.
    pub fn is_over(&self) -> bool {
        matches!(self.state, AuditState::Completed { .. } | AuditState::Failed { .. })
    }

    /// The state's name in the contract.
    pub fn state_name(&self) -> &'static str {
        match self.state {
            AuditState::Listing { .. } => "listing",
            AuditState::Confirming { .. } => "confirming",
            AuditState::Completed { .. } => "completed",
            AuditState::Failed { .. } => "failed",
        }
    }

    /// When it ended, well or not.
    pub fn ended_at(&self) -> Option<Timestamp> {
        match self.state {
            AuditState::Completed { at } | AuditState::Failed { at, .. } => Some(at),
            AuditState::Listing { .. } | AuditState::Confirming { .. } => None,
        }
    }

    /// Its job.
    pub fn job(&self) -> JobId {
        JobId::new(JobId::AUDIT, &self.id)
    }

    /// How it waits; none where it is over.
    pub fn waiting(&self) -> Option<Waiting> {
        let calls = match &self.state {
            AuditState::Listing { .. } => Calls::of(LIST, PAGES_AT_ONCE),
            AuditState::Confirming { search: Some(_), .. } => Calls::of(LIST, PAGES_AT_ONCE),
            AuditState::Confirming { missing, .. } => Calls::of(ONE, missing.len().min(MEMBERS_AT_ONCE)),
            AuditState::Completed { .. } | AuditState::Failed { .. } => return None,
        };
        Some(Waiting {
            job: self.job(),
            priority: Priority::Background,
            place: self.started_at,
            since: self.started_at,
            not_before: None,
            faulted_at: None,
            calls,
            group: None,
        })
    }
}

/// The audits of one organization, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audited {
    /// The one that is under way.
    pub running: Option<AuditId>,
    /// When the first one began.
    pub first_began_at: Timestamp,
    /// The last one that was completed, and when.
    pub completed: Option<(AuditId, Timestamp)>,
}

impl Audited {
    /// Since when there has been no completed audit.
    pub fn since(&self) -> Timestamp {
        self.completed.as_ref().map_or(self.first_began_at, |(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offboarding::FailureCode;

    fn now() -> Timestamp {
        "2026-12-01T08:00:00Z".parse().unwrap()
    }

    fn begun() -> Audit {
        Audit::begin(AuditId::new(now(), [1; 10]), OrgId(7), AuditSource::Schedule, now())
    }

    fn page(next: Option<Paging>) -> AuditEvent {
        AuditEvent::Listed(Page { next, members: 500, unreadable: 1, changes: 2 })
    }

    fn confirming() -> Audit {
        begun().apply(page(None), now()).unwrap()
    }

    #[test]
    fn an_audit_lists_confirms_and_completes() {
        let listing = begun().apply(page(Some(Paging::default())), now()).unwrap();
        assert_eq!((listing.state_name(), listing.members, listing.unreadable), ("listing", 500, 1));
        let confirming = listing.apply(page(None), now()).unwrap();
        assert_eq!((confirming.state_name(), confirming.members), ("confirming", 1_000));
        let round = confirming.apply(AuditEvent::Missing(vec![UserId(3), UserId(9)]), now()).unwrap();
        let asked = |audit: &Audit, user, standing| audit.apply(AuditEvent::Asked { user, standing }, now());
        assert_eq!(asked(&round, UserId(4), Standing::Gone), Err(NotPossible), "nobody else is asked for");
        let one = asked(&round, UserId(3), Standing::Gone).unwrap();
        assert_eq!(
            one.apply(AuditEvent::Missing(vec![]), now()),
            Err(NotPossible),
            "not before everybody was asked for"
        );
        let all = asked(&one, UserId(9), Standing::There).unwrap();
        assert_eq!((all.changes, all.members), (5, 1_001));
        assert!(matches!(&all.state, AuditState::Confirming { until: Some(UserId(9)), .. }));
        let done = all.apply(AuditEvent::Missing(vec![]), now()).unwrap();
        assert_eq!((done.state_name(), done.ended_at(), done.waiting()), ("completed", Some(now()), None));
    }

    #[test]
    fn nothing_follows_the_end() {
        let failure = Failure { code: FailureCode::MissingRights, detail: "No admin.".to_owned() };
        let completed = confirming().apply(AuditEvent::Missing(vec![]), now()).unwrap();
        let failed = begun().apply(AuditEvent::Failed(failure.clone()), now()).unwrap();
        for over in [completed, failed] {
            assert!(over.is_over());
            for event in [page(None), AuditEvent::Missing(vec![]), AuditEvent::Failed(failure.clone())] {
                assert_eq!(over.apply(event, now()), Err(NotPossible));
            }
        }
    }

    #[test]
    fn an_event_of_another_state_is_refused() {
        assert_eq!(begun().apply(AuditEvent::Missing(vec![]), now()), Err(NotPossible));
        assert_eq!(confirming().apply(page(None), now()), Err(NotPossible));
    }

    #[test]
    fn a_stored_audit_reads_back() {
        for audit in [begun(), confirming()] {
            let text = serde_json::to_string(&audit).unwrap();
            assert_eq!(serde_json::from_str::<Audit>(&text).unwrap(), audit, "{text}");
        }
    }
}
