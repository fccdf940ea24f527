//! When an offboarding will be through, as far as the quota is concerned.
//!
//! Calls that wait for a slot they have already been given cost nothing more; for all others the reservation log says
//! when they could go out, were nobody else to ask.

use jiff::Timestamp;
use podio_lifecycle::{
    offboarding::{Offboarding, State},
    quota::{Ceiling, ReservationLog, Slot},
    removal::{RemovalBatch, RemovalState, Tally},
};

/// Calls that are still to be made, slots given out or not.
pub(crate) fn calls_ahead(offboarding: &Offboarding, batches: &[RemovalBatch]) -> usize {
    let tally: Tally = batches.iter().map(RemovalBatch::tally).sum();
    offboarding.calls_ahead(tally.pending)
}

/// When the last call will have gone out; none where nothing is under way.
pub(crate) fn eta(
    offboarding: &Offboarding,
    batches: &[RemovalBatch],
    log: &ReservationLog,
    now: Timestamp,
    ceiling: Ceiling,
) -> Option<Timestamp> {
    let ahead = calls_ahead(offboarding, batches);
    if ahead == 0 {
        return None;
    }
    let start = match offboarding.state {
        State::Scheduled => offboarding.effective_at().max(now),
        _ => now,
    };
    let spaces = batches.iter().flat_map(|batch| &batch.spaces);
    let waiting = spaces.filter(|space| space.state == RemovalState::Pending).filter_map(|space| space.slot);
    let given: Vec<Slot> = offboarding.work.slots.iter().copied().chain(waiting).filter(|slot| slot.0 >= now).collect();
    let last_given = given.iter().max().map(|slot| slot.0);
    let asked = ahead.saturating_sub(given.len());
    let last_asked = (asked > 0).then(|| log.forecast(start, asked, ceiling));
    // A fault makes the stage's job wait longer than the quota would.
    [Some(start), last_given, last_asked, offboarding.work.quiet_until].into_iter().flatten().max()
}

/// When the last of `backlog` calls will have gone out, some of which have their slots already.
pub(crate) fn drained(log: &ReservationLog, backlog: usize, now: Timestamp, ceiling: Ceiling) -> Option<Timestamp> {
    if backlog == 0 {
        return None;
    }
    let given = log.slots().last().map(|slot| slot.0);
    let asked = backlog.saturating_sub(log.waiting(now));
    let last_asked = (asked > 0).then(|| log.forecast(now, asked, ceiling));
    [Some(now), given, last_asked].into_iter().flatten().max()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use podio_lifecycle::{
        ids::{OffboardingId, OrgId, SpaceId, UserId},
        offboarding::{Person, Request},
        removal::SpaceRemoval,
    };

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ceiling() -> Ceiling {
        Ceiling::new(10, SignedDuration::from_secs(100)).unwrap()
    }

    /// An offboarding in the middle of leaving `spaces` spaces.
    fn removing(spaces: u64) -> (Offboarding, Vec<RemovalBatch>) {
        let request = Request {
            person: Person::User(UserId(1)),
            effective_at: None,
            dry_run: false,
            require_approval: false,
            reason: None,
            requested_by: None,
        };
        let id = OffboardingId::new(at(0), [0; 10]);
        let (mut offboarding, _) = Offboarding::accept(id.clone(), OrgId(1), request, at(0));
        offboarding.state = State::Removing;
        let spaces = (1..=spaces).map(|n| SpaceRemoval::new(SpaceId(n), None, RemovalState::Pending)).collect();
        (offboarding, RemovalBatch::cut(&id, 0, spaces, None))
    }

    #[test]
    fn with_quota_free_it_is_now() {
        let (offboarding, batches) = removing(7);
        assert_eq!(eta(&offboarding, &batches, &ReservationLog::default(), at(5), ceiling()), Some(at(5)));
    }

    #[test]
    fn beyond_the_quota_it_is_a_window_later() {
        let (offboarding, batches) = removing(8);
        let eta = eta(&offboarding, &batches, &ReservationLog::default(), at(5), ceiling());
        assert_eq!(eta, Some(at(106)), "eleven calls: a window of 100 s and a margin of 1 s");
    }

    #[test]
    fn slots_that_were_given_out_are_not_asked_for_again() {
        let (offboarding, mut batches) = removing(17);
        let mut log = ReservationLog::default();
        for (space, slot) in
            batches.iter_mut().flat_map(|batch| &mut batch.spaces).zip(log.reserve(at(0), 17, ceiling()))
        {
            space.slot = Some(slot);
        }
        // Ten slots were at 0 and are missed by now; ten calls fall to the second window and its rest to the third.
        let eta = eta(&offboarding, &batches, &log, at(5), ceiling());
        assert_eq!(eta, Some(at(202)));
        let (done, _) = removing(0);
        let held = Offboarding {
            state: State::Held { reasons: Vec::new(), resume: podio_lifecycle::offboarding::Stage::Planning },
            ..done
        };
        assert_eq!(super::eta(&held, &[], &log, at(5), ceiling()), None);
    }

    #[test]
    fn the_backlog_counts_slots_once() {
        let mut log = ReservationLog::default();
        log.reserve(at(0), 15, ceiling());
        assert_eq!(drained(&log, 0, at(5), ceiling()), None);
        assert_eq!(drained(&log, 5, at(5), ceiling()), Some(at(101)));
        assert_eq!(drained(&log, 10, at(5), ceiling()), Some(at(101)));
        assert_eq!(drained(&log, 11, at(5), ceiling()), Some(at(202)));
    }
}
