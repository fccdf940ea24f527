//! How calls are spread over the hour.

use super::*;

const DAY: i64 = 24 * 3_600;

/// Plays a day in which something always waits, with a dispatch each `tick` seconds: what was called, by priority.
fn day(tick: i64, configured: Ceiling, waiting: impl Fn(u64) -> Waiting) -> BTreeMap<Priority, Vec<Timestamp>> {
    let mut quota = Quota::default();
    let mut called: BTreeMap<Priority, Vec<Timestamp>> = BTreeMap::new();
    let mut jobs: Vec<Waiting> = (0..60).map(&waiting).collect();
    let (mut next, mut out): (u64, Vec<Order>) = (60, Vec::new());
    for second in (0..DAY).step_by(usize::try_from(tick).unwrap()) {
        let now = at(second * 1_000);
        let (over, still): (Vec<_>, Vec<_>) =
            out.into_iter().partition(|order| order.moments.last().unwrap().at <= now);
        over.iter().for_each(|order| quota.ended(order, false, now));
        out = still;
        quota.named.retain(|named| now < named.until);
        quota.forget(now, configured);
        let orders = quota.choose(&jobs, now, PATIENCE, configured);
        for order in &orders {
            let index = jobs.iter().position(|job| job.job == order.job).unwrap();
            let job = jobs.remove(index);
            called.entry(job.priority).or_default().extend(order.moments.iter().map(|reserved| reserved.at));
            // Another one of its kind comes after it.
            jobs.push(waiting(next + u64::from(job.priority == Priority::Background)));
            next += 2;
        }
        out.extend(orders);
    }
    called
}

fn all(called: &BTreeMap<Priority, Vec<Timestamp>>) -> Vec<Timestamp> {
    called.values().flatten().copied().collect()
}

#[test]
fn a_backlog_uses_the_quota_to_the_last_hundredth() {
    for tick in [14, 60] {
        let called = all(&day(tick, hour(), removal));
        assert_no_window_exceeded(&called, hour());
        let used = called.iter().filter(|moment| **moment < at(DAY * 1_000)).count();
        assert!(used * 100 >= 24 * 250 * 99, "{used} of {} calls, a dispatch each {tick} s", 24 * 250);
    }
}

#[test]
fn a_backlog_keeps_the_door_open_for_others() {
    let mut called = all(&day(60, hour(), removal));
    called.sort_unstable();
    let later = called.iter().filter(|moment| **moment > at(3_600_000));
    let gaps = later.clone().zip(later.skip(1)).map(|(one, other)| other.duration_since(*one));
    assert!(gaps.max().unwrap() < secs(120), "no long wait once they are spread");
}

#[test]
fn burst_leaves_no_gap_that_comes_back_each_hour() {
    let long = |n| job(n, Priority::Removal, Calls::of("leave", 2));
    for waiting in [removal, long] {
        let called = all(&day(60, hour(), waiting));
        // Half of the first hour went out at once.
        let slots = (3 * 6..24 * 6).map(|slot| {
            let slot = at(slot * 600_000)..at((slot + 1) * 600_000);
            called.iter().filter(|moment| slot.contains(moment)).count()
        });
        let (least, most) = (slots.clone().min().unwrap(), slots.max().unwrap());
        assert!(least >= 34 && most <= 50, "{least} to {most} in ten minutes, where 41 or 42 would be even");
    }
}

#[test]
fn the_background_takes_four_fifths_at_most() {
    let background = |n| job(n, Priority::Background, Calls::of("look", 1));
    for tick in [14, 60] {
        let called = all(&day(tick, hour(), background));
        assert_no_window_exceeded(&called, hour().with_limit(200));
        let used = called.iter().filter(|moment| **moment < at(DAY * 1_000)).count();
        assert!(used * 100 >= 24 * 200 * 97, "{used} of {}", 24 * 200);
    }
}

#[test]
fn the_background_is_owed_a_twentieth() {
    let mixed = |n: u64| match n % 2 {
        0 => removal(n),
        _ => job(n, Priority::Background, Calls::of("look", 1)),
    };
    for tick in [14, 60] {
        let called = day(tick, hour(), mixed);
        assert_no_window_exceeded(&all(&called), hour());
        let (background, removals) = (called[&Priority::Background].len(), called[&Priority::Removal].len());
        assert!(background * 1_000 >= 24 * 250 * 48, "{background} beside {removals}");
        assert!(removals * 100 >= 24 * 250 * 90, "{removals} beside {background}: removals come first");
    }
}

#[test]
fn a_few_removals_do_not_wait_for_each_other() {
    let waiting: Vec<_> = (0..12).map(removal).collect();
    let orders = Quota::default().choose(&waiting, at(0), PATIENCE, hour());
    assert_eq!(orders.len(), 12);
    assert!(*moments(&orders).last().unwrap() < at(1_000));
}

#[test]
fn somebody_urgent_finds_the_next_moment_there_is() {
    let mut quota = Quota::default();
    let mut now = 0;
    // A backlog that has taken more than half of the hour.
    while quota.under(hour()).used(at(now), hour()) < 140 {
        let waiting: Vec<_> = (0..60).map(|n| removal(n + u64::try_from(now).unwrap())).collect();
        quota.choose(&waiting, at(now), PATIENCE, hour());
        now += 14_000;
    }
    let urgent = job(1, Priority::Interactive, Calls::of("look", 1));
    let orders = quota.choose(&[urgent, removal(2)], at(now), PATIENCE, hour());
    assert_eq!(orders[0].moments[0].at.duration_since(at(now)).max(SignedDuration::ZERO), SignedDuration::ZERO);
}
