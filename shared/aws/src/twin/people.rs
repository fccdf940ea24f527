//! The people of an organization: audits, members and their changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use async_trait::async_trait;
use jiff::Timestamp;
use podio_lifecycle::{
    ids::{OrgId, UserId},
    people::{
        Audit, AuditId, AuditState, Audited, Change, Finding, Member, MemberWrite, OpenRoster, Reconciliation,
        ReconciliationId, RosterEntry, RosterId, Rosters,
    },
    ports::{
        Audits, Begun, CarryOnAudits, ChangeCursor, CompareRosters, Part, ReadMembers, SaveError, StoreError,
        WriteMembers,
    },
};

use super::{MemoryStore, Tables};

/// Everything of it.
#[derive(Default)]
pub(super) struct People {
    audits: BTreeMap<AuditId, Audit>,
    audited: BTreeMap<OrgId, Audited>,
    listed: BTreeMap<(AuditId, u32), Vec<UserId>>,
    members: BTreeMap<(OrgId, UserId), Member>,
    changes: BTreeMap<(OrgId, ChangeCursor), Change>,
    rosters: BTreeMap<OrgId, Rosters>,
    entries: BTreeMap<(RosterId, u32), Vec<RosterEntry>>,
    reconciliations: BTreeMap<ReconciliationId, (Reconciliation, Vec<Finding>)>,
    writes: u64,
}

impl MemoryStore {
    /// All changes, in the order of time: for a test's oracle.
    pub fn changes_told(&self) -> Vec<Change> {
        self.lock().people.changes.values().cloned().collect()
    }

    /// How often a member was written: for a test's oracle, no port offers it.
    pub fn member_writes(&self) -> u64 {
        self.lock().people.writes
    }
}

#[async_trait]
impl Audits for MemoryStore {
    async fn begin_audit(&self, audit: &Audit) -> Result<Begun, StoreError> {
        self.run("begin_audit", |tables| {
            let before = tables.people.audited.get(&audit.org_id).cloned();
            if let Some(running) = before.as_ref().and_then(|before| before.running.clone()) {
                return Ok(if running == audit.id { Begun::New } else { Begun::UnderWay(running) });
            }
            let head = Audited {
                running: Some(audit.id.clone()),
                first_began_at: before.as_ref().map_or(audit.started_at, |before| before.first_began_at),
                completed: before.as_ref().and_then(|before| before.completed.clone()),
            };
            tables.people.audited.insert(audit.org_id, head);
            let stored = Audit { revision: 1, ..audit.clone().following(before.as_ref()) };
            tables.people.audits.insert(audit.id.clone(), stored);
            tables.work.set(&audit.job(), audit.waiting());
            Ok(Begun::New)
        })
        .await
    }

    async fn audit(&self, id: &AuditId) -> Result<Option<Audit>, StoreError> {
        self.run("audit", |tables| Ok(tables.people.audits.get(id).cloned())).await
    }

    async fn audits(
        &self,
        org: OrgId,
        limit: usize,
        before: Option<&AuditId>,
    ) -> Result<Part<Audit, AuditId>, StoreError> {
        self.run("audits", |tables| {
            let newest = tables.people.audits.values().rev().filter(|audit| audit.org_id == org);
            let mut newest = newest.filter(|audit| before.is_none_or(|before| audit.id < *before));
            let items: Vec<Audit> = newest.by_ref().take(limit.max(1)).cloned().collect();
            let more = newest.next().is_some();
            Ok(Part { next: items.last().map(|audit| audit.id.clone()).filter(|_| more), items })
        })
        .await
    }

    async fn audited(&self, org: OrgId) -> Result<Option<Audited>, StoreError> {
        self.run("audited", |tables| Ok(tables.people.audited.get(&org).cloned())).await
    }
}

#[async_trait]
impl CarryOnAudits for MemoryStore {
    async fn save_audit(&self, audit: &Audit) -> Result<(), SaveError> {
        self.run("save_audit", |tables| {
            let stored = tables.people.audits.get_mut(&audit.id);
            let stored = stored.filter(|stored| stored.revision == audit.revision).ok_or(SaveError::Conflict)?;
            *stored = Audit { revision: audit.revision + 1, ..audit.clone() };
            tables.work.set(&audit.job(), audit.waiting());
            let head = tables.people.audited.get_mut(&audit.org_id);
            if let Some(head) = head.filter(|head| audit.is_over() && head.running.as_ref() == Some(&audit.id)) {
                head.running = None;
                if let AuditState::Completed { at } = audit.state {
                    head.completed = Some((audit.id.clone(), at));
                }
            }
            Ok(())
        })
        .await
    }

    async fn note_listed(&self, audit: &AuditId, page: u32, users: &[UserId], _: Timestamp) -> Result<(), StoreError> {
        self.run("note_listed", |tables| {
            tables.people.listed.insert((audit.clone(), page), users.to_vec());
            Ok(())
        })
        .await
    }

    async fn listed(&self, audit: &AuditId) -> Result<Vec<UserId>, StoreError> {
        self.run("listed", |tables| {
            let pages = tables.people.listed.iter().filter(|((of, _), _)| of == audit);
            let users: BTreeSet<UserId> = pages.flat_map(|(_, users)| users.iter().copied()).collect();
            Ok(users.into_iter().collect())
        })
        .await
    }
}

#[async_trait]
impl ReadMembers for MemoryStore {
    async fn members_among(&self, org: OrgId, users: &[UserId]) -> Result<BTreeMap<UserId, Member>, StoreError> {
        self.run("members_among", |tables| {
            let found = users.iter().filter_map(|user| tables.people.members.get(&(org, *user)));
            Ok(found.map(|member| (member.user_id, member.clone())).collect())
        })
        .await
    }

    async fn members(
        &self,
        org: OrgId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Part<Member, UserId>, StoreError> {
        self.run("members", |tables| {
            let mut found = tables.people.of(org).filter(|member| after.is_none_or(|after| member.user_id > after));
            let items: Vec<Member> = found.by_ref().take(limit.max(1)).cloned().collect();
            let more = found.next().is_some();
            Ok(Part { next: items.last().map(|member| member.user_id).filter(|_| more), items })
        })
        .await
    }

    async fn current_members(&self, org: OrgId) -> Result<Vec<(UserId, bool)>, StoreError> {
        self.run("current_members", |tables| {
            let current = tables.people.of(org).filter(|member| member.is_current());
            Ok(current.map(|member| (member.user_id, member.stale)).collect())
        })
        .await
    }

    async fn changes(
        &self,
        org: OrgId,
        since: Timestamp,
        after: Option<&ChangeCursor>,
        limit: usize,
    ) -> Result<Part<Change, ChangeCursor>, StoreError> {
        self.run("changes", |tables| {
            let since = ChangeCursor::since(since);
            let bound = match after {
                Some(after) if *after > since => Bound::Excluded((org, after.clone())),
                _ => Bound::Included((org, since)),
            };
            let found = tables.people.changes.range((bound, Bound::Unbounded));
            let mut found = found.take_while(|((of, _), _)| *of == org).map(|(_, change)| change);
            let items: Vec<Change> = found.by_ref().take(limit.max(1)).cloned().collect();
            let more = found.next().is_some();
            Ok(Part { next: items.last().map(ChangeCursor::of).filter(|_| more), items })
        })
        .await
    }
}

#[async_trait]
impl WriteMembers for MemoryStore {
    async fn record_members(&self, org: OrgId, writes: &[MemberWrite]) -> Result<(), SaveError> {
        for write in writes {
            self.run("record_members", |tables| tables.people.record(org, write)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl CompareRosters for MemoryStore {
    async fn rosters(&self, org: OrgId) -> Result<Rosters, StoreError> {
        let known = |tables: &mut Tables| tables.people.rosters.get(&org).cloned();
        self.run("rosters", |tables| Ok(known(tables).unwrap_or_else(|| Rosters::none(org)))).await
    }

    async fn save_rosters(&self, rosters: &Rosters) -> Result<(), SaveError> {
        self.run("save_rosters", |tables| {
            let stored = tables.people.rosters.get(&rosters.org_id).map_or(0, |stored| stored.revision);
            if stored != rosters.revision {
                return Err(SaveError::Conflict);
            }
            let saved = Rosters { revision: stored + 1, ..rosters.clone() };
            tables.people.rosters.insert(rosters.org_id, saved);
            Ok(())
        })
        .await
    }

    async fn store_entries(&self, roster: &RosterId, part: u32, entries: &[RosterEntry]) -> Result<u32, StoreError> {
        self.run("store_entries", |tables| {
            tables.people.entries.insert((roster.clone(), part), entries.to_vec());
            Ok(1)
        })
        .await
    }

    async fn entries(&self, roster: &OpenRoster) -> Result<Vec<RosterEntry>, StoreError> {
        self.run("entries", |tables| {
            let parts = roster.received.keys();
            let found = parts.filter_map(|part| tables.people.entries.get(&(roster.id.clone(), *part)));
            Ok(found.flatten().cloned().collect())
        })
        .await
    }

    async fn store_reconciliation(&self, record: &Reconciliation, findings: &[Finding]) -> Result<(), StoreError> {
        self.run("store_reconciliation", |tables| {
            tables.people.reconciliations.insert(record.id.clone(), (record.clone(), findings.to_vec()));
            Ok(())
        })
        .await
    }

    async fn reconciliation(&self, id: &ReconciliationId) -> Result<Option<Reconciliation>, StoreError> {
        let known = |tables: &mut Tables| tables.people.reconciliations.get(id).map(|(record, _)| record.clone());
        self.run("reconciliation", |tables| Ok(known(tables))).await
    }

    async fn findings(&self, record: &Reconciliation, from: u32, limit: usize) -> Result<Vec<Finding>, StoreError> {
        self.run("findings", |tables| {
            let known = tables.people.reconciliations.get(&record.id);
            let findings = known.into_iter().flat_map(|(_, findings)| findings);
            Ok(findings.skip(from as usize).take(limit).cloned().collect())
        })
        .await
    }
}

impl People {
    fn of(&self, org: OrgId) -> impl Iterator<Item = &Member> {
        self.members.range((org, UserId(0))..=(org, UserId(u64::MAX))).map(|(_, member)| member)
    }

    fn record(&mut self, org: OrgId, write: &MemberWrite) -> Result<(), SaveError> {
        let member = &write.member;
        let key = (org, member.user_id);
        if self.members.get(&key).map_or(0, |stored| stored.revision) != member.revision {
            return Err(SaveError::Conflict);
        }
        self.writes += 1;
        self.members.insert(key, Member { revision: member.revision + 1, ..member.clone() });
        for change in &write.changes {
            self.changes.insert((org, ChangeCursor::of(change)), change.clone());
        }
        Ok(())
    }
}
