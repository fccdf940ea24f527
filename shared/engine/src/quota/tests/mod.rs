//! What the quota promises, whatever is asked of it.

mod order;
mod others;
mod pace;
mod play;
mod windows;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    hooks::HookRef,
    ids::SpaceId,
    work::{Calls, Group, JobId, Priority, Waiting},
};

use super::*;

/// Some moment of some day.
const START: i64 = 1_700_000_000_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(START + ms).unwrap()
}

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn ceiling(limit: u32, window: i64) -> Ceiling {
    Ceiling::new(limit, secs(window)).unwrap()
}

/// An hour of 250 calls, as Podio's guide has it.
fn hour() -> Ceiling {
    ceiling(250, 3_600)
}

/// A job of that number, placed by it.
fn job(number: u64, priority: Priority, calls: Calls) -> Waiting {
    let place = at(i64::try_from(number).unwrap());
    let kind = if priority == Priority::Removal { JobId::SPACE } else { "test" };
    Waiting {
        job: JobId::new(kind, number),
        priority,
        place,
        since: place,
        not_before: None,
        faulted_at: None,
        calls,
        group: (priority == Priority::Removal).then_some(Group::Space(SpaceId(number))),
    }
}

fn removal(number: u64) -> Waiting {
    job(number, Priority::Removal, Calls::of("leave", 1))
}

fn subjects(orders: &[Order]) -> Vec<&str> {
    orders.iter().map(|order| order.job.subject.as_str()).collect()
}

fn moments(orders: &[Order]) -> Vec<Timestamp> {
    let mut moments: Vec<_> = orders.iter().flat_map(|order| &order.moments).map(|reserved| reserved.at).collect();
    moments.sort_unstable();
    moments
}

/// Fails where more calls than the ceiling allows lie in one window, wherever it begins.
fn assert_no_window_exceeded(moments: &[Timestamp], ceiling: Ceiling) {
    let mut sorted = moments.to_vec();
    sorted.sort_unstable();
    for (first, last) in sorted.iter().zip(sorted.iter().skip(ceiling.limit())) {
        let apart = last.duration_since(*first);
        assert!(apart > ceiling.window(), "{} calls within {apart:?}: {first} to {last}", ceiling.limit() + 1);
    }
}

#[test]
fn the_record_survives_storage() {
    let mut quota = Quota::default();
    let waiting: Vec<_> = (0..20).map(removal).collect();
    quota.choose(&waiting, at(0), PATIENCE, hour());
    quota.refused(at(9), None, hour());
    quota.outages.unanswered("leave", 4, at(9));
    let heard = Heard { route: "leave".to_owned(), at: at(8), limit: Some(1_000), remaining: Some(3) };
    quota.learn(&heard, at(9), hour());
    let stored = serde_json::to_string(&quota).unwrap();
    assert_eq!(serde_json::from_str::<Quota>(&stored).unwrap(), quota);
    assert_eq!(serde_json::from_str::<Quota>("{}").unwrap(), Quota::default());
}

#[test]
fn a_full_hour_of_a_thousand_calls_stays_small() {
    let mut quota = Quota::default();
    let waiting: Vec<_> = (0..20).map(|n| job(n, Priority::Interactive, Calls::of("look", 10))).collect();
    for round in 0..10 {
        quota.named.clear();
        quota.choose(&waiting, at(round * 60_000), PATIENCE, ceiling(1_000, 3_600));
    }
    let size = serde_json::to_string(&quota).unwrap().len();
    assert!(size < 40_000, "{size} bytes, of 400,000 that an item may have");
}

#[test]
fn a_lower_ceiling_is_believed_at_once_and_a_higher_one_after_three_answers() {
    let mut quota = Quota::default();
    let mut hear = |limit| {
        let heard = Heard { route: "look".to_owned(), at: at(0), limit: Some(limit), remaining: None };
        quota.learn(&heard, at(0), hour());
        quota.ceiling("look", hour()).limit()
    };
    assert_eq!(hear(100), 100);
    assert_eq!([hear(1_000), hear(1_000)], [100, 100]);
    assert_eq!([hear(500), hear(1_000), hear(1_000)], [100, 100, 100], "three in a row");
    assert_eq!(hear(1_000), 1_000);
    assert_eq!(hear(250), 250);
}

#[test]
fn nonsense_in_the_headers_teaches_nothing() {
    let mut quota = Quota::default();
    for (limit, remaining) in [(None, Some(3)), (Some(0), Some(0)), (Some(10), Some(11))] {
        let heard = Heard { route: "look".to_owned(), at: at(0), limit, remaining };
        assert_eq!(quota.learn(&heard, at(0), hour()), 0);
    }
    assert_eq!(quota, Quota::default());
}

#[test]
fn a_route_that_falls_under_a_lower_ceiling_takes_its_calls_along() {
    let mut quota = Quota::default();
    let waiting = [job(1, Priority::Interactive, Calls::of("heavy", 5))];
    quota.choose(&waiting, at(0), PATIENCE, ceiling(1_000, 3_600));
    let heard = Heard { route: "heavy".to_owned(), at: at(0), limit: Some(250), remaining: Some(245) };
    quota.learn(&heard, at(1_000), ceiling(1_000, 3_600));
    assert_eq!(quota.under(hour()).used(at(1_000), hour()), 5);
}

#[test]
fn a_block_holds_everything_back_until_it_ends() {
    let mut quota = Quota::default();
    quota.refused(at(0), Some(secs(30)), hour());
    quota.refused(at(1), Some(secs(10)), hour());
    assert!(quota.is_blocked(at(29_999)) && !quota.is_blocked(at(30_000)), "the longer one counts");
    assert_eq!((quota.rejections, quota.free_now(at(5), hour())), (2, 0));
    let orders = quota.choose(&[removal(1)], at(0), PATIENCE, hour());
    assert_eq!(moments(&orders), [at(34_000)], "by every worker's clock");
    let mut long = Quota::default();
    long.refused(at(0), None, hour());
    assert_eq!(long.blocked_until, Some(at(3_600_000)), "an hour where Podio does not say");
    assert_eq!(long.choose(&[removal(1)], at(0), PATIENCE, hour()), [], "that is beyond what is reserved");
}

#[test]
fn what_others_spend_is_left_to_them() {
    let mut quota = Quota::default();
    let heard = Heard { route: "look".to_owned(), at: at(0), limit: Some(250), remaining: Some(150) };
    quota.learn(&heard, at(0), hour());
    assert_eq!(quota.allowed(hour(), at(0)).limit(), 250 - 112, "a hundred, a tenth of that, and two");
    assert!(quota.is_shared(at(0), hour()));
    assert_eq!(quota.allowed(hour(), at(2 * 3_614_400)).limit(), 250, "that was long ago");
}

#[test]
fn an_open_breaker_lets_one_job_try_and_recovery_wakes_all() {
    let mut quota = Quota::default();
    for job in 0..5 {
        quota.outages.unanswered("leave", job, at(0));
    }
    let waiting: Vec<_> = (0..3).map(removal).collect();
    assert_eq!(quota.choose(&waiting, at(500), PATIENCE, hour()), [], "the pause of a second");
    let tried = quota.choose(&waiting, at(1_000), PATIENCE, hour());
    assert_eq!(subjects(&tried), ["0"]);
    assert_eq!(quota.choose(&waiting, at(2_000), PATIENCE, hour()), [], "nobody beside it");
    quota.outages.answered("leave", at(3_000));
    assert_eq!(quota.outages.recovered_at, Some(at(3_000)));
    assert_eq!(subjects(&quota.choose(&waiting, at(3_000), PATIENCE, hour())), ["1", "2"]);
}

#[test]
fn a_route_that_fails_alone_holds_up_nobody_else() {
    let mut quota = Quota::default();
    for job in 0..5 {
        quota.outages.answered("look", at(0));
        quota.outages.unanswered("leave", job, at(0));
    }
    let look = job(9, Priority::Background, Calls::of("look", 1));
    let orders = quota.choose(&[removal(1), look], at(0), PATIENCE, hour());
    assert_eq!(subjects(&orders), ["9"]);
}

#[test]
fn an_estimate_is_when_the_last_of_the_calls_would_go_out() {
    let few = ceiling(10, 100);
    let mut quota = Quota::default();
    assert_eq!(quota.forecast(at(0), 0, few), at(0));
    assert_eq!(quota.forecast(at(0), 11, few), at(0) + few.span());
    quota.refused(at(0), Some(secs(50)), few);
    assert_eq!(quota.forecast(at(0), 1, few), at(50_000));
}
