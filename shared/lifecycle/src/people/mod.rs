//! The people of an organization: who is a member, what has changed since they were last listed, and who should be one.
//!
//! An audit pages through Podio's list of members and compares each entry with what is stored. One rule stands above all
//! others: nobody is said to have left who is there. Absence from the list is a reason to ask, never an answer.

mod alike;
mod audit;
mod change;
mod ids;
mod member;
mod observe;
mod reconcile;
mod roster;
mod schedule;

pub use self::alike::Likeness;
pub use self::audit::{Audit, AuditEvent, AuditSource, AuditState, Audited, NotPossible, Page, Standing};
pub use self::change::{Cause, Change, ChangeKind, MemberEvent};
pub use self::ids::{AuditId, NotAnId, ReconciliationId, RosterId};
pub use self::member::{Member, MemberStatus, MemberType, Sighting};
pub use self::observe::{MemberWrite, Observation};
pub use self::reconcile::{Finding, FindingKind, MatchedBy, Reconciliation, counts, reconcile};
pub use self::roster::{NoSuchRoster, OpenRoster, RosterEntry, RosterStatus, Rosters, distinct};
pub use self::schedule::{AuditSchedule, NotASchedule};
