//! Rosters, and what came of comparing them.

use std::sync::Arc;

use podio_lifecycle::{
    actor::{Actor, ActorKind},
    ids::{OrgId, UserId},
    people::{
        AuditId, Finding, FindingKind, Reconciliation, ReconciliationId, RosterEntry, RosterId, RosterStatus, Rosters,
        counts,
    },
    ports::SaveError,
};

use super::{Store, at};

const ORG: OrgId = OrgId(678);

fn hr() -> Actor {
    Actor::new(ActorKind::Api, "hr")
}

fn entry(n: usize) -> RosterEntry {
    RosterEntry {
        email: format!("user{n}@example.com").parse().unwrap(),
        other_emails: vec!["other@example.org".parse().unwrap()],
        name: Some(format!("Member {n}")),
        status: RosterStatus::Active,
        last_day: Some("2026-12-24".parse().unwrap()),
        employee_id: Some(n.to_string()),
        kind: None,
    }
}

fn entries(range: std::ops::Range<usize>) -> Vec<RosterEntry> {
    range.map(entry).collect()
}

pub async fn a_roster_comes_back_in_the_order_of_its_parts(store: Arc<impl Store>) {
    assert_eq!(store.rosters(ORG).await, Ok(Rosters::none(ORG)));
    let id = RosterId::new(at(0), [1; 10]);
    let none = Rosters::none(ORG);
    let open = none.roster_of(1, 2, &hr(), id.clone()).unwrap();
    // The first part was sent before, and was longer then.
    store.store_entries(&id, 1, &entries(0..900)).await.unwrap();
    let items = store.store_entries(&id, 1, &entries(0..450)).await.unwrap();
    let begun = none.with(open, 1, items, at(1));
    store.save_rosters(&begun).await.unwrap();
    let begun = store.rosters(ORG).await.unwrap();
    assert_eq!((begun.revision, &begun.current), (1, &None));
    let items = store.store_entries(&id, 2, &entries(450..460)).await.unwrap();
    let whole = begun.with(begun.roster_of(2, 2, &hr(), id.clone()).unwrap(), 2, items, at(2));
    store.save_rosters(&whole).await.unwrap();
    let (current, since) = store.rosters(ORG).await.unwrap().current.unwrap();
    assert_eq!((&current.id, since), (&id, at(2)));
    assert_eq!(store.entries(&current).await, Ok(entries(0..460)));
}

pub async fn rosters_are_saved_by_who_read_them_last(store: Arc<impl Store>) {
    let none = Rosters::none(ORG);
    store.save_rosters(&none).await.unwrap();
    assert_eq!(store.save_rosters(&none).await, Err(SaveError::Conflict));
    let read = store.rosters(ORG).await.unwrap();
    store.save_rosters(&read).await.unwrap();
    assert_eq!(store.save_rosters(&read).await, Err(SaveError::Conflict));
}

pub async fn findings_come_back_in_order_from_wherever_asked(store: Arc<impl Store>) {
    let finding = |n: u64| Finding {
        finding: if n < 100 { FindingKind::Orphan } else { FindingKind::Matched },
        user_id: Some(UserId(n)),
        email: Some(format!("user{n}@example.com")),
        name: None,
        matched_by: None,
        roster_status: None,
        last_day: None,
    };
    let findings: Vec<Finding> = (0..450).map(finding).collect();
    let record = Reconciliation {
        id: ReconciliationId::new(at(0), [1; 10]),
        org_id: ORG,
        roster_id: RosterId::new(at(0), [1; 10]),
        audit_id: AuditId::new(at(0), [1; 10]),
        by: hr(),
        created_at: at(0),
        counts: counts(&findings),
        findings: 450,
    };
    assert_eq!(store.reconciliation(&record.id).await, Ok(None));
    store.store_reconciliation(&record, &findings).await.unwrap();
    assert_eq!(store.reconciliation(&record.id).await, Ok(Some(record.clone())));
    for (from, limit) in [(0, 450), (0, 1), (199, 2), (399, 100), (150, 300), (449, 9), (450, 9)] {
        let expected: Vec<Finding> = findings.iter().skip(from).take(limit).cloned().collect();
        let found = store.findings(&record, u32::try_from(from).unwrap(), limit).await;
        assert_eq!(found, Ok(expected), "{limit} from {from}");
    }
}
