//! Budgets: a share of the quota for work that strangers can cause, so that a flood of it leaves the rest to leavers.
//!
//! A budget reserves nothing. Its calls take their moments under the ceilings like all others; beside that they are counted
//! here, and a job asks before it calls. The count is written with what a worker tells after its batch, so it costs no write
//! of its own; a worker that dies takes the calls of that one run with it.

use jiff::Timestamp;

use super::{Ceiling, Quota};

impl Quota {
    /// When a budget of `share` has room for `calls` more, beside those in `since`, which the record does not know yet.
    pub fn room_in_budget(
        &self,
        budget: u64,
        since: &[Timestamp],
        calls: usize,
        share: Ceiling,
        now: Timestamp,
    ) -> Timestamp {
        let mut spent = self.budgets.get(&budget).cloned().unwrap_or_default();
        for at in since {
            spent.add(*at, true);
        }
        spent.free(now, calls, share)
    }

    /// Counts a call against a budget.
    pub fn charge(&mut self, budget: u64, at: Timestamp) {
        self.budgets.entry(budget).or_default().add(at, true);
    }

    /// Forgets what counts no more, so that only those who have called lately are in the record.
    pub(super) fn forget_budgets(&mut self, now: Timestamp, configured: Ceiling) {
        for moments in self.budgets.values_mut() {
            moments.forget(now - configured.span());
        }
        self.budgets.retain(|_, moments| !moments.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn hour(limit: u32) -> Ceiling {
        Ceiling::new(limit, SignedDuration::from_hours(1)).unwrap()
    }

    #[test]
    fn spent_budget_has_room_a_window_later() {
        let mut quota = Quota::default();
        (0..3).for_each(|second| quota.charge(7, at(second)));
        let room = |since: &[Timestamp], calls| quota.room_in_budget(7, since, calls, hour(5), at(10));
        assert_eq!(room(&[], 2), at(10));
        assert_eq!(room(&[], 3), at(0) + hour(5).span());
        assert_eq!(room(&[at(8), at(9)], 1), at(0) + hour(5).span(), "calls of this run count too");
        assert_eq!(room(&[at(8), at(9)], 2), at(1) + hour(5).span());
        assert_eq!(quota.room_in_budget(8, &[], 5, hour(5), at(10)), at(10), "another budget");
    }

    #[test]
    fn quiet_budget_leaves_the_record() {
        let mut quota = Quota::default();
        quota.charge(7, at(0));
        quota.charge(8, at(60));
        let stored = serde_json::to_string(&quota).unwrap();
        assert_eq!(serde_json::from_str::<Quota>(&stored).unwrap(), quota);
        quota.forget(at(0) + hour(250).span(), hour(250));
        assert_eq!(quota.budgets.keys().collect::<Vec<_>>(), [&8]);
        quota.forget(at(60) + hour(250).span(), hour(250));
        assert_eq!(quota, Quota { moments: quota.moments.clone(), ..Quota::default() });
    }
}
