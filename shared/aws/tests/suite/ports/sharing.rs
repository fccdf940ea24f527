//! Several leavers out of one space by one call: who rides with whom.

use std::sync::Arc;

use podio_lifecycle::{
    ids::{OffboardingId, SpaceId},
    job::BatchKey,
    offboarding::{DueKind, Offboarding, PersonClaim},
    ports::{DueItem, StoreError},
    removal::{RemovalBatch, RemovalState, Ride},
    sharing::Rider,
};

use super::{Store, accepted, at, at_once, batch_key, leaver, plan};

const FIRST: SpaceId = SpaceId(1);
const SECOND: SpaceId = SpaceId(2);

fn rider(offboarding: &Offboarding, number: u32, spaces: &[u64]) -> Rider {
    let spaces = spaces.iter().copied().map(SpaceId).collect();
    Rider { offboarding: offboarding.id.clone(), key: batch_key(number), spaces }
}

/// John's batch, both spaces of which Jane's calls leave.
async fn riding(store: &impl Store, jane: &OffboardingId, john: &Offboarding) -> RemovalBatch {
    let mut batch = plan(john, 2, Some(at(60))).remove(0);
    batch.drivers = vec![(jane.clone(), batch_key(0))];
    for space in &mut batch.spaces {
        space.ride = Some(Ride { driver: 0, shared: false });
    }
    store.create_batches(std::slice::from_ref(&batch)).await.unwrap();
    batch
}

pub async fn riders_stand_beside_the_batch_that_they_ride_with(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let (john, joan) = (leaver("john@example.com", 1), leaver("joan@example.com", 2));
    store.create_batches(&plan(&jane, 23, Some(at(60)))).await.unwrap();
    assert_eq!(store.riders(&jane.id, batch_key(0)).await, Ok(vec![]));

    let expected = [rider(&john, 0, &[1, 2]), rider(&john, 3, &[7]), rider(&joan, 0, &[u64::MAX])];
    let riders = expected.clone();
    let id = jane.id.clone();
    at_once(&store, 3, move |store, n| {
        let (id, rider) = (id.clone(), riders[n as usize].clone());
        async move { store.ride(&id, batch_key(0), &rider, at(9_000)).await.unwrap() }
    })
    .await;
    store.ride(&jane.id, batch_key(1), &rider(&john, 1, &[11]), at(9_000)).await.unwrap();
    store.ride(&jane.id, BatchKey { plan: 10, number: 0 }, &rider(&john, 2, &[4]), at(9_000)).await.unwrap();

    assert_eq!(store.riders(&jane.id, batch_key(0)).await, Ok(expected.to_vec()));
    assert_eq!(store.riders(&jane.id, batch_key(1)).await, Ok(vec![rider(&john, 1, &[11])]));
    assert_eq!(store.riders(&jane.id, batch_key(2)).await, Ok(vec![]));
    assert_eq!(store.riders(&john.id, batch_key(0)).await, Ok(vec![]));
    assert_eq!(store.batches(&jane.id, 1).await.unwrap().len(), 3, "a rider is no batch");
    assert_eq!(store.calls(&jane.id).await, Ok(vec![]), "nor a call");

    let mut again = rider(&john, 0, &[9]);
    again.key.plan = 44;
    store.ride(&jane.id, batch_key(0), &again, at(9_001)).await.unwrap();
    let riders = store.riders(&jane.id, batch_key(0)).await.unwrap();
    assert_eq!((riders.len(), &riders[0]), (3, &again), "a new plan takes the place of the old one");
}

pub async fn a_ride_comes_back_as_it_was_stored(store: Arc<impl Store>) {
    let jane = leaver("jane@example.com", 0);
    let john = accepted(&*store, leaver("john@example.com", 1)).await;
    let mut batch = riding(&*store, &jane.id, &john).await;
    assert_eq!(store.batch(&john.id, batch_key(0)).await, Ok(Some(batch.clone())));

    batch.drivers.push((jane.id.clone(), batch_key(7)));
    batch.spaces[0].ride = None;
    batch.spaces[1].ride = Some(Ride { driver: 1, shared: true });
    store.replace_batch(&batch).await.unwrap();
    batch.revision = 1;
    assert_eq!(store.batches(&john.id, 1).await, Ok(vec![batch]));
}

pub async fn a_shared_call_is_noted_for_who_is_pending_and_rides(store: Arc<impl Store>) {
    let jane = leaver("jane@example.com", 0);
    let john = accepted(&*store, leaver("john@example.com", 1)).await;
    riding(&*store, &jane.id, &john).await;

    assert_eq!(store.mark_shared(&john.id, batch_key(0), FIRST).await, Ok(true));
    assert_eq!(store.mark_shared(&john.id, batch_key(0), FIRST).await, Ok(true), "twice is once");
    let batch = store.batch(&john.id, batch_key(0)).await.unwrap().unwrap();
    assert_eq!(batch.space(FIRST).unwrap().ride, Some(Ride { driver: 0, shared: true }));
    assert_eq!(batch.space(SECOND).unwrap().ride, Some(Ride { driver: 0, shared: false }));

    store.dismount(&john.id, batch_key(0), &[FIRST], at(70)).await.unwrap();
    assert_eq!(store.mark_shared(&john.id, batch_key(0), FIRST).await, Ok(false), "it rides no more");
    store.settle(&john.id, batch_key(0), SECOND, RemovalState::AlreadyGone, at(5)).await.unwrap();
    let settled = store.batch(&john.id, batch_key(0)).await;
    assert_eq!(store.mark_shared(&john.id, batch_key(0), SECOND).await, Ok(false));
    assert_eq!(store.mark_shared(&john.id, batch_key(0), SpaceId(99)).await, Ok(false));
    assert_eq!(store.mark_shared(&john.id, batch_key(9), FIRST).await, Ok(false));
    assert_eq!(store.batch(&john.id, batch_key(0)).await, settled, "and nothing has changed");
}

pub async fn who_dismounts_is_watched_for_itself(store: Arc<impl Store>) {
    let jane = leaver("jane@example.com", 0);
    let john = accepted(&*store, leaver("john@example.com", 1)).await;
    let before = riding(&*store, &jane.id, &john).await;
    assert!(before.jobs(at(0)).is_empty());
    store.mark_shared(&john.id, batch_key(0), FIRST).await.unwrap();

    let batch = store.dismount(&john.id, batch_key(0), &[FIRST, SECOND], at(70)).await.unwrap().unwrap();
    assert_eq!(store.batch(&john.id, batch_key(0)).await, Ok(Some(batch.clone())));
    assert_eq!((batch.jobs(at(0)).len(), batch.due_at, batch.revision), (2, Some(at(70)), 2));
    assert!(store.replace_batch(&before).await.is_err(), "who has read it before reads it again");
    let watched = DueItem::Batch(john.id.clone(), batch_key(0));
    assert_eq!(store.due(DueKind::Watch, at(70), 10).await.map(|due| due.contains(&watched)), Ok(true));

    let unknown = store.dismount(&john.id, batch_key(0), &[SpaceId(99)], at(70)).await;
    assert!(matches!(unknown, Err(StoreError::Corrupt(_))), "{unknown:?}");
    assert_eq!(store.dismount(&john.id, batch_key(9), &[FIRST], at(70)).await, Ok(None));
    for space in [FIRST, SECOND] {
        store.settle(&john.id, batch_key(0), space, RemovalState::Removed, at(5)).await.unwrap();
    }
    store.save(0, &john, PersonClaim::Keep, Some(batch_key(0))).await.unwrap();
    assert_eq!(store.dismount(&john.id, batch_key(0), &[FIRST], at(80)).await, Ok(None), "nobody watches it again");
}
