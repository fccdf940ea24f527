//! The reservation log: no slot is given twice, however many workers ask.

use std::sync::Arc;

use jiff::SignedDuration;
use podio_lifecycle::{
    ports::SaveError,
    quota::{Ceiling, Lane, Quota, Seen, Slot},
};

use super::{Store, at, at_once, slots_for};

pub async fn the_quota_is_written_on_condition_of_what_was_read(store: Arc<impl Store>) {
    let ceiling = Ceiling::new(250, SignedDuration::from_hours(1)).unwrap();
    assert_eq!(store.read().await, Ok((Quota::default(), 0)));

    let mut quota = Quota::default();
    slots_for(&mut quota, Lane::Removal, 600, at(0), ceiling);
    slots_for(&mut quota, Lane::Interactive, 2, at(0), ceiling);
    assert_eq!(store.write(0, &quota).await, Ok(()));
    assert_eq!(store.read().await, Ok((quota.clone(), 1)), "with those who have overtaken others");
    quota.observe(&Seen { route: "GET /org/{org_id}", limit: Some(100), remaining: Some(99) }, at(1), ceiling);
    quota.rejected(at(1), Some(SignedDuration::from_secs(90)), ceiling);
    assert_eq!(quota.logs.len(), 2);
    assert_eq!(store.write(1, &quota).await, Ok(()));
    assert_eq!(store.read().await, Ok((quota.clone(), 2)));
    assert_eq!(store.quota().await, Ok(quota.clone()));

    assert_eq!(store.write(1, &quota).await, Err(SaveError::Conflict));
    assert_eq!(store.write(3, &quota).await, Err(SaveError::Conflict));
    assert_eq!(store.write(2, &quota).await, Ok(()));
}

pub async fn workers_that_reserve_at_once_never_share_a_slot(store: Arc<impl Store>) {
    const ROUNDS: u64 = 15;
    let ceiling = Ceiling::new(7, SignedDuration::from_secs(10)).unwrap();
    let given = at_once(&store, 4, move |store, worker| async move {
        let mut given: Vec<Slot> = Vec::new();
        for round in 0..ROUNDS {
            // Workers' clocks differ, and each asks for another number at another time.
            let mixed = (worker * ROUNDS + round).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let now = at(0) + SignedDuration::from_millis(i64::try_from(round * 900 + mixed % 1_700).unwrap());
            let count = usize::try_from(mixed >> 61).unwrap();
            loop {
                let (mut quota, revision) = store.read().await.unwrap();
                let slots = slots_for(&mut quota, Lane::Removal, count, now, ceiling);
                match store.write(revision, &quota).await {
                    Ok(()) => {
                        given.extend(slots);
                        break;
                    }
                    Err(SaveError::Conflict) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        given
    })
    .await;

    let mut given: Vec<_> = given.into_iter().flatten().collect();
    given.sort_unstable();
    assert!(given.len() > 100, "{} slots", given.len());
    for pair in given.windows(ceiling.limit() + 1) {
        let apart = pair[ceiling.limit()].0.duration_since(pair[0].0);
        assert!(apart >= ceiling.span(), "{apart} between {pair:?}");
    }
    assert_eq!(store.read().await.unwrap().1, 4 * ROUNDS, "each write counts one");
}
