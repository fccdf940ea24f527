//! When an offboarding will be through, as far as the quota is concerned.
//!
//! Calls that wait for a slot they have already been given cost nothing more; for all others the reservation log says
//! when they could go out, were nobody else to ask.

use std::collections::BTreeMap;

use jiff::Timestamp;
use podio_lifecycle::{
    ids::SpaceId,
    offboarding::{Offboarding, State},
    quota::{Ceiling, Quota, ReservationLog, Slot},
    removal::{RemovalBatch, RemovalState, SpaceRemoval},
};

/// When spaces are to be left by the calls of other leavers.
pub(crate) type Rides = BTreeMap<SpaceId, Timestamp>;

/// Spaces of somebody of whom it is not known yet in how many they are: enough to come behind the backlog, which is what
/// counts, and no more than anybody leaves.
const LEAST_SPACES: usize = 1;

/// Calls that are still to be made, slots given out or not. What another leaver's call does costs none.
pub(crate) fn calls_ahead(offboarding: &Offboarding, batches: &[RemovalBatch]) -> usize {
    let own = pending(batches).filter(|space| space.ride.is_none() || space.slot.is_some()).count();
    offboarding.calls_ahead(u32::try_from(own).unwrap_or(u32::MAX))
}

/// When the last call will have gone out; none where nothing is under way.
pub(crate) fn eta(
    offboarding: &Offboarding,
    batches: &[RemovalBatch],
    rides: &Rides,
    quota: &Quota,
    now: Timestamp,
    configured: Ceiling,
) -> Option<Timestamp> {
    let is_unplanned = matches!(offboarding.state, State::Scheduled | State::Planning) && batches.is_empty();
    let unknown = if is_unplanned && !offboarding.request.dry_run { LEAST_SPACES } else { 0 };
    let spaces = pending(batches).count() + unknown;
    let ahead = offboarding.calls_ahead(u32::try_from(spaces).unwrap_or(u32::MAX));
    let is_scarce = quota.is_scarce(quota.removal_ceiling(configured), now);
    let waits_for_others = is_scarce && offboarding.is_read_back_with_others();
    if ahead == 0 && !(waits_for_others && offboarding.state == State::Verifying) {
        return None;
    }
    let start = match offboarding.state {
        State::Scheduled => offboarding.effective_at().max(now),
        _ => now,
    };
    // Each space has its slot, or rides with somebody who has, or is still to ask for one.
    let (mut left, mut asked) = (start, unknown);
    for space in pending(batches) {
        // A driver too is known by the slot that it holds, and may have been moved since.
        let slot = space.slot.or_else(|| rides.get(&space.space_id).copied().map(Slot));
        match slot.map(|slot| quota.removal_at(slot, configured)).filter(|at| *at >= now) {
            Some(moment) => left = left.max(moment),
            None => asked += 1,
        }
    }
    let held = match offboarding.state {
        State::Removing | State::Finalizing => quota.end_at(&offboarding.work.slots, configured),
        _ => moments(offboarding, quota, configured).collect(),
    };
    let given = held.into_iter().filter(|at| *at >= now);
    let urgent = ahead.saturating_sub(spaces).saturating_sub(given.clone().count());
    let end = if asked + urgent > 0 { quota.forecast(start, asked, left, urgent, configured) } else { left };
    // A fault makes the stage's job wait longer than the quota would.
    let through = given.chain([end]).chain(offboarding.work.quiet_until).max()?;
    let left = offboarding.last_delete_at.filter(|_| offboarding.state == State::Verifying).unwrap_or(through);
    // Who is put off already knows until when.
    let is_put_off = offboarding.state == State::Verifying && offboarding.work.quiet_until.is_some();
    let read_back = (waits_for_others && !is_put_off).then(|| read_back_at(left, quota, configured));
    Some(whole(through.max(read_back.unwrap_or(through))))
}

/// When those are read back together who left the organization at `left`.
pub(crate) fn read_back_at(left: Timestamp, quota: &Quota, configured: Ceiling) -> Timestamp {
    quota.roomy_from(Offboarding::read_back_at(left, configured.window()), configured)
}

/// When somebody will have left the organization; none where that is not known.
pub(crate) fn left_at(offboarding: &Offboarding, quota: &Quota, configured: Ceiling) -> Option<Timestamp> {
    match offboarding.state {
        State::Verifying => offboarding.last_delete_at,
        _ => moments(offboarding, quota, configured).max(),
    }
}

/// When the calls go out for which the stage's job, or the end, holds slots.
fn moments(offboarding: &Offboarding, quota: &Quota, configured: Ceiling) -> impl Iterator<Item = Timestamp> {
    offboarding.work.slots.iter().map(move |slot| quota.removal_at(*slot, configured))
}

/// Spaces that are still to be left.
fn pending(batches: &[RemovalBatch]) -> impl Iterator<Item = &SpaceRemoval> {
    batches.iter().flat_map(|batch| &batch.spaces).filter(|space| space.state == RemovalState::Pending)
}

/// An estimate in whole seconds: more would promise more than it can hold.
pub(crate) fn whole(estimate: Timestamp) -> Timestamp {
    Timestamp::from_second(estimate.as_second()).unwrap_or(estimate)
}

/// When the last of `backlog` calls will have gone out, some of which have their slots already.
pub(crate) fn drained(log: &ReservationLog, backlog: usize, now: Timestamp, ceiling: Ceiling) -> Option<Timestamp> {
    if backlog == 0 {
        return None;
    }
    let given = log.last();
    let asked = backlog.saturating_sub(log.waiting(now));
    let last_asked = (asked > 0).then(|| log.forecast(now, asked, ceiling));
    [Some(now), given, last_asked].into_iter().flatten().max().map(whole)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use podio_lifecycle::{
        ids::{OffboardingId, OrgId, UserId},
        offboarding::{Person, Request},
        quota::{Lane, Need},
        removal::Ride,
    };

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ceiling() -> Ceiling {
        Ceiling::new(10, SignedDuration::from_secs(100)).unwrap()
    }

    /// The slot that a removal is given at the start.
    fn removal(quota: &mut Quota) -> Option<Slot> {
        let need = Need { route: "remove", lane: Lane::Removal, held: &[], calls: 1, together: false, then: None };
        quota.allot(&need, at(0), ceiling()).slots.pop().map(|booking| booking.slot)
    }

    /// An offboarding in the middle of leaving `spaces` spaces.
    fn removing(spaces: u64) -> (Offboarding, Vec<RemovalBatch>) {
        let request =
            Request::new(Person::User(UserId(1)), podio_lifecycle::source::Source::Api { name: "hr".to_owned() });
        let id = OffboardingId::new(at(0), [0; 10]);
        let (mut offboarding, _) = Offboarding::accept(id.clone(), OrgId(1), request, at(0));
        offboarding.state = State::Removing;
        let spaces = (1..=spaces).map(|n| SpaceRemoval::new(SpaceId(n), None, RemovalState::Pending)).collect();
        (offboarding, RemovalBatch::cut(&id, 0, spaces, None))
    }

    #[test]
    fn with_quota_free_it_is_now() {
        let (offboarding, batches) = removing(7);
        let eta = eta(&offboarding, &batches, &Rides::new(), &Quota::default(), at(5), ceiling()).unwrap();
        assert!((at(5)..at(6)).contains(&eta), "{eta}");
    }

    #[test]
    fn before_the_plan_is_made_it_is_behind_the_backlog_but_for_a_rehearsal() {
        let (mut offboarding, _) = removing(0);
        offboarding.state = State::Planning;
        let mut quota = Quota::default();
        while removal(&mut quota).is_some_and(|slot| slot.0 < at(3_000)) {}
        let estimate = |offboarding: &Offboarding| {
            eta(offboarding, &[], &Rides::new(), &quota, at(5), ceiling()).unwrap().as_second()
        };
        assert!((3_000..3_400).contains(&estimate(&offboarding)), "{}", estimate(&offboarding));
        offboarding.request.dry_run = true;
        assert!(estimate(&offboarding) < 300, "{}", estimate(&offboarding));
    }

    #[test]
    fn beyond_the_quota_it_is_a_window_later() {
        let (offboarding, batches) = removing(8);
        let eta = eta(&offboarding, &batches, &Rides::new(), &Quota::default(), at(5), ceiling()).unwrap();
        assert!((at(106)..at(107)).contains(&eta), "eleven calls: a window of 100 s and a margin of 1 s: {eta}");
    }

    #[test]
    fn slots_that_were_given_out_are_not_asked_for_again() {
        let (offboarding, mut batches) = removing(17);
        let mut quota = Quota::default();
        for space in batches.iter_mut().flat_map(|batch| &mut batch.spaces) {
            space.slot = removal(&mut quota);
        }
        // Eight slots were at 0 and are missed by now; what is left of seventeen and three fills the second window and
        // falls, spread, to the third.
        let eta = eta(&offboarding, &batches, &Rides::new(), &quota, at(5), ceiling()).unwrap();
        assert!((at(202)..at(230)).contains(&eta), "{eta}");
        let (done, _) = removing(0);
        let held = Offboarding {
            state: State::Held { reasons: Vec::new(), resume: podio_lifecycle::offboarding::Stage::Planning },
            ..done
        };
        assert_eq!(super::eta(&held, &[], &Rides::new(), &quota, at(5), ceiling()), None);
    }

    #[test]
    fn who_rides_is_through_when_the_last_driver_is_and_costs_only_their_own_end() {
        let (offboarding, mut batches) = removing(3);
        let mut quota = Quota::default();
        while removal(&mut quota).is_some_and(|slot| slot.0 < at(900)) {}
        for space in batches.iter_mut().flat_map(|batch| &mut batch.spaces) {
            space.ride = Some(Ride { driver: 0, shared: false });
        }
        let rides = [(SpaceId(1), at(50)), (SpaceId(2), at(210)), (SpaceId(3), at(60))].into();
        let eta = eta(&offboarding, &batches, &rides, &quota, at(5), ceiling()).unwrap();
        assert!((at(210)..at(400)).contains(&eta), "not behind the whole backlog: {eta}");
        assert_eq!(calls_ahead(&offboarding, &batches), 3);
    }

    #[test]
    fn the_backlog_counts_slots_once() {
        let mut log = ReservationLog::default();
        for _ in 0..15 {
            log.reserve(Lane::Removal, at(0), ceiling());
        }
        assert_eq!(drained(&log, 0, at(5), ceiling()), None);
        let about = |backlog, second| {
            let drained = drained(&log, backlog, at(5), ceiling()).unwrap();
            assert!((at(second)..at(second + 1)).contains(&drained), "{backlog} by {drained}");
        };
        about(5, 101);
        about(7, 101);
        about(8, 101);
    }
}
