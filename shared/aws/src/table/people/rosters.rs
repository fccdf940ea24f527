//! Rosters, and what came of comparing them.

use async_trait::async_trait;
use jiff::SignedDuration;
use podio_lifecycle::{
    ids::OrgId,
    people::{Finding, OpenRoster, Reconciliation, ReconciliationId, RosterEntry, RosterId, Rosters},
    ports::{CompareRosters, SaveError, StoreError},
};

use crate::{
    table::{
        BODY, DynamoStore, VERSION,
        item::{Read, item, json, number, unreadable},
        keys::Key,
        values,
    },
    tables::{PARTITION_KEY, TTL},
};

/// Entries in one item: far below the 400 KB that an item may have, for the longest names and addresses too.
const ENTRIES: usize = 200;
/// Findings in one item.
const FINDINGS: usize = 200;
/// How long a comparison is kept: it names people.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 400);

fn rosters_of(org: OrgId) -> Key {
    Key::fixed(&format!("ROSTERS#{org}"), "STATE")
}

fn entries_of(roster: &RosterId, part: u32, n: u32) -> Key {
    Key { pk: format!("ROSTER#{roster}"), sk: format!("{part:06}#{n:06}") }
}

fn reconciliation_key(id: &ReconciliationId) -> Key {
    Key::fixed(&format!("RECONCILIATION#{id}"), "STATE")
}

fn findings_key(id: &ReconciliationId, n: usize) -> Key {
    Key { pk: format!("RECONCILIATION#{id}"), sk: format!("FINDINGS#{n:06}") }
}

#[async_trait]
impl CompareRosters for DynamoStore {
    async fn rosters(&self, org: OrgId) -> Result<Rosters, StoreError> {
        let Some(item) = self.get(&rosters_of(org)).await? else { return Ok(Rosters::none(org)) };
        let rosters: Rosters = item.json(BODY)?;
        Ok(Rosters { revision: item.number(VERSION)?, ..rosters })
    }

    async fn save_rosters(&self, rosters: &Rosters) -> Result<(), SaveError> {
        let mut stored = item(&rosters_of(rosters.org_id));
        stored.insert(BODY.to_owned(), json(rosters)?);
        stored.insert(VERSION.to_owned(), number(rosters.revision + 1));
        let (condition, terms) = match rosters.revision {
            0 => (format!("attribute_not_exists(#{PARTITION_KEY})"), None),
            revision => (format!("#{VERSION} = :expected"), values([(":expected", number(revision))])),
        };
        Ok(self.put_if(stored, &condition, terms).await?)
    }

    async fn store_entries(&self, roster: &RosterId, part: u32, entries: &[RosterEntry]) -> Result<u32, StoreError> {
        let mut items = 0;
        for entries in entries.chunks(ENTRIES) {
            let mut stored = item(&entries_of(roster, part, items));
            stored.insert(BODY.to_owned(), json(&entries)?);
            self.put(stored).await?;
            items += 1;
        }
        Ok(items)
    }

    async fn entries(&self, roster: &OpenRoster) -> Result<Vec<RosterEntry>, StoreError> {
        let mut found = Vec::new();
        for (part, items) in &roster.received {
            for n in 0..*items {
                let item = self.get(&entries_of(&roster.id, *part, n)).await?;
                // Half a roster would make orphans of the other half.
                let item = item.ok_or_else(|| unreadable("entries"))?;
                found.extend(item.json::<Vec<RosterEntry>>(BODY)?);
            }
        }
        Ok(found)
    }

    async fn store_reconciliation(&self, record: &Reconciliation, findings: &[Finding]) -> Result<(), StoreError> {
        let expires_at = number((record.created_at + KEPT).as_second());
        for (n, findings) in findings.chunks(FINDINGS).enumerate() {
            let mut stored = item(&findings_key(&record.id, n));
            stored.insert(BODY.to_owned(), json(&findings)?);
            stored.insert(TTL.to_owned(), expires_at.clone());
            self.put(stored).await?;
        }
        // Last, so that whoever finds it finds all of it.
        let mut stored = item(&reconciliation_key(&record.id));
        stored.insert(BODY.to_owned(), json(record)?);
        stored.insert(TTL.to_owned(), expires_at);
        self.put(stored).await
    }

    async fn reconciliation(&self, id: &ReconciliationId) -> Result<Option<Reconciliation>, StoreError> {
        self.get(&reconciliation_key(id)).await?.map(|item| item.json(BODY)).transpose()
    }

    async fn findings(&self, record: &Reconciliation, from: u32, limit: usize) -> Result<Vec<Finding>, StoreError> {
        let (from, total) = (from as usize, record.findings as usize);
        let until = total.min(from.saturating_add(limit));
        let mut found = Vec::new();
        let mut at = from;
        while at < until {
            let item = self.get(&findings_key(&record.id, at / FINDINGS)).await?;
            let findings: Vec<Finding> = item.ok_or_else(|| unreadable("findings"))?.json(BODY)?;
            let end = (at / FINDINGS * FINDINGS + findings.len()).min(until);
            if end <= at {
                return Err(unreadable("findings"));
            }
            found.extend(findings.into_iter().skip(at % FINDINGS).take(end - at));
            at = end;
        }
        Ok(found)
    }
}
