//! The reservation log: no slot is given twice, however many workers ask.

use std::sync::Arc;

use jiff::SignedDuration;
use podio_lifecycle::{
    ports::SaveError,
    quota::{Ceiling, ReservationLog, Slot},
};

use super::{Store, at, at_once};

pub async fn the_log_is_written_on_condition_of_what_was_read(store: Arc<impl Store>) {
    let ceiling = Ceiling::new(250, SignedDuration::from_hours(1)).unwrap();
    assert_eq!(store.read().await, Ok((ReservationLog::default(), 0)));

    let mut log = ReservationLog::default();
    log.reserve(at(0), 600, ceiling);
    log.rejected(at(1), Some(SignedDuration::from_secs(90)), ceiling);
    assert_eq!(store.write(0, &log).await, Ok(()));
    assert_eq!(store.read().await, Ok((log.clone(), 1)));
    assert_eq!(store.quota().await, Ok(log.clone()));

    assert_eq!(store.write(0, &log).await, Err(SaveError::Conflict));
    assert_eq!(store.write(2, &log).await, Err(SaveError::Conflict));
    assert_eq!(store.write(1, &log).await, Ok(()));
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
                let (mut log, revision) = store.read().await.unwrap();
                let slots = log.reserve(now, count, ceiling);
                match store.write(revision, &log).await {
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
        assert!(apart >= ceiling.window() + ceiling.margin(), "{apart} between {pair:?}");
    }
    assert_eq!(store.read().await.unwrap().1, 4 * ROUNDS, "each write counts one");
}
