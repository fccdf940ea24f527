//! What the sweep finds.

use std::sync::Arc;

use podio_lifecycle::{
    ids::SpaceId,
    offboarding::{Due, DueKind, Offboarding, PersonClaim, State},
    ports::DueItem,
    removal::RemovalState,
};

use super::{Store, accepted, at, batch_key, leaver, plan};

fn due(kind: DueKind, second: i64, offboarding: Offboarding) -> Offboarding {
    Offboarding { due: Some(Due { kind, at: at(second) }), ..offboarding }
}

fn scheduled(mail: &str, second: i64) -> Offboarding {
    due(DueKind::Start, second, Offboarding { state: State::Scheduled, ..leaver(mail, 0) })
}

fn removing(offboarding: &Offboarding) -> Offboarding {
    Offboarding { state: State::Removing, due: None, ..offboarding.clone() }
}

pub async fn each_is_found_when_its_time_has_come(store: Arc<impl Store>) {
    let late = accepted(&*store, scheduled("late@example.com", 300)).await;
    let soon = accepted(&*store, scheduled("soon@example.com", 100)).await;
    let watched = accepted(&*store, due(DueKind::Watch, 50, leaver("watched@example.com", 0))).await;

    let found = async |kind, second, limit| store.due(kind, at(second), limit).await.unwrap();
    assert_eq!(found(DueKind::Start, 99, 10).await, []);
    assert_eq!(found(DueKind::Start, 100, 10).await, [DueItem::Offboarding(soon.id.clone())]);
    let both = [DueItem::Offboarding(soon.id.clone()), DueItem::Offboarding(late.id)];
    assert_eq!(found(DueKind::Start, 300, 10).await, both);
    assert_eq!(found(DueKind::Start, 300, 1).await, both[..1]);
    assert_eq!(found(DueKind::Watch, 300, 10).await, [DueItem::Offboarding(watched.id)]);

    let held = Offboarding { due: None, ..soon };
    store.save(0, &held, PersonClaim::Keep, None).await.unwrap();
    assert_eq!(found(DueKind::Start, 300, 10).await, both[1..], "what needs no look is not found");
}

pub async fn a_batch_is_watched_until_it_is_counted(store: Arc<impl Store>) {
    let jane = accepted(&*store, removing(&leaver("jane@example.com", 0))).await;
    store.create_batches(&plan(&jane, 11, Some(at(60)))).await.unwrap();
    let found = async |second| store.due(DueKind::Watch, at(second), 10).await.unwrap();
    let batch = |number| DueItem::Batch(jane.id.clone(), batch_key(number));
    assert_eq!(found(60).await.len(), 2);

    store.stamp(&jane.id, batch_key(0), &[], Some(at(500))).await.unwrap();
    assert_eq!(found(60).await, [batch(1)]);
    assert_eq!(found(500).await, [batch(1), batch(0)], "the longest due comes first");

    store.settle(&jane.id, batch_key(1), SpaceId(11), RemovalState::Removed, at(70)).await.unwrap();
    assert_eq!(found(60).await, [batch(1)], "settled but not counted: a crash in between must be seen");
    store.save(0, &jane, PersonClaim::Keep, Some(batch_key(1))).await.unwrap();
    assert_eq!(found(60).await, []);

    store.stamp(&jane.id, batch_key(0), &[], None).await.unwrap();
    assert_eq!(found(500).await, []);
}

pub async fn those_at_work_are_told_oldest_first(store: Arc<impl Store>) {
    let removing = accepted(&*store, removing(&leaver("a@example.com", 1))).await;
    store.create_batches(&plan(&removing, 25, Some(at(900)))).await.unwrap();
    let scheduled = accepted(&*store, scheduled("b@example.com", 300)).await;
    let planning = accepted(&*store, leaver("c@example.com", 3)).await;
    accepted(
        &*store,
        Offboarding { state: State::Cancelled { duplicate_of: None }, due: None, ..leaver("d@example.com", 4) },
    )
    .await;

    let mut all = [scheduled, removing, planning];
    all.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(store.active(10).await.unwrap(), all);
    assert_eq!(store.active(2).await.unwrap(), all[..2]);
}
