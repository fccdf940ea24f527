//! The quota's record: no moment is given twice, however many workers ask.

use std::sync::Arc;

use jiff::SignedDuration;
use podio_engine::quota::{Ceiling, Heard, PATIENCE, Quota};
use podio_lifecycle::{
    ports::SaveError,
    work::{Calls, JobId, Priority, Waiting},
};

use super::{Store, at, at_once};

fn job(number: u64) -> Waiting {
    Waiting {
        job: JobId::new("test", number),
        priority: Priority::Interactive,
        place: at(0),
        since: at(0),
        not_before: None,
        faulted_at: None,
        calls: Calls::of("look", 1),
        group: None,
    }
}

pub async fn the_quota_is_written_on_condition_of_what_was_read(store: Arc<impl Store>) {
    let ceiling = Ceiling::new(250, SignedDuration::from_hours(1)).unwrap();
    assert_eq!(store.read().await, Ok((Quota::default(), 0)));

    let mut quota = Quota::default();
    let waiting: Vec<_> = (0..20).map(job).collect();
    let orders = quota.choose(&waiting, at(0), PATIENCE, ceiling);
    quota.ended(&orders[3], false, at(1));
    assert_eq!(store.write(0, &quota).await, Ok(()));
    assert_eq!(store.read().await, Ok((quota.clone(), 1)), "with the jobs that it names");
    let heard = Heard { route: "look".to_owned(), at: at(0), limit: Some(100), remaining: Some(50) };
    quota.learn(&heard, at(1), ceiling);
    quota.refused(at(1), Some(SignedDuration::from_secs(90)), ceiling);
    quota.outages.unanswered("look", 4, at(2));
    assert_eq!(store.write(1, &quota).await, Ok(()));
    assert_eq!(store.read().await, Ok((quota.clone(), 2)));
    assert_eq!(store.quota().await, Ok(quota.clone()));

    assert_eq!(store.write(1, &quota).await, Err(SaveError::Conflict));
    assert_eq!(store.write(3, &quota).await, Err(SaveError::Conflict));
    assert_eq!(store.write(0, &quota).await, Err(SaveError::Conflict), "there is one");
    assert_eq!(store.write(2, &quota).await, Ok(()));
}

pub async fn workers_that_reserve_at_once_never_share_a_moment(store: Arc<impl Store>) {
    const ROUNDS: u64 = 15;
    let ceiling = Ceiling::new(7, SignedDuration::from_secs(10)).unwrap();
    let given = at_once(&store, 4, move |store, worker| async move {
        let mut given = Vec::new();
        for round in 0..ROUNDS {
            // Workers' clocks differ, and each asks for another number at another time.
            let mixed = (worker * ROUNDS + round).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let now = at(0) + SignedDuration::from_millis(i64::try_from(round * 6_000 + mixed % 1_000).unwrap());
            let first = (worker * ROUNDS + round) * 10;
            let waiting: Vec<_> = (first..first + (mixed >> 61)).map(job).collect();
            loop {
                let (mut quota, revision) = store.read().await.unwrap();
                let orders = quota.choose(&waiting, now, PATIENCE, ceiling);
                match store.write(revision, &quota).await {
                    Ok(()) => {
                        given.extend(orders.iter().flat_map(|order| &order.moments).map(|reserved| reserved.at));
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
    assert!(given.len() > 30, "{} moments", given.len());
    for pair in given.windows(ceiling.limit() + 1) {
        let apart = pair[ceiling.limit()].duration_since(pair[0]);
        assert!(apart >= ceiling.span(), "{apart} between {pair:?}");
    }
    assert_eq!(store.read().await.unwrap().1, 4 * ROUNDS, "each write counts one");
}
