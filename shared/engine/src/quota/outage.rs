//! What does not work at present: Podio as a whole, or one of its routes.
//!
//! An answer that is none (a 5xx, a time-out, a page that is not Podio's) says nothing about the job that asked. After five
//! of them, to different jobs and with no answer in between, the breaker opens: one job tries, with longer and longer pauses,
//! and the others wait. The first answer closes it and wakes all.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Jobs without an answer that open a breaker.
const OPENS_AFTER: usize = 5;
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);
/// Stands for Podio as a whole among the routes.
const EVERYTHING: &str = "*";
/// Routes that are watched. There are fewer than this; more would mean that something invents them.
const MOST_ROUTES: usize = 60;

/// What does not work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outages {
    breakers: BTreeMap<String, Breaker>,
    /// When a breaker was last closed.
    pub recovered_at: Option<Timestamp>,
    /// When Podio last answered.
    pub answered_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Breaker {
    /// The jobs that got no answer, up to as many as open it.
    jobs: Vec<u64>,
    /// How often the one job that tries has tried.
    tries: u32,
    /// When it tries next; none while the breaker is closed.
    next_try: Option<Timestamp>,
    /// Whether it is trying.
    trying: bool,
}

impl Outages {
    /// Whether a job that calls this route may go out now.
    pub fn lets_through(&self, route: &str, now: Timestamp) -> bool {
        let shut =
            |name: &str| self.breakers.get(name).is_some_and(|breaker| breaker.next_try.is_some_and(|next| now < next));
        !shut(EVERYTHING) && !shut(route)
    }

    /// A job that calls this route goes out: where a breaker is open, it is the one that tries.
    pub fn sends(&mut self, route: &str, now: Timestamp, answered_by: SignedDuration) {
        for name in [EVERYTHING, route] {
            if let Some(breaker) = self.breakers.get_mut(name).filter(|breaker| breaker.next_try.is_some()) {
                // Should nobody tell how it went, another one tries.
                breaker.next_try = Some(now + answered_by);
                breaker.trying = true;
            }
        }
    }

    /// Whether Podio as a whole does not answer.
    pub fn is_down(&self) -> bool {
        self.breakers.get(EVERYTHING).is_some_and(|breaker| breaker.next_try.is_some())
    }

    /// Podio has answered a call of this route.
    pub fn answered(&mut self, route: &str, now: Timestamp) {
        self.answered_at = Some(now);
        for name in [EVERYTHING, route] {
            if self.breakers.remove(name).is_some_and(|breaker| breaker.next_try.is_some()) {
                self.recovered_at = Some(now);
            }
        }
    }

    /// A job got no answer to a call of this route.
    pub fn unanswered(&mut self, route: &str, job: u64, now: Timestamp) {
        for name in [EVERYTHING, route] {
            if self.breakers.len() >= MOST_ROUTES && !self.breakers.contains_key(name) {
                continue;
            }
            let breaker = self.breakers.entry(name.to_owned()).or_default();
            if !breaker.jobs.contains(&job) && breaker.jobs.len() < OPENS_AFTER {
                breaker.jobs.push(job);
            }
            // Others may have been on their way when it opened; only the one that tries makes the pauses longer.
            if breaker.jobs.len() >= OPENS_AFTER && (breaker.trying || breaker.next_try.is_none()) {
                breaker.trying = false;
                let pause = SignedDuration::from_secs(1 << breaker.tries.min(10)).min(LONGEST_PAUSE);
                breaker.tries += 1;
                breaker.next_try = Some(now + pause);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn five_jobs_without_an_answer_shut_everything_and_one_answer_opens_it() {
        let mut outages = Outages::default();
        for job in 0..4 {
            outages.unanswered("a", job, at(0));
            outages.unanswered("a", job, at(1));
        }
        assert!(outages.lets_through("b", at(1)), "four jobs are not five, however often they ask");
        outages.unanswered("b", 9, at(2));
        assert!(outages.is_down() && !outages.lets_through("c", at(2)) && outages.lets_through("c", at(3)));
        outages.sends("c", at(3), SignedDuration::from_secs(60));
        assert!(!outages.lets_through("c", at(4)), "one job tries");
        outages.unanswered("c", 10, at(5));
        assert!(!outages.lets_through("c", at(6)) && outages.lets_through("c", at(7)), "the pause has doubled");
        outages.answered("c", at(8));
        assert!(!outages.is_down() && outages.lets_through("a", at(8)));
        assert_eq!(outages.recovered_at, Some(at(8)));
    }

    #[test]
    fn a_route_that_fails_alone_holds_up_nothing_else() {
        let mut outages = Outages::default();
        for job in 0..5 {
            outages.unanswered("a", job, at(0));
            outages.answered("b", at(0));
        }
        assert!(!outages.lets_through("a", at(0)) && outages.lets_through("b", at(0)));
    }

    #[test]
    fn pauses_grow_to_a_quarter_of_an_hour_and_no_further() {
        let mut outages = Outages::default();
        let mut now = at(0);
        for job in 0..40 {
            outages.unanswered("a", job, now);
            outages.sends("a", now, LONGEST_PAUSE);
            now += LONGEST_PAUSE;
            assert!(outages.lets_through("a", now), "{job}");
        }
    }
}
