//! When an offboarding will be through, as far as the quota is concerned.
//!
//! What counts is how many calls go before its own: the work table tells how many jobs wait before its place. The calls
//! themselves are then played on what is left of the quota, were nobody else to ask.

use jiff::Timestamp;
use podio_engine::quota::{Ceiling, Quota};
use podio_lifecycle::{
    offboarding::{Offboarding, State},
    ports::StoreError,
    work::{Priority, Waiting},
};

use crate::Ports;

/// Spaces of somebody of whom it is not known yet in how many they are: enough to come behind the backlog, which is what
/// counts, and no more than anybody leaves.
const LEAST_SPACES: u32 = 1;
/// Calls that end an offboarding.
const END: usize = 3;
/// Jobs before an offboarding that are counted. More than that is a day of calls and more.
const MOST_AHEAD: usize = 10_000;

/// Calls that are still to be made.
pub(crate) fn calls_ahead(offboarding: &Offboarding) -> usize {
    let is_unplanned = matches!(offboarding.state, State::Scheduled | State::Planning);
    let spaces = if is_unplanned && !offboarding.request.dry_run { LEAST_SPACES } else { offboarding.open };
    offboarding.calls_ahead(spaces)
}

/// Jobs that go before those of an offboarding; none where nothing is under way.
pub(crate) async fn jobs_before(ports: &Ports, offboarding: &Offboarding) -> Result<usize, StoreError> {
    if calls_ahead(offboarding) == 0 {
        return Ok(0);
    }
    let priority = match offboarding.state {
        State::Finalizing | State::Verifying if !offboarding.crowd => Priority::Interactive,
        _ => Priority::Removal,
    };
    let before = ports.work.ahead(priority, offboarding.place, MOST_AHEAD).await?;
    // A plan of its own that waits at a higher priority is no somebody else.
    let is_own = |own: &Waiting| own.not_before.is_none() && (own.priority, own.place) < (priority, offboarding.place);
    Ok(before.saturating_sub(usize::from(offboarding.waiting().as_ref().is_some_and(is_own))))
}

/// When the last call will have gone out; none where nothing is under way.
pub(crate) fn eta(
    offboarding: &Offboarding,
    jobs_before: usize,
    quota: &Quota,
    now: Timestamp,
    configured: Ceiling,
) -> Option<Timestamp> {
    let ahead = calls_ahead(offboarding);
    if ahead == 0 {
        return None;
    }
    let start = match offboarding.state {
        State::Scheduled => offboarding.effective_at().max(now),
        _ => now,
    };
    // Whoever goes before has an end too; as if they all were in as many spaces.
    let spaces = (offboarding.spaces_total as usize).max(1);
    let before = jobs_before + jobs_before * END / spaces.max(END);
    let through = quota.forecast(start, before + ahead, configured);
    // A fault makes the stage's job wait longer than the quota would.
    Some(whole(offboarding.work.not_before.map_or(through, |until| through.max(until))))
}

/// An estimate in whole seconds: more would promise more than it can hold.
pub(crate) fn whole(estimate: Timestamp) -> Timestamp {
    Timestamp::from_second(estimate.as_second()).unwrap_or(estimate)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use podio_lifecycle::{
        ids::{OffboardingId, OrgId, UserId},
        offboarding::{Person, Request, Stage},
    };

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ceiling() -> Ceiling {
        Ceiling::new(10, SignedDuration::from_secs(100)).unwrap()
    }

    /// An offboarding in the middle of leaving `spaces` spaces.
    fn removing(spaces: u32) -> Offboarding {
        let request = Request {
            person: Person::User(UserId(1)),
            effective_at: None,
            dry_run: false,
            require_approval: false,
            reason: None,
            requested_by: None,
        };
        let id = OffboardingId::new(at(0), [0; 10]);
        Offboarding { state: State::Removing, open: spaces, ..Offboarding::accept(id, OrgId(1), request, at(0)) }
    }

    #[test]
    fn with_quota_free_it_is_now() {
        let eta = eta(&removing(7), 0, &Quota::default(), at(5), ceiling()).unwrap();
        assert!((at(5)..at(6)).contains(&eta), "{eta}");
    }

    #[test]
    fn beyond_the_quota_it_is_a_window_later() {
        let eta = eta(&removing(8), 0, &Quota::default(), at(5), ceiling()).unwrap();
        assert!((at(107)..at(108)).contains(&eta), "eleven calls: a window of 100 s and a margin of 2 s: {eta}");
    }

    #[test]
    fn whoever_waits_before_it_goes_first() {
        let one_left = Offboarding { spaces_total: 12, ..removing(1) };
        let eta = eta(&one_left, 12, &Quota::default(), at(0), ceiling()).unwrap();
        assert!(
            (at(102)..at(103)).contains(&eta),
            "a leaver's twelve spaces and end, and four calls of its own: {eta}"
        );
    }

    #[test]
    fn what_rests_has_no_estimate() {
        let held = State::Held { reasons: Vec::new(), resume: Stage::Planning };
        let held = Offboarding { state: held, ..removing(3) };
        assert_eq!(eta(&held, 9, &Quota::default(), at(5), ceiling()), None);
    }
}
