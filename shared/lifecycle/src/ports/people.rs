//! What the functions may do about the people of an organization.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{SaveError, StoreError};
use crate::{
    ids::{OrgId, UserId},
    people::{
        Audit, AuditId, Audited, Change, Finding, Member, MemberWrite, OpenRoster, Reconciliation, ReconciliationId,
        RosterEntry, RosterId, Rosters,
    },
};

/// What became of an audit that was to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It has.
    New,
    /// Another one of the organization is under way.
    UnderWay(AuditId),
}

/// Some of a list, and where the next part begins; none at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<T, C> {
    /// These.
    pub items: Vec<T>,
    /// The cursor of the next part. A part may be short, even empty, and yet not be the last.
    pub next: Option<C>,
}

/// The place of a change in time: exclusive lower bound of the part that follows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeCursor(pub String);

impl ChangeCursor {
    /// The place of a change: by time, then by member and kind. It sorts as text and needs no encoding in a query.
    pub fn of(change: &Change) -> Self {
        let since = Self::since(change.at).0;
        Self(format!("{since}.{:020}.{}", change.user_id.0, change.kind.name()))
    }

    /// The bound below all changes since a moment.
    pub fn since(moment: Timestamp) -> Self {
        Self(format!("{:013}", moment.as_millisecond().max(0)))
    }
}

/// Beginning audits, and reading them.
#[async_trait]
pub trait Audits: Send + Sync {
    /// Stores an audit with its place in the listing and its claim on the organization, unless another one is under way. What
    /// is stored follows the audits before it.
    async fn begin_audit(&self, audit: &Audit) -> Result<Begun, StoreError>;
    /// One audit, read consistently.
    async fn audit(&self, id: &AuditId) -> Result<Option<Audit>, StoreError>;
    /// The audits of an organization before `before`, newest first.
    async fn audits(
        &self,
        org: OrgId,
        limit: usize,
        before: Option<&AuditId>,
    ) -> Result<Part<Audit, AuditId>, StoreError>;
    /// The audits of an organization in short; none where there was none yet. Read consistently.
    async fn audited(&self, org: OrgId) -> Result<Option<Audited>, StoreError>;
}

/// Carrying on an audit.
#[async_trait]
pub trait CarryOnAudits: Send + Sync {
    /// Stores an audit with the revision after the one that it carries, if that is what is stored. One that is over gives the
    /// organization free in the same transaction.
    async fn save_audit(&self, audit: &Audit) -> Result<(), SaveError>;
    /// Notes whom a page of an audit has listed. The same page may be noted again.
    async fn note_listed(
        &self,
        audit: &AuditId,
        page: u32,
        users: &[UserId],
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Everybody whom the pages of an audit have listed, each once and in order, read consistently.
    async fn listed(&self, audit: &AuditId) -> Result<Vec<UserId>, StoreError>;
}

/// Reading members and their changes.
#[async_trait]
pub trait ReadMembers: Send + Sync {
    /// Those of these people who are or were members. What it tells may be a moment old: a write on condition of that fails.
    async fn members_among(&self, org: OrgId, users: &[UserId]) -> Result<BTreeMap<UserId, Member>, StoreError>;
    /// Up to `limit` members after `after` in the order of their ids, those who left too.
    async fn members(
        &self,
        org: OrgId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Part<Member, UserId>, StoreError>;
    /// Everybody who is a member now, in order, and whether they are stale. Read consistently.
    async fn current_members(&self, org: OrgId) -> Result<Vec<(UserId, bool)>, StoreError>;
    /// Up to `limit` changes since `since`, and after a cursor, in the order of time.
    async fn changes(
        &self,
        org: OrgId,
        since: Timestamp,
        after: Option<&ChangeCursor>,
        limit: usize,
    ) -> Result<Part<Change, ChangeCursor>, StoreError>;
}

/// Writing members and their changes.
#[async_trait]
pub trait WriteMembers: Send + Sync {
    /// Stores each member on condition of the revision that it carries, with its changes in the same transaction. Some may be
    /// stored and others not: what was stored is told by reading it again.
    async fn record_members(&self, org: OrgId, writes: &[MemberWrite]) -> Result<(), SaveError>;
}

/// Keeping rosters, and what came of comparing them.
#[async_trait]
pub trait CompareRosters: Send + Sync {
    /// The rosters of an organization in short, read consistently.
    async fn rosters(&self, org: OrgId) -> Result<Rosters, StoreError>;
    /// Stores them with the revision after the one that they carry, if that is what is stored.
    async fn save_rosters(&self, rosters: &Rosters) -> Result<(), SaveError>;
    /// Stores the entries of a part; in how many items. The same part may be stored again.
    async fn store_entries(&self, roster: &RosterId, part: u32, entries: &[RosterEntry]) -> Result<u32, StoreError>;
    /// All entries of a roster, in the order of its parts.
    async fn entries(&self, roster: &OpenRoster) -> Result<Vec<RosterEntry>, StoreError>;
    /// Stores a comparison and its findings.
    async fn store_reconciliation(&self, record: &Reconciliation, findings: &[Finding]) -> Result<(), StoreError>;
    /// One comparison; none where it is not stored, or not to the end.
    async fn reconciliation(&self, id: &ReconciliationId) -> Result<Option<Reconciliation>, StoreError>;
    /// Up to `limit` of its findings, from that one on.
    async fn findings(&self, record: &Reconciliation, from: u32, limit: usize) -> Result<Vec<Finding>, StoreError>;
}
