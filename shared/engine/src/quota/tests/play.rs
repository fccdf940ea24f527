//! What is played ahead is what the dispatch does.

use super::*;

/// The moments that so many removals get, in order, by a dispatch every half a minute, and at once after one that is full.
fn dispatched(mut quota: Quota, removals: u64, ceiling: Ceiling) -> Vec<Timestamp> {
    let mut waiting: Vec<_> = (0..removals).map(removal).collect();
    let mut given = Vec::new();
    let mut now = 0;
    while !waiting.is_empty() {
        let orders = quota.choose(&waiting[..waiting.len().min(300)], at(now), PATIENCE, ceiling);
        now += if orders.len() == MOST_JOBS { 1_000 } else { 30_000 };
        for order in orders {
            given.push(order.attempt());
            waiting.retain(|job| job.job != order.job);
        }
    }
    given
}

fn played(quota: Quota, removals: u64, ceiling: Ceiling) -> Vec<Timestamp> {
    let mut play = Play::new(quota, at(0), usize::try_from(removals).unwrap(), ceiling);
    let next = |number| {
        let moment = play.next(&removal(number));
        play.done(1);
        moment
    };
    (0..removals).map(next).collect()
}

#[test]
fn what_is_played_is_what_the_dispatch_gives() {
    let mut busy = Quota::default();
    let spent: Vec<_> =
        (1_000..1_015).map(|n| job(n, Priority::Interactive, Calls::back_to_back(["look"; 10]))).collect();
    busy.choose(&spent, at(-600_000), PATIENCE, hour());
    for (quota, removals) in [(Quota::default(), 12), (Quota::default(), 700), (busy.clone(), 80), (busy, 700)] {
        let played = played(quota.clone(), removals, hour());
        assert_no_window_exceeded(&played, hour());
        for (n, (came, said)) in dispatched(quota, removals, hour()).into_iter().zip(played).enumerate() {
            let off = came.duration_since(said).abs();
            let most = secs(60).max(came.duration_since(at(0)) / 20);
            assert!(off <= most, "{n} of {removals}: {came}, not {said}");
        }
    }
}

#[test]
fn who_has_moments_already_is_not_given_others() {
    let mut quota = Quota::default();
    let orders = quota.choose(&[removal(1)], at(0), PATIENCE, ceiling(2, 100));
    let reserved = orders[0].attempt();
    let mut play = Play::new(quota, at(0), 2, ceiling(2, 100));
    assert_eq!(play.next(&removal(1)), reserved);
    assert!(play.next(&job(2, Priority::Interactive, Calls::of("look", 1))) < at(1_000), "the second of two");
    assert_eq!(play.next(&job(3, Priority::Interactive, Calls::of("look", 1))), reserved + ceiling(2, 100).span());
}

#[test]
fn an_outage_is_taken_to_be_over_and_a_block_is_not() {
    let mut quota = Quota::default();
    (0..5).for_each(|job| quota.outages.unanswered("leave", job, at(0)));
    quota.refused(at(0), Some(secs(50)), hour());
    assert_eq!(Play::new(quota, at(0), 1, hour()).next(&removal(1)), at(54_000));
}
