//! Space removals: each settled once, whatever happens to its neighbours.

use std::sync::Arc;

use jiff::Timestamp;
use podio_lifecycle::{
    ids::SpaceId,
    offboarding::PersonClaim,
    ports::{SaveError, StoreError},
    quota::Slot,
    removal::{Company, RemovalState, Tally},
};

use super::{Store, accepted, at, at_once, batch_key, leaver, plan};

const FIRST: SpaceId = SpaceId(1);
const SECOND: SpaceId = SpaceId(2);

fn slot(second: i64) -> Slot {
    Slot(at(second))
}

pub async fn a_plan_is_stored_in_order_and_stays_as_it_is(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let batches = plan(&jane, 123, Some(at(60)));
    store.create_batches(&batches).await.unwrap();
    assert_eq!(store.batches(&jane.id, 1).await, Ok(batches.clone()));
    assert_eq!(store.batches(&jane.id, 2).await, Ok(vec![]));
    assert_eq!(store.batch(&jane.id, batch_key(12)).await, Ok(Some(batches[12].clone())));
    assert_eq!(store.batch(&jane.id, batch_key(13)).await, Ok(None));

    store.settle(&jane.id, batch_key(0), FIRST, RemovalState::Removed, at(5)).await.unwrap();
    store.create_batches(&batches).await.unwrap();
    let first = store.batch(&jane.id, batch_key(0)).await.unwrap().unwrap();
    assert_eq!(first.tally(), Tally { removed: 1, pending: 9, ..Tally::default() }, "stored anew, it stays settled");
}

pub async fn a_space_is_settled_once(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    store.create_batches(&plan(&jane, 2, Some(at(60)))).await.unwrap();

    let settled = store.settle(&jane.id, batch_key(0), FIRST, RemovalState::AlreadyGone, at(5)).await.unwrap();
    assert!(settled.first);
    let entry = settled.batch.space(FIRST).unwrap();
    assert_eq!((entry.state, entry.settled_at), (RemovalState::AlreadyGone, Some(at(5))));
    assert_eq!(settled.batch.due_at, Some(at(60)), "the other space is still watched");
    assert_eq!(settled.batch.revision, 1);

    let again = store.settle(&jane.id, batch_key(0), FIRST, RemovalState::Removed, at(6)).await.unwrap();
    assert!(!again.first);
    assert_eq!(again.batch, settled.batch, "and nothing has changed");
}

pub async fn many_workers_settle_each_space_once_and_one_of_them_sees_the_end(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    store.create_batches(&plan(&jane, 10, Some(at(60)))).await.unwrap();

    let id = jane.id.clone();
    let answers = at_once(&store, 40, move |store, n| {
        let id = id.clone();
        async move {
            let space = SpaceId(n % 10 + 1);
            let settled = store.settle(&id, batch_key(0), space, RemovalState::Removed, at(5)).await;
            (space, settled.unwrap())
        }
    })
    .await;

    let mut first: Vec<_> = answers.iter().filter(|(_, settled)| settled.first).map(|(space, _)| space.0).collect();
    first.sort_unstable();
    assert_eq!(first, (1..=10).collect::<Vec<_>>());
    let ends = answers.iter().filter(|(_, settled)| settled.first && settled.batch.is_settled()).count();
    assert_eq!(ends, 1);
    let batch = store.batch(&jane.id, batch_key(0)).await.unwrap().unwrap();
    assert_eq!((batch.tally().removed, batch.revision), (10, 10));
}

pub async fn slots_are_noted_and_forgotten(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    store.create_batches(&plan(&jane, 3, Some(at(60)))).await.unwrap();
    let slots = [(FIRST, Some(slot(100))), (SECOND, Some(slot(110)))];
    store.stamp(&jane.id, batch_key(0), &slots, Some(at(110))).await.unwrap();
    let batch = store.batch(&jane.id, batch_key(0)).await.unwrap().unwrap();
    assert_eq!(batch.space(FIRST).unwrap().slot, Some(slot(100)));
    assert_eq!(batch.space(SECOND).unwrap().slot, Some(slot(110)));
    assert_eq!((batch.due_at, batch.revision), (Some(at(110)), 1));

    store.stamp(&jane.id, batch_key(0), &[(FIRST, None)], None).await.unwrap();
    let batch = store.batch(&jane.id, batch_key(0)).await.unwrap().unwrap();
    assert_eq!((batch.space(FIRST).unwrap().slot, batch.due_at), (None, None));
    assert_eq!(batch.space(SECOND).unwrap().slot, Some(slot(110)));

    store.stamp(&jane.id, batch_key(0), &[], Some(at(70))).await.unwrap();
    assert_eq!(store.batch(&jane.id, batch_key(0)).await.unwrap().unwrap().due_at, Some(at(70)));
}

pub async fn a_late_stamp_changes_nothing_that_is_settled(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    store.create_batches(&plan(&jane, 2, Some(at(60)))).await.unwrap();
    let settled = store.settle(&jane.id, batch_key(0), FIRST, RemovalState::Removed, at(5)).await.unwrap();
    let slots = [(FIRST, Some(slot(100))), (SECOND, Some(slot(110)))];
    store.stamp(&jane.id, batch_key(0), &slots, Some(at(110))).await.unwrap();
    let batch = store.batch(&jane.id, batch_key(0)).await.unwrap().unwrap();
    assert_eq!(batch.space(FIRST), settled.batch.space(FIRST));
    assert_eq!(batch.space(SECOND).unwrap().slot, Some(slot(110)));

    store.settle(&jane.id, batch_key(0), SECOND, RemovalState::Removed, at(6)).await.unwrap();
    store.save(0, &jane, PersonClaim::Keep, Some(batch_key(0))).await.unwrap();
    let counted = store.batch(&jane.id, batch_key(0)).await.unwrap();
    store.stamp(&jane.id, batch_key(0), &slots, Some(at(120))).await.unwrap();
    assert_eq!(store.batch(&jane.id, batch_key(0)).await.unwrap(), counted, "nobody watches what is counted");

    store.discard_batch(&jane.id, batch_key(0)).await.unwrap();
    assert_eq!(store.stamp(&jane.id, batch_key(0), &slots, Some(at(120))).await, Ok(()));
    assert_eq!(store.batch(&jane.id, batch_key(0)).await, Ok(None), "nor does a stamp bring back what is gone");
}

pub async fn a_slot_that_was_noted_is_taken_once(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    store.create_batches(&plan(&jane, 3, Some(at(60)))).await.unwrap();
    let noted = [(FIRST, Some(slot(100))), (SECOND, Some(slot(110)))];
    store.stamp(&jane.id, batch_key(0), &noted, Some(at(110))).await.unwrap();
    let both = [(FIRST, slot(100)), (SECOND, slot(110))];

    let another = [(FIRST, slot(100)), (SECOND, slot(111))];
    assert_eq!(store.take_slots(&jane.id, batch_key(0), &another).await, Ok(false), "not what was noted");
    assert_eq!(store.batch(&jane.id, batch_key(0)).await.unwrap().unwrap().space(FIRST).unwrap().slot, Some(slot(100)));

    assert_eq!(store.take_slots(&jane.id, batch_key(0), &both).await, Ok(true));
    assert_eq!(store.take_slots(&jane.id, batch_key(0), &both).await, Ok(false), "a duplicate comes too late");
    let batch = store.batch(&jane.id, batch_key(0)).await.unwrap().unwrap();
    assert_eq!((batch.space(FIRST).unwrap().slot, batch.due_at), (None, Some(at(110))));

    assert_eq!(store.take_slots(&jane.id, batch_key(9), &both).await, Ok(false), "a batch that is gone");
}

pub async fn failures_are_counted_for_pending_spaces_only(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    store.create_batches(&plan(&jane, 2, Some(at(60)))).await.unwrap();
    store.stamp(&jane.id, batch_key(0), &[(FIRST, Some(slot(100)))], Some(at(100))).await.unwrap();

    assert_eq!(store.failed_attempt(&jane.id, batch_key(0), FIRST, at(102)).await, Ok(1));
    assert_eq!(store.failed_attempt(&jane.id, batch_key(0), FIRST, at(106)).await, Ok(2));
    let batch = store.batch(&jane.id, batch_key(0)).await.unwrap().unwrap();
    let entry = batch.space(FIRST).unwrap();
    assert_eq!((entry.attempts, entry.slot, batch.due_at), (2, None, Some(at(106))));
    assert_eq!(batch.space(SECOND).unwrap().attempts, 0);

    store.settle(&jane.id, batch_key(0), FIRST, RemovalState::Removed, at(107)).await.unwrap();
    assert_eq!(store.failed_attempt(&jane.id, batch_key(0), FIRST, at(200)).await, Ok(2));
    let batch = store.batch(&jane.id, batch_key(0)).await.unwrap().unwrap();
    assert_eq!(batch.due_at, Some(at(106)), "a late failure postpones nothing");
}

pub async fn planning_replaces_the_batch_that_it_has_read(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let mut batch = plan(&jane, 2, None).remove(0);
    batch.spaces[0].state = RemovalState::Unchecked;
    store.create_batches(std::slice::from_ref(&batch)).await.unwrap();
    let settled = store.settle(&jane.id, batch_key(0), FIRST, RemovalState::Removed, at(5)).await.unwrap();
    assert!(!settled.first, "what nobody has looked at cannot be settled");

    batch.spaces[0].state = RemovalState::NotAMember;
    batch.spaces[0].settled_at = Some(at(6));
    batch.spaces[1].company = Company::OthersWithoutAdmin;
    batch.spaces[1].name = None;
    batch.due_at = Some(at(60));
    assert_eq!(store.replace_batch(&batch).await, Ok(()));
    assert_eq!(store.replace_batch(&batch).await, Err(SaveError::Conflict));
    batch.revision = 1;
    assert_eq!(store.batch(&jane.id, batch_key(0)).await, Ok(Some(batch.clone())));

    store.discard_batch(&jane.id, batch_key(0)).await.unwrap();
    assert_eq!(store.replace_batch(&batch).await, Err(SaveError::Conflict), "what was discarded does not come back");
}

pub async fn a_job_for_what_is_not_there_is_an_error(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    store.create_batches(&plan(&jane, 2, None)).await.unwrap();
    let is_corrupt = |error: Option<StoreError>| assert!(matches!(error, Some(StoreError::Corrupt(_))), "{error:?}");
    let unknown = SpaceId(99);
    let later: Timestamp = at(60);
    for (batch, space) in [(batch_key(0), unknown), (batch_key(7), FIRST)] {
        is_corrupt(store.settle(&jane.id, batch, space, RemovalState::Removed, at(5)).await.err());
        is_corrupt(store.failed_attempt(&jane.id, batch, space, later).await.err());
    }
    is_corrupt(store.stamp(&jane.id, batch_key(0), &[(unknown, Some(slot(1)))], Some(later)).await.err());
}
