//! The quota's rules, tried out.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

fn ceiling(limit: u32, seconds: i64) -> Ceiling {
    Ceiling::new(limit, SignedDuration::from_secs(seconds)).unwrap()
}

fn hour() -> Ceiling {
    ceiling(250, 3600)
}

fn need(route: &str, lane: Lane) -> Need<'_> {
    Need { route, lane, held: &[], calls: 1, together: false, then: None }
}

/// The slots that a job gets.
fn given(quota: &mut Quota, need: &Need<'_>, now: Timestamp, ceiling: Ceiling) -> Vec<Slot> {
    quota.allot(need, now, ceiling).slots.into_iter().map(|booking| booking.slot).collect()
}

fn removals(quota: &mut Quota, now: Timestamp, count: usize, ceiling: Ceiling) -> Vec<Slot> {
    (0..count).flat_map(|_| given(quota, &need("remove", Lane::Removal), now, ceiling)).collect()
}

/// The moments that are booked.
fn moments(log: &ReservationLog) -> Vec<Slot> {
    log.bookings().iter().map(|booking| Slot(booking.at)).collect()
}

/// The most calls that any window holds.
fn fullest(slots: &[Slot], ceiling: Ceiling) -> usize {
    let mut slots = slots.to_vec();
    slots.sort_unstable();
    let within =
        |first: &Slot| slots.iter().filter(|slot| (first.0..first.0 + ceiling.window()).contains(&slot.0)).count();
    slots.iter().map(within).max().unwrap_or(0)
}

#[test]
fn after_a_quiet_hour_a_burst_goes_out_at_once_and_the_rest_is_spread() {
    let mut quota = Quota::default();
    let slots = removals(&mut quota, at(0), 500, hour());
    assert!(slots[237].0 <= at(100_000), "nearly all within moments: {}", slots[237].0);
    assert!(slots[9].0 < at(1_000), "and one leaver's at once");
    let gaps = slots[237..250].windows(2).map(|pair| pair[1].0.duration_since(pair[0].0));
    assert!(gaps.max().unwrap() <= SECOND * 280, "nobody in a hurry waits for longer than for the next of the spread");
    assert!(slots[249].0 < at(3_600_000), "the whole hour is used");
    assert!(fullest(&slots, hour()) <= 250);
}

#[test]
fn what_lies_before_the_end_of_another_is_left_to_whoever_comes_next() {
    let mut quota = Quota::default();
    let ten = removals(&mut quota, at(0), 250, hour());
    let now = at(1_000);
    let last =
        quota.allot(&Need { then: Some(End { calls: 3, after: &[] }), ..need("remove", Lane::Removal) }, now, hour());
    let next = removals(&mut quota, now, 10, hour());
    let end: Vec<Slot> = last.then.iter().map(|booking| booking.slot).collect();
    assert_eq!(end.len(), 3);
    assert!(end[0].0 >= last.slots[0].at + SECOND * 30, "the last space may be tried once more before");
    assert!(next[0].0 < end[0].0, "and meanwhile others go on");
    let log = quota.log(hour());
    assert!(fullest(&moments(&log), hour()) <= 250);
    let crowd = moments(&log).windows(11).map(|run| run[10].0.duration_since(run[0].0)).min().unwrap();
    assert!(crowd >= SECOND * 3, "no more at once than one worker can send: {crowd}");
    assert_eq!(ten.len(), 250);
}

#[test]
fn a_backlog_of_a_day_uses_the_quota_up() {
    let mut quota = Quota::default();
    let mut slots = Vec::new();
    // Ten at a time, as a worker asks, and each offboarding's end behind its spaces.
    while slots.last().is_none_or(|slot: &Slot| slot.0 < at(86_400_000)) {
        slots.extend(removals(&mut quota, at(0), 12, hour()));
        let end = Need { calls: 3, together: true, ..need("remove", Lane::Removal) };
        slots.extend(given(&mut quota, &end, at(0), hour()));
    }
    let within = slots.iter().filter(|slot| slot.0 < at(86_400_000)).count();
    assert!(within as f64 >= 0.995 * 24.0 * 250.0, "{within} of 6000");
    assert!(fullest(&slots, hour()) <= 250);
}

#[test]
fn who_is_in_a_hurry_goes_before_a_backlog_of_five_thousand_and_everybody_moves_up_by_one() {
    let mut quota = Quota::default();
    let backlog = removals(&mut quota, at(0), 5_000, hour());
    let before = moments(&quota.log(hour())).len();
    let now = at(140_000);
    let plan = given(&mut quota, &need("find", Lane::Interactive), now, hour())[0];
    assert!(plan.0 <= now + SECOND * 280, "{}", plan.0);
    let log = quota.log(hour());
    assert_eq!(moments(&log).len(), before + 1, "no moment is lost");
    assert!(fullest(&moments(&log), hour()) <= 250);

    let at = |slot: Slot| log.booking(slot).unwrap().at;
    let ahead: Vec<Slot> = backlog.iter().copied().filter(|slot| slot.0 > now).collect();
    assert!(ahead.windows(2).all(|pair| at(pair[0]) == pair[1].0), "each has the moment of the one behind");
    let last = ahead[ahead.len() - 1];
    assert!(at(last) > last.0 && at(last) <= last.0 + SECOND * 280, "the last goes behind all others");

    // One that wakes too early finds out for how long to sleep on, and nobody has to write that down.
    let one = ahead.iter().position(|slot| at(*slot).duration_since(slot.0) < SECOND).unwrap();
    let early = Need { held: &ahead[one..=one], ..need("remove", Lane::Removal) };
    let mut after = quota.clone();
    let booked = after.allot(&early, ahead[one].0, hour()).slots;
    assert_eq!((booked[0].slot, booked[0].at), (ahead[one], ahead[one + 1].0));
    assert_eq!(after, quota);
}

#[test]
fn what_lies_far_behind_its_name_is_renamed_when_its_owner_asks() {
    let mut quota = Quota::default();
    let backlog = removals(&mut quota, at(0), 600, hour());
    for _ in 0..100 {
        given(&mut quota, &need("find", Lane::Interactive), at(140_000), hour());
    }
    let held = backlog[400];
    let moved = quota.log(hour()).booking(held).unwrap();
    assert!(moved.at > held.0 + SECOND * 120);
    let far = Need { held: &[held], ..need("remove", Lane::Removal) };
    let told = quota.allot(&far, at(200_000), hour()).slots[0];
    assert!(told.at >= moved.at && told.at < moved.at + SECOND, "it keeps its place");
    assert!(told.at.duration_since(told.slot.0) < SECOND, "its name tells the moment again");
    assert_eq!((quota.log(hour()).booking(told.slot), quota.log(hour()).booking(held)), (Some(told), None));
}

#[test]
fn a_moment_that_is_given_back_stops_the_moving_up() {
    let mut quota = Quota::default();
    let backlog = removals(&mut quota, at(0), 1_000, hour());
    quota.release("remove", &backlog[400..401], hour());
    given(&mut quota, &need("find", Lane::Interactive), at(140_000), hour());
    let log = quota.log(hour());
    assert_eq!(log.booking(backlog[399]).unwrap().at, backlog[400].0);
    assert_eq!(log.booking(backlog[401]).unwrap().at, backlog[401].0, "those behind keep theirs");
}

#[test]
fn whoever_goes_first_takes_the_very_moment_so_that_one_given_back_behind_it_still_fits() {
    let mut quota = Quota::default();
    removals(&mut quota, at(0), 1_000, hour());
    let hurry = |quota: &mut Quota| given(quota, &need("find", Lane::Interactive), at(20_000), hour());
    for _ in 0..20 {
        hurry(&mut quota);
    }
    // A window after those whom they overtook, and not within the one that begins now.
    let log = quota.log(hour());
    let hole = *log.bookings().iter().find(|booking| booking.at > at(3_636_000)).unwrap();
    quota.release("remove", &[hole.slot], hour());

    hurry(&mut quota);

    let log = quota.log(hour());
    assert_eq!(log.freed(), []);
    assert!(moments(&log).contains(&Slot(hole.at)), "it is used again, not lost");
    assert!(fullest(&moments(&log), hour()) <= 250);
}

#[test]
fn an_end_whose_calls_were_torn_apart_gets_all_of_them_together_again() {
    let mut quota = Quota::default();
    removals(&mut quota, at(0), 400, hour());
    let last =
        quota.allot(&Need { then: Some(End { calls: 3, after: &[] }), ..need("remove", Lane::Removal) }, at(0), hour());
    removals(&mut quota, at(0), 400, hour());
    let held: Vec<Slot> = last.then.iter().map(|booking| booking.slot).collect();
    let end = Need { calls: 2, together: true, held: &held, ..need("end", Lane::Interactive) };
    let now = last.then[0].at - SECOND * 20;
    let apart = |quota: &Quota| {
        let log = quota.log(hour());
        let at = |slot: Slot| log.booking(slot).unwrap().at;
        at(held[1]).duration_since(at(held[0]))
    };
    while apart(&quota) <= SECOND * 2 {
        given(&mut quota, &need("find", Lane::Interactive), now, hour());
    }

    let before = quota.log(hour()).bookings().len();
    let slots = quota.allot(&end, now, hour()).slots;

    assert!(slots[1].at.duration_since(slots[0].at) <= SECOND, "{slots:?}");
    assert!(slots[2].at > slots[1].at && slots[2].at < slots[1].at + SECOND * 20, "and the read-back soon after");
    assert_eq!(quota.log(hour()).bookings().len(), before, "three for three");
}

#[test]
fn who_needs_two_calls_together_in_the_middle_of_a_burst_costs_nobody_a_slot() {
    let mut quota = Quota::default();
    let backlog = removals(&mut quota, at(0), 1_000, hour());
    let booked = |quota: &Quota| moments(&quota.log(hour())).iter().filter(|slot| slot.0 > at(0)).count();
    let before = booked(&quota);
    let burst = backlog[255].0;
    for n in 0..10 {
        let end = Need { calls: 2, together: true, ..need("end", Lane::Interactive) };
        let slots = given(&mut quota, &end, burst + SECOND * n, hour());
        assert!(slots[1].0.duration_since(slots[0].0) <= SECOND && slots[1].0 < burst + SECOND * 24, "{slots:?}");
    }
    assert_eq!(booked(&quota), before + 20);
    assert!(fullest(&moments(&quota.log(hour())), hour()) <= 250);
}

#[test]
fn those_in_a_hurry_do_not_push_each_other_aside() {
    let mut quota = Quota::default();
    removals(&mut quota, at(0), 600, hour());
    let mut hurry = || quota.allot(&need("find", Lane::Interactive), at(40_000), hour()).slots[0];
    let (first, second) = (hurry(), hurry());
    assert!(first.at < second.at);
    assert_eq!(quota.log(hour()).booking(first.slot), Some(first));
}

#[test]
fn the_background_waits_while_removals_wait_and_leaves_them_half() {
    let mut quota = Quota::default();
    let mut background = |now| given(&mut quota, &need("audit", Lane::Background), now, hour());
    let taken = (0..250).filter(|_| !background(at(0)).is_empty()).count();
    assert_eq!(taken, 125);
    assert_eq!(background(at(1_000)), []);
    assert_eq!(background(at(3_615_000)).len(), 1);

    let mut quota = Quota::default();
    removals(&mut quota, at(0), 260, hour());
    assert_eq!(given(&mut quota, &need("audit", Lane::Background), at(3_000_000), hour()), []);
}

#[test]
fn a_slot_that_is_given_back_goes_to_the_next() {
    let mut quota = Quota::default();
    let slots = removals(&mut quota, at(0), 1_000, hour());
    quota.release("remove", &slots[500..501], hour());
    let next = removals(&mut quota, at(1_000), 1, hour())[0];
    assert!(next.0.duration_since(slots[500].0).abs() < SECOND * 280, "{} for {}", next.0, slots[500].0);
}

#[test]
fn a_held_slot_is_spent_and_a_missed_or_lost_one_is_replaced() {
    let mut quota = Quota::default();
    let held = removals(&mut quota, at(0), 251, hour())[250];
    let again =
        |quota: &mut Quota, now| given(quota, &Need { held: &[held], ..need("remove", Lane::Removal) }, now, hour());
    assert_eq!(again(&mut quota, held.0), [held]);
    assert_eq!(again(&mut quota, held.0 + hour().lateness()), [held]);
    assert_ne!(again(&mut quota, held.0 + hour().lateness() + SECOND), [held]);
}

#[test]
fn who_needs_two_calls_one_after_the_other_spends_the_one_slot_that_has_come() {
    let mut quota = Quota::default();
    removals(&mut quota, at(0), 500, hour());
    let two = Need { calls: 2, ..need("find", Lane::Interactive) };
    let held = given(&mut quota, &two, at(140_000), hour());
    assert!(held[1].0 > held[0].0 + SECOND * 10, "the second has to wait after the first");
    let woken = given(&mut quota, &Need { held: &held, ..two.clone() }, held[0].0, hour());
    assert_eq!(woken, held);
    let end = Need { calls: 2, together: true, ..need("end", Lane::Interactive) };
    let pair = given(&mut quota, &Need { held: &woken, ..end }, held[0].0, hour());
    assert!(pair[1].0.duration_since(pair[0].0) <= SECOND, "that which must follow at once does");
}

#[test]
fn a_420_stops_everything_for_as_long_as_podio_says() {
    let mut quota = Quota::default();
    let held = removals(&mut quota, at(0), 5, hour());
    quota.rejected(at(0), Some(SECOND * 300), hour());
    let next = given(&mut quota, &Need { held: &held[4..], ..need("remove", Lane::Removal) }, at(1_000), hour());
    assert!(next[0].0 >= at(300_000));
    quota.rejected(at(1_000), None, hour());
    assert_eq!(quota.blocked_until, Some(at(3_601_000)));
    quota.rejected(at(2_000), Some(SECOND), hour());
    assert_eq!(quota.blocked_until, Some(at(3_601_000)), "a shorter word does not undo a longer one");
    assert_eq!(quota.rejections, 3);
}

#[test]
fn headers_teach_the_ceiling_of_a_route_and_nonsense_teaches_nothing() {
    let mut quota = Quota::default();
    removals(&mut quota, at(0), 600, hour());
    let seen = |limit, remaining| Seen { route: "find", limit, remaining };
    let before = quota.clone();
    quota.observe(&seen(None, Some(3)), at(1), hour());
    assert_eq!(quota, before, "how many are left of what is not known");

    // One answer that differs may be a slip; the same thrice in a row is believed.
    quota.observe(&seen(Some(1_000), Some(999)), at(1), hour());
    quota.observe(&seen(Some(250), None), at(2), hour());
    for ms in 3..5 {
        quota.observe(&seen(Some(1_000), Some(900)), at(ms), hour());
        assert_eq!(quota.ceiling("find", hour()), hour());
    }
    quota.observe(&seen(Some(1_000), Some(900)), at(5), hour());
    assert_eq!(quota.ceiling("find", hour()).limit(), 1_000);
    let find = given(&mut quota, &need("find", Lane::Interactive), at(40_000), hour())[0];
    assert_eq!(find.0, at(40_000), "it waits no longer behind the removals");

    let before = quota.clone();
    quota.observe(&seen(Some(100), Some(101)), at(41_000), hour());
    assert_eq!(quota, before, "more is left than there is");
    quota.observe(&seen(Some(100), None), at(41_000), hour());
    assert_eq!(quota.ceiling("find", hour()).limit(), 100, "a lower one is believed at once");
}

#[test]
fn a_slot_from_before_the_ceiling_was_known_is_exchanged_for_one_at_once() {
    let mut quota = Quota::default();
    let held = removals(&mut quota, at(0), 400, hour())[399];
    for ms in 1..4 {
        quota.observe(&Seen { route: "remove", limit: Some(1_000), remaining: None }, at(ms), hour());
    }
    let again = Need { held: &[held], ..need("remove", Lane::Removal) };
    let slot = given(&mut quota, &again, at(60_000), hour())[0];
    assert_eq!(slot.0, at(60_000), "neither late nor taken for one that somebody in a hurry took");
    assert!(quota.log(hour()).booking(held).is_none());
}

#[test]
fn calls_of_routes_that_are_being_learned_are_nobody_elses() {
    let mut quota = Quota::default();
    for n in 0..30 {
        let now = at(n * 1_000);
        let route = ["find", "preview"][usize::from(n % 3 == 0)];
        quota.allot(&need(route, Lane::Interactive), now, hour());
        let remaining = u32::try_from(999 - n).unwrap();
        quota.observe(&Seen { route, limit: Some(1_000), remaining: Some(remaining) }, now, hour());
    }
    assert_eq!((quota.foreign, quota.ceiling("preview", hour()).limit()), (0, 1_000));
}

#[test]
fn foreign_calls_are_booked_as_spent_and_cost_the_nearest_slots_ahead() {
    let mut quota = Quota::default();
    let ours = removals(&mut quota, at(0), 10, hour());
    let now = ours[9].0;
    let seen = |remaining| Seen { route: "remove", limit: Some(250), remaining: Some(remaining) };
    quota.observe(&seen(240), now, hour());
    assert_eq!(quota.foreign, 0);
    quota.observe(&seen(40), now, hour());
    assert_eq!(quota.foreign, 200);
    quota.observe(&seen(40), now, hour());
    assert_eq!(quota.foreign, 200, "counted once");
    let next = removals(&mut quota, now, 60, hour());
    assert!(next.iter().filter(|slot| slot.0 < at(3_600_000)).count() <= 40);
}

#[test]
fn after_a_420_some_room_is_left_to_whoever_else_spends() {
    let mut quota = Quota::default();
    removals(&mut quota, at(0), 1_000, hour());
    let now = at(4_000_000);
    quota.rejected(now, Some(SECOND * 15), hour());
    let within = |quota: &Quota| {
        let log = quota.log(hour());
        let ahead: Vec<Slot> = moments(&log).into_iter().filter(|slot| slot.0 > now).collect();
        fullest(&ahead, hour())
    };
    assert!(within(&quota) <= 225);
    removals(&mut quota, now, 500, hour());
    assert!(within(&quota) <= 225);
}

#[test]
fn whoever_gives_way_to_others_leaves_them_their_room_at_the_end_too() {
    for backlog in (1_000..1_250).step_by(10) {
        let mut quota = Quota::default();
        removals(&mut quota, at(0), backlog, hour());
        quota.rejected(at(4_000_000), Some(SECOND * 15), hour());
        let now = at(7_700_000);
        let used = quota.log(hour()).used(now + hour().lateness(), hour());
        let remaining = u32::try_from(200usize.saturating_sub(used)).unwrap();
        quota.observe(&Seen { route: "remove", limit: Some(250), remaining: Some(remaining) }, now, hour());
        assert!(quota.foreign >= 10, "{}", quota.foreign);
        let ahead: Vec<Slot> = moments(&quota.log(hour())).into_iter().filter(|slot| slot.0 > now).collect();
        assert!(fullest(&ahead, hour()) <= 225, "{} of a backlog of {backlog}", fullest(&ahead, hour()));
    }
}

#[test]
fn a_clock_that_jumps_ahead_or_back_wipes_nothing_out() {
    let mut quota = Quota::default();
    let first = removals(&mut quota, at(0), 250, hour());
    let far = at(400_000_000_000);
    let mut all = removals(&mut quota, far, 1, hour());
    all.extend(&first);
    all.extend(removals(&mut quota, at(1_000), 300, hour()));
    all.sort_unstable();
    assert!(fullest(&all, hour()) <= 250);
}

proptest! {
    /// Whatever is asked for, when, in which lane and by whose clock: no slot lies in the past, none is given twice, and
    /// no window holds more than the ceiling.
    #[test]
    fn no_slot_is_given_twice_and_no_window_holds_more_than_the_ceiling(
        limit in 1u32..25,
        seconds in 1i64..100,
        asks in prop::collection::vec((-2_000i64..30_000, 1usize..15, 0usize..4), 1..60),
    ) {
        let ceiling = ceiling(limit, seconds);
        let mut quota = Quota::default();
        let mut clock = at(0);
        for (pause, count, kind) in asks {
            let now = clock + SignedDuration::from_millis(pause);
            clock = clock.max(now);
            let lane = [Lane::Removal, Lane::Removal, Lane::Background, Lane::Removal][kind];
            let ask = Need { calls: count, together: kind == 3, ..need("any", lane) };
            let before = quota.log(ceiling);
            let slots = quota.allot(&ask, now, ceiling).slots;
            prop_assert!(slots.iter().all(|booking| booking.at >= now));
            prop_assert!(slots.iter().all(|booking| before.booking(booking.slot).is_none()));
            let log = quota.log(ceiling);
            prop_assert!(slots.iter().all(|booking| log.booking(booking.slot) == Some(*booking)));
            prop_assert!(fullest(&moments(&log), ceiling) <= ceiling.limit());
        }
    }

    /// The same with those who go before others, whose slots the others must not spend.
    #[test]
    fn overtaking_never_fills_a_window_beyond_the_ceiling(
        limit in 3u32..25,
        backlog in 1usize..120,
        hurry in prop::collection::vec((0i64..60_000, 1usize..4, any::<bool>()), 1..20),
    ) {
        let ceiling = ceiling(limit, 60);
        let mut quota = Quota::default();
        removals(&mut quota, at(0), backlog, ceiling);
        let mut now = at(0);
        for (pause, calls, together) in hurry {
            now += SignedDuration::from_millis(pause);
            let ask = Need { calls: calls.min(limit as usize), together, ..need("any", Lane::Interactive) };
            let slots = quota.allot(&ask, now, ceiling).slots;
            prop_assert!(slots.iter().all(|booking| booking.at >= now));
            // Storage keeps how far an owner was moved from the moment in the name, and that is never to an earlier one.
            prop_assert!(quota.log(ceiling).bookings().iter().all(|booking| booking.slot.0 <= booking.at));
            prop_assert!(fullest(&moments(&quota.log(ceiling)), ceiling) <= ceiling.limit());
        }
    }
}
