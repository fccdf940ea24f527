//! No window of an hour, however placed, holds more calls than the ceiling.

use proptest::prelude::*;

use super::*;

/// Something that is done to the quota.
#[derive(Debug, Clone)]
enum Step {
    /// So many milliseconds go by.
    Later(i64),
    /// A worker whose clock is behind by that share of the lateness, in percent, is next.
    Behind(i32),
    /// A dispatch finds these jobs: priority, routes, whether they come back to back.
    Choose(Vec<(Priority, Vec<u8>, bool)>),
    /// One more call of a job that runs.
    OneMore(Priority, u8),
    /// Of the moments that lie ahead, every so-manieth is not spent.
    Strike(usize),
    /// All attempts so far have ended.
    End(bool),
    /// An answer tells of a ceiling.
    Hear(u8, u32, u32),
    /// Podio refuses.
    Refuse(Option<i64>),
    /// The record is stored, read and tidied up.
    Store,
}

const ROUTES: [&str; 3] = ["look", "leave", "list"];

fn route(index: u8) -> &'static str {
    ROUTES[usize::from(index) % ROUTES.len()]
}

fn any_priority() -> impl Strategy<Value = Priority> {
    prop_oneof![Just(Priority::Interactive), Just(Priority::Removal), Just(Priority::Background)]
}

fn any_step() -> impl Strategy<Value = Step> {
    let jobs = (any_priority(), prop::collection::vec(0u8..3, 0..14), any::<bool>());
    prop_oneof![
        3 => (0i64..30_000).prop_map(Step::Later),
        1 => (0i64..300_000).prop_map(Step::Later),
        1 => (0i32..=100).prop_map(Step::Behind),
        6 => prop::collection::vec(jobs, 0..25).prop_map(Step::Choose),
        2 => (any_priority(), 0u8..3).prop_map(|(priority, route)| Step::OneMore(priority, route)),
        1 => (1usize..4).prop_map(Step::Strike),
        1 => any::<bool>().prop_map(Step::End),
        1 => (0u8..3, 1u32..12, 0u32..12).prop_map(|(route, limit, left)| Step::Hear(route, limit, left)),
        1 => prop::option::of(0i64..60).prop_map(Step::Refuse),
        1 => Just(Step::Store),
    ]
}

/// What is seen of the quota from outside.
struct Seen {
    quota: Quota,
    configured: Ceiling,
    now: Timestamp,
    /// The moments that may have been spent.
    spent: Vec<Reserved>,
    orders: Vec<Order>,
    jobs: u64,
}

impl Seen {
    fn step(&mut self, step: Step) {
        let (now, configured) = (self.now, self.configured);
        match step {
            Step::Later(ms) => self.now += SignedDuration::from_millis(ms),
            Step::Behind(share) => self.now -= configured.lateness() * share / 100,
            Step::Choose(jobs) => {
                let mut waiting = Vec::new();
                for (priority, routes, back_to_back) in jobs {
                    self.jobs += 1;
                    let routes = routes.into_iter().map(|index| route(index).to_owned()).collect();
                    waiting.push(job(self.jobs, priority, Calls { routes, back_to_back }));
                }
                let orders = self.quota.choose(&waiting, now, PATIENCE, configured);
                self.spent.extend(orders.iter().flat_map(|order| &order.moments));
                self.orders.extend(orders);
            }
            Step::OneMore(priority, index) => {
                self.spent.extend(self.quota.one_more(route(index), priority, now, secs(100), configured));
            }
            Step::Strike(every) => {
                let ahead = self.spent.iter().copied().filter(|reserved| reserved.at > now);
                let unspent: Vec<_> = ahead.step_by(every).collect();
                self.quota.strike(&unspent);
                self.spent.retain(|reserved| !unspent.contains(reserved));
            }
            Step::End(waits_again) => {
                for order in std::mem::take(&mut self.orders) {
                    self.quota.ended(&order, waits_again, now);
                }
            }
            Step::Hear(index, limit, remaining) => {
                let heard =
                    Heard { route: route(index).to_owned(), at: now, limit: Some(limit), remaining: Some(remaining) };
                self.quota.learn(&heard, now, configured);
            }
            Step::Refuse(wait) => self.quota.refused(now, wait.map(secs), configured),
            Step::Store => {
                self.quota.forget(now, configured);
                let stored = serde_json::to_string(&self.quota).unwrap();
                self.quota = serde_json::from_str(&stored).unwrap();
            }
        }
    }

    fn check(&self) {
        let limits: std::collections::BTreeSet<u32> = self.spent.iter().map(|reserved| reserved.limit).collect();
        for limit in limits {
            let under: Vec<_> = self.spent.iter().filter(|reserved| reserved.limit == limit).map(|it| it.at).collect();
            assert_no_window_exceeded(&under, self.configured.with_limit(limit));
            let mut distinct = under.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), under.len(), "a moment was given twice");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_window_is_ever_exceeded(limit in 1u32..12, window in 1i64..200, steps in prop::collection::vec(any_step(), 1..60)) {
        let configured = ceiling(limit, window);
        let (spent, orders) = (Vec::new(), Vec::new());
        let mut seen = Seen { quota: Quota::default(), configured, now: at(0), spent, orders, jobs: 0 };
        for step in steps {
            seen.step(step);
        }
        seen.check();
    }

    #[test]
    fn every_moment_survives_storage(given in prop::collection::btree_map(-9_999_999i64..9_999_999, any::<bool>(), 0..60)) {
        let mut moments = Moments::default();
        for (ms, background) in given {
            moments.add(at(ms), background);
        }
        let stored: Vec<i64> = moments.clone().into();
        prop_assert_eq!(Moments::from(stored), moments);
    }
}

#[test]
fn moments_out_of_a_broken_record_are_in_order() {
    let moments = Moments::from(vec![2_000, -600, 0, i64::MAX, i64::MAX]);
    let all: Vec<_> = moments.all().collect();
    assert!(all.is_sorted() && all.len() < 5, "sorted, each once: {all:?}");
}

#[test]
fn a_clock_that_runs_ahead_only_makes_others_wait() {
    let few = ceiling(4, 100);
    let mut quota = Quota::default();
    let look = |n| job(n, Priority::Interactive, Calls::of("look", 1));
    let ahead = quota.choose(&(0..4).map(look).collect::<Vec<_>>(), at(60_000), PATIENCE, few);
    assert_eq!(ahead.len(), 4);
    assert_eq!(quota.choose(&[look(9)], at(0), PATIENCE, few), [], "those moments count, though they lie ahead");
}
