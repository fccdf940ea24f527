//! Audits, members and their changes.

use std::sync::Arc;

use jiff::SignedDuration;
use podio_lifecycle::{
    ids::{OrgId, UserId},
    offboarding::{Failure, FailureCode, Paging},
    people::{
        Audit, AuditEvent, AuditId, AuditSource, Audited, Change, ChangeKind, Member, MemberType, MemberWrite,
        Observation, Page, Sighting,
    },
    ports::{Begun, Part, SaveError},
    work::JobId,
};

use super::{Store, at, at_once};

const ORG: OrgId = OrgId(678);

fn audit(second: i64) -> Audit {
    Audit::begin(AuditId::new(at(second), [9; 10]), ORG, AuditSource::Schedule, at(second))
}

fn listed(audit: &Audit) -> Audit {
    let page = Page { next: None, members: 3, unreadable: 1, changes: 2 };
    audit.apply(AuditEvent::Listed(page), at(50)).unwrap()
}

fn completed(audit: &Audit, second: i64) -> Audit {
    listed(audit).apply(AuditEvent::Missing(vec![]), at(second)).unwrap()
}

fn failed(audit: &Audit, second: i64) -> Audit {
    let failure = Failure { code: FailureCode::MissingRights, detail: "No admin.".to_owned() };
    audit.apply(AuditEvent::Failed(failure), at(second)).unwrap()
}

fn sighting(user: u64) -> Sighting {
    Sighting {
        user_id: UserId(user),
        name: Some(format!("Member {user}")),
        emails: vec![format!("user{user}@example.com")],
        role: Some("regular".into()),
        kind: Some(MemberType::Employee),
        active: true,
        spaces: Some(2),
        invited_at: None,
        last_seen_at: Some(at(-5)),
    }
}

fn look(audit: &AuditId, second: i64) -> Observation<'_> {
    Observation { audit, now: at(second), is_first: false, stale_after: SignedDuration::from_hours(24 * 90) }
}

/// Somebody who has joined at that second.
fn joined(user: u64, second: i64) -> MemberWrite {
    look(&audit(0).id, second).seen(None, &sighting(user), false).unwrap()
}

fn stored(write: &MemberWrite) -> Member {
    Member { revision: write.member.revision + 1, ..write.member.clone() }
}

pub async fn one_audit_of_an_organization_runs_at_a_time(store: Arc<impl Store>) {
    assert_eq!(store.audited(ORG).await, Ok(None));
    let first = audit(0);
    assert_eq!(store.begin_audit(&first).await, Ok(Begun::New));
    assert_eq!(store.begin_audit(&first).await, Ok(Begun::New), "its answer was lost");
    assert_eq!(store.begin_audit(&audit(1)).await, Ok(Begun::UnderWay(first.id.clone())));
    let other = Audit { org_id: OrgId(9), ..audit(2) };
    assert_eq!(store.begin_audit(&other).await, Ok(Begun::New), "another organization's");
    let running = store.audit(&first.id).await.unwrap().unwrap();
    assert_eq!(running, Audit { revision: 1, ..first.clone() });
    assert_eq!(store.audit(&audit(1).id).await, Ok(None));

    store.save_audit(&completed(&running, 60)).await.unwrap();
    let done = Some((first.id.clone(), at(60)));
    let expected = Audited { running: None, first_began_at: at(0), completed: done.clone() };
    assert_eq!(store.audited(ORG).await, Ok(Some(expected)));
    assert_eq!(store.begin_audit(&audit(70)).await, Ok(Begun::New));
    let second = store.audit(&audit(70).id).await.unwrap().unwrap();
    assert_eq!((running.is_first, second.is_first, second.previous_at), (true, false, Some(at(60))));
    store.save_audit(&failed(&second, 80)).await.unwrap();
    let head = store.audited(ORG).await.unwrap().unwrap();
    assert_eq!((head.running, head.completed), (None, done), "one that failed has seen nobody");
}

pub async fn of_many_audits_at_once_one_begins(store: Arc<impl Store>) {
    let begun =
        at_once(
            &store,
            8,
            |store, n| async move { store.begin_audit(&audit(i64::try_from(n).unwrap())).await.unwrap() },
        )
        .await;
    assert_eq!(begun.into_iter().filter(|begun| *begun == Begun::New).count(), 1);
}

pub async fn an_audit_is_saved_by_who_read_it_last(store: Arc<impl Store>) {
    store.begin_audit(&audit(0)).await.unwrap();
    let read = store.audit(&audit(0).id).await.unwrap().unwrap();
    let cursor = Paging {
        offset: 500,
        tail: vec![UserId(3)],
        previous: Some(500),
        filtered: false,
        pages: 1,
        fingerprint: Some(7),
        small: false,
        unread: false,
    };
    let page = Page { next: Some(cursor), members: 500, unreadable: 0, changes: 0 };
    let next = read.apply(AuditEvent::Listed(page), at(1)).unwrap();
    store.save_audit(&next).await.unwrap();
    assert_eq!(store.save_audit(&next).await, Err(SaveError::Conflict));
    assert_eq!(store.save_audit(&completed(&read, 2)).await, Err(SaveError::Conflict));
    assert_eq!(store.audit(&next.id).await, Ok(Some(Audit { revision: 2, ..next })));
}

pub async fn an_audit_waits_in_the_work_table_until_it_is_over(store: Arc<impl Store>) {
    let new = audit(0);
    store.begin_audit(&new).await.unwrap();
    assert_eq!(store.ready(at(1), None, 10).await, Ok(vec![new.waiting().unwrap()]));
    let read = store.audit(&new.id).await.unwrap().unwrap();
    let paused = podio_lifecycle::work::Waiting { not_before: Some(at(100)), ..read.waiting().unwrap() };
    store.wait_again(&paused).await.unwrap();
    assert_eq!(store.ready(at(99), None, 10).await, Ok(vec![]));
    assert_eq!(store.ready(at(100), None, 10).await, Ok(vec![paused]));
    store.save_audit(&completed(&read, 101)).await.unwrap();
    assert_eq!(store.ready(at(200), None, 10).await, Ok(vec![]));
    assert_eq!(JobId::new(JobId::AUDIT, &new.id), new.job());
}

pub async fn audits_are_listed_newest_first(store: Arc<impl Store>) {
    assert_eq!(store.audits(ORG, 10, None).await, Ok(Part { items: vec![], next: None }));
    for second in 0..5 {
        store.begin_audit(&audit(second * 10)).await.unwrap();
        let read = store.audit(&audit(second * 10).id).await.unwrap().unwrap();
        store.save_audit(&completed(&read, second * 10 + 5)).await.unwrap();
    }
    let mut seconds = Vec::new();
    let mut cursor = None;
    loop {
        let part = store.audits(ORG, 2, cursor.as_ref()).await.unwrap();
        seconds.extend(part.items.iter().map(|audit| audit.started_at));
        cursor = part.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seconds, [40, 30, 20, 10, 0].map(at));
}

pub async fn whom_an_audit_has_listed_is_told_once_each(store: Arc<impl Store>) {
    let id = audit(0).id;
    assert_eq!(store.listed(&id).await, Ok(vec![]));
    let note = async |page, users: &[u64]| {
        let users: Vec<UserId> = users.iter().copied().map(UserId).collect();
        store.note_listed(&id, page, &users, at(9_999)).await.unwrap();
    };
    note(0, &[5, 3]).await;
    note(1, &[3, 8]).await;
    note(1, &[3, 9]).await;
    assert_eq!(
        store.listed(&id).await,
        Ok([3, 5, 9].map(UserId).to_vec()),
        "a page that was read again is another one"
    );
    assert_eq!(store.listed(&audit(1).id).await, Ok(vec![]));
}

pub async fn members_come_back_as_stored_and_in_order(store: Arc<impl Store>) {
    let writes: Vec<MemberWrite> = [70, 5, 600, 12].map(|user| joined(user, 1)).to_vec();
    store.record_members(ORG, &writes).await.unwrap();
    store.record_members(OrgId(9), &[joined(5, 1)]).await.unwrap();
    let among = store.members_among(ORG, &[UserId(5), UserId(6), UserId(70), UserId(5)]).await.unwrap();
    assert_eq!(among.keys().copied().collect::<Vec<_>>(), [5, 70].map(UserId));
    assert_eq!(among[&UserId(5)], stored(&writes[1]));

    let ids = |part: &Part<Member, UserId>| part.items.iter().map(|member| member.user_id.0).collect::<Vec<_>>();
    let first = store.members(ORG, None, 3).await.unwrap();
    assert_eq!((ids(&first), first.next), (vec![5, 12, 70], Some(UserId(70))));
    let rest = store.members(ORG, first.next, 3).await.unwrap();
    assert_eq!((ids(&rest), rest.next), (vec![600], None));
}

pub async fn a_member_is_written_on_condition_of_what_was_read(store: Arc<impl Store>) {
    let new = joined(7, 1);
    store.record_members(ORG, std::slice::from_ref(&new)).await.unwrap();
    assert_eq!(store.record_members(ORG, std::slice::from_ref(&new)).await, Err(SaveError::Conflict));
    let id = audit(0).id;
    let left = look(&id, 9).left(&stored(&new), None, None);
    store.record_members(ORG, std::slice::from_ref(&left)).await.unwrap();
    assert_eq!(store.record_members(ORG, &[left]).await, Err(SaveError::Conflict));
    let plain = MemberWrite { changes: vec![], ..new };
    assert_eq!(store.record_members(ORG, &[plain]).await, Err(SaveError::Conflict));
    let changes = store.changes(ORG, at(0), None, 10).await.unwrap().items;
    assert_eq!(changes.iter().map(|change| change.kind).collect::<Vec<_>>(), [ChangeKind::Joined, ChangeKind::Left]);
    assert_eq!(store.current_members(ORG).await, Ok(vec![]), "who has left is a member no more");
}

pub async fn current_members_tell_who_is_stale(store: Arc<impl Store>) {
    let old = Sighting { last_seen_at: Some(at(0) - SignedDuration::from_hours(24 * 100)), ..sighting(3) };
    let id = audit(0).id;
    let stale = look(&id, 1).seen(None, &old, false).unwrap();
    store.record_members(ORG, &[joined(8, 1), stale]).await.unwrap();
    assert_eq!(store.current_members(ORG).await, Ok(vec![(UserId(3), true), (UserId(8), false)]));
    assert_eq!(store.current_members(OrgId(9)).await, Ok(vec![]));
}

pub async fn changes_come_in_the_order_of_time(store: Arc<impl Store>) {
    let writes: Vec<MemberWrite> = (1..=7).map(|user| joined(user, 10 - i64::try_from(user).unwrap())).collect();
    store.record_members(ORG, &writes).await.unwrap();
    let times = |changes: &[Change]| changes.iter().map(|change| change.at).collect::<Vec<_>>();
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let part = store.changes(ORG, at(5), cursor.as_ref(), 2).await.unwrap();
        found.extend(part.items);
        cursor = part.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(times(&found), [5, 6, 7, 8, 9].map(at), "those since, each once");
    assert_eq!(found[0], writes[4].changes[0]);
    assert_eq!(store.changes(OrgId(9), at(0), None, 10).await, Ok(Part { items: vec![], next: None }));
}
