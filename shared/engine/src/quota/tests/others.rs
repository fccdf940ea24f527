//! Who else spends on the key, seen by workers whose clocks disagree and who call later than they might.

use super::*;

/// One of our calls: its moment, how late it was sent, and how far the worker's clock is ahead, in milliseconds.
struct Own {
    moment: i64,
    late: i64,
    ahead: i64,
}

/// How Podio's hours lie.
#[derive(Clone, Copy)]
enum Windows {
    Sliding,
    /// A new one begins so many milliseconds after the start, and each hour before and after.
    Fixed(i64),
}

/// A burst at the start, as dense as a dispatch makes it and as late as a worker that has just started; then the calls of a
/// backlog, which spreads what is left; the same again an hour later.
fn day() -> Vec<Own> {
    let ahead = |n: i64| if n % 2 == 0 { 2_000 } else { -2_000 };
    let burst = (0..100).map(|n| (n * 50, 3_000 - (n % 7) * 400));
    let spread = (0..88).map(|n| (40_000 + n * 40_000, 100));
    let hour: Vec<_> = burst.chain(spread).collect();
    let own = |(n, (moment, late)): (i64, (i64, i64))| Own { moment, late, ahead: ahead(n) };
    let hours = (0..4).flat_map(|of| hour.iter().map(move |(moment, late)| (of * 3_615_000 + moment, *late)));
    (0..).zip(hours).map(own).collect()
}

/// What is left to others after each answer, with one call of theirs each so many milliseconds; and how many were seen.
fn left_to_others(own: &[Own], windows: Windows, every: Option<i64>) -> (Vec<(i64, usize)>, u64) {
    let mut quota = Quota::default();
    let moments = quota.moments.entry(hour().key()).or_default();
    for own in own {
        moments.add(at(own.moment), false);
    }
    let ends = own.iter().map(|own| own.moment).max().unwrap();
    let ours = own.iter().map(|own| (own.moment + own.late - own.ahead + 150, Some(own.moment + own.late)));
    let theirs = every.into_iter().flat_map(|every| (0..ends / every).map(move |n| (n * every, None)));
    let mut calls: Vec<_> = ours.chain(theirs).collect();
    calls.sort_unstable();
    let (mut left, mut seen) = (Vec::new(), 0);
    for (index, (arrived, sent)) in calls.iter().enumerate() {
        let begins = match windows {
            Windows::Sliding => arrived - 3_600_000,
            Windows::Fixed(first) => arrived - (arrived - first).rem_euclid(3_600_000) - 1,
        };
        let used = calls[..=index].iter().filter(|(at, _)| *at > begins).count();
        let Some(sent) = sent else { continue };
        let remaining = Some(250_u32.checked_sub(u32::try_from(used).unwrap()).expect("within the ceiling"));
        let heard = Heard { route: "leave".to_owned(), at: at(*sent), limit: Some(250), remaining };
        seen += quota.learn(&heard, at(*sent), hour());
        left.push((*sent, quota.others.left_to_them(at(*sent), hour())));
    }
    (left, seen)
}

#[test]
fn burst_of_our_own_is_nobody_elses() {
    for windows in [Windows::Sliding, Windows::Fixed(0), Windows::Fixed(2_500), Windows::Fixed(1_800_000)] {
        let (left, seen) = left_to_others(&day(), windows, None);
        let most = left.iter().max_by_key(|(_, left)| *left).unwrap();
        assert_eq!((most.1, seen), (0, 0), "after {} s", most.0 / 1_000);
    }
}

#[test]
fn others_are_seen_beside_our_own_bursts() {
    for windows in [Windows::Sliding, Windows::Fixed(0), Windows::Fixed(2_500), Windows::Fixed(1_800_000)] {
        // Fifty an hour.
        let (left, seen) = left_to_others(&day(), windows, Some(72_000));
        let later = left.iter().filter(|(at, _)| *at > 3_600_000);
        for (at, left) in later {
            assert!((45..=75).contains(left), "{left} after {} s", at / 1_000);
        }
        assert!((40..=230).contains(&seen), "{seen} of 200");
    }
}
