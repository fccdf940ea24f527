//! Podio's rate limit, in each way its hour may be meant.
//!
//! Rule: a window never holds more than `limit` admitted calls. A call at `t` counts in `[t, t + window)`; at exactly
//! `t + window` it counts no more.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::UserId;
use crate::switches::{Exhaustion, QuotaKey, RejectedCalls, Switches};

/// How windows are placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WindowModel {
    /// Aligned to the epoch: with an hour, from full hour to full hour.
    Fixed,
    /// Opened by the first call after the previous window ended.
    FirstCall,
    /// The last `window` before each call.
    Sliding,
}

/// The configured ceilings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// The ceiling of everything; of heavy calls alone when `general_limit` is set.
    pub limit: u32,
    /// The ceiling of calls that are not heavy; none means one bucket for all.
    pub general_limit: Option<u32>,
    /// The window's length in seconds.
    pub window_seconds: u32,
    /// How windows are placed.
    pub model: WindowModel,
    /// Calls of the token endpoints in their own window.
    pub token_limit: u32,
    /// The length of the token endpoints' window in seconds.
    pub token_window_seconds: u32,
}

/// Which ceiling counts a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bucket {
    /// The general ceiling, or the only one.
    General,
    /// The lower ceiling of heavy operations.
    Heavy,
    /// The token endpoints.
    Token,
}

/// What the limiter says to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The call may pass.
    Admitted {
        /// The ceiling that counted it.
        limit: u32,
        /// What is left after it.
        remaining: u32,
    },
    /// 420.
    Rejected {
        /// The ceiling that was met.
        limit: u32,
        /// Whole seconds until a call may pass again.
        wait_seconds: u64,
    },
}

/// The admitted calls of one window.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Window {
    hits: VecDeque<Timestamp>,
}

impl Window {
    /// Counts a call at `now`, or says when the next one may pass.
    fn admit(
        &mut self,
        model: WindowModel,
        limit: u32,
        length: SignedDuration,
        now: Timestamp,
    ) -> Result<u32, Timestamp> {
        self.forget(model, length, now);
        let limit = limit.max(1) as usize;
        if self.hits.len() < limit {
            self.hits.push_back(now);
            return Ok((limit - self.hits.len()) as u32);
        }
        let first_to_leave = match model {
            WindowModel::Fixed => start_of_fixed(now, length),
            WindowModel::FirstCall => self.hits.front().copied().unwrap_or(now),
            WindowModel::Sliding => self.hits.get(self.hits.len() - limit).copied().unwrap_or(now),
        };
        Err(later(first_to_leave, length))
    }

    fn forget(&mut self, model: WindowModel, length: SignedDuration, now: Timestamp) {
        match model {
            WindowModel::Fixed => {
                let start = start_of_fixed(now, length);
                self.hits.retain(|hit| *hit >= start);
            }
            // The first call of a window is the oldest one kept, so it tells when the window opened.
            WindowModel::FirstCall => {
                if self.hits.front().is_some_and(|first| later(*first, length) <= now) {
                    self.hits.clear();
                }
            }
            WindowModel::Sliding => {
                while self.hits.front().is_some_and(|hit| later(*hit, length) <= now) {
                    self.hits.pop_front();
                }
            }
        }
    }
}

fn start_of_fixed(now: Timestamp, length: SignedDuration) -> Timestamp {
    let length = length.as_nanos().max(1);
    let start = now.as_nanosecond().div_euclid(length) * length;
    Timestamp::from_nanosecond(start).unwrap_or(now)
}

fn later(moment: Timestamp, by: SignedDuration) -> Timestamp {
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn whole_seconds_until(moment: Timestamp, now: Timestamp) -> u64 {
    let nanos = moment.duration_since(now).as_nanos().max(0);
    (nanos as u128).div_ceil(1_000_000_000) as u64
}

/// The windows of one counted key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct KeyUse {
    general: Window,
    heavy: Window,
    blocked_until: Option<Timestamp>,
}

/// Counts calls against the ceilings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Limiter {
    /// The ceilings; they may be changed while running.
    pub quota: Quota,
    keys: BTreeMap<String, KeyUse>,
    tokens: Window,
}

impl Limiter {
    /// A limiter that has seen no call.
    pub fn new(quota: Quota) -> Self {
        Self { quota, keys: BTreeMap::new(), tokens: Window::default() }
    }

    /// Judges one call to the API proper.
    pub fn admit(
        &mut self,
        now: Timestamp,
        client: &str,
        user: UserId,
        bucket: Bucket,
        switches: &Switches,
    ) -> Verdict {
        let key = match switches.quota_key {
            QuotaKey::ClientAndUser => format!("{client}/{user}"),
            QuotaKey::Client => client.to_owned(),
            QuotaKey::Everybody => String::new(),
        };
        let quota = &self.quota;
        let length = SignedDuration::from_secs(quota.window_seconds.into());
        let used = self.keys.entry(key).or_default();
        let (window, limit) = match (bucket, quota.general_limit) {
            (Bucket::Heavy, Some(_)) => (&mut used.heavy, quota.limit),
            (_, Some(general)) => (&mut used.general, general),
            (_, None) => (&mut used.general, quota.limit),
        };
        let blocked = used.blocked_until.filter(|until| *until > now);
        let free_at = match blocked {
            Some(until) => until,
            None => match window.admit(quota.model, limit, length, now) {
                Ok(remaining) => return Verdict::Admitted { limit, remaining },
                Err(free_at) => free_at,
            },
        };
        let free_at = match switches.rejected_calls {
            RejectedCalls::Extend => later(now, length),
            RejectedCalls::Free => free_at,
        };
        if switches.rejected_calls == RejectedCalls::Extend || switches.exhaustion == Exhaustion::BlocksAll {
            used.blocked_until = Some(free_at);
        }
        Verdict::Rejected { limit, wait_seconds: whole_seconds_until(free_at, now) }
    }

    /// Judges one call to a token endpoint; these have a limiter of their own.
    pub fn admit_token_call(&mut self, now: Timestamp) -> Verdict {
        let limit = self.quota.token_limit;
        let length = SignedDuration::from_secs(self.quota.token_window_seconds.into());
        match self.tokens.admit(self.quota.model, limit, length, now) {
            Ok(remaining) => Verdict::Admitted { limit, remaining },
            Err(free_at) => Verdict::Rejected { limit, wait_seconds: whole_seconds_until(free_at, now) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::switches::Profile;

    const ME: UserId = UserId(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn limiter(model: WindowModel) -> (Limiter, Switches) {
        let quota = Quota {
            limit: 3,
            general_limit: None,
            window_seconds: 100,
            model,
            token_limit: 2,
            token_window_seconds: 30,
        };
        (Limiter::new(quota), Switches::of(Profile::Guide))
    }

    fn statuses(model: WindowModel, seconds: &[i64]) -> Vec<Result<u32, u64>> {
        let (mut limiter, switches) = limiter(model);
        let judge = |second: &i64| match limiter.admit(at(*second), "c", ME, Bucket::General, &switches) {
            Verdict::Admitted { remaining, .. } => Ok(remaining),
            Verdict::Rejected { wait_seconds, .. } => Err(wait_seconds),
        };
        seconds.iter().map(judge).collect()
    }

    #[test]
    fn a_fixed_window_ends_on_the_boundary_whenever_its_calls_came() {
        let seen = statuses(WindowModel::Fixed, &[98, 98, 99, 99, 100, 100, 101, 150, 199, 200]);
        assert_eq!(seen, [Ok(2), Ok(1), Ok(0), Err(1), Ok(2), Ok(1), Ok(0), Err(50), Err(1), Ok(2)]);
    }

    #[test]
    fn a_first_call_window_opens_with_a_call_and_ends_exactly_its_length_later() {
        let seen = statuses(WindowModel::FirstCall, &[42, 100, 141, 141, 142, 142, 142, 241, 242]);
        assert_eq!(seen, [Ok(2), Ok(1), Ok(0), Err(1), Ok(2), Ok(1), Ok(0), Err(1), Ok(2)]);
    }

    #[test]
    fn a_sliding_window_frees_one_place_for_each_call_that_leaves_it() {
        let seen = statuses(WindowModel::Sliding, &[0, 40, 80, 99, 100, 100, 139, 140, 140]);
        assert_eq!(seen, [Ok(2), Ok(1), Ok(0), Err(1), Ok(0), Err(40), Err(1), Ok(0), Err(40)]);
    }

    #[test]
    fn no_model_admits_more_than_the_limit_in_one_of_its_own_windows() {
        let mut rng = crate::rng::SplitMix::new(7);
        for model in [WindowModel::Fixed, WindowModel::FirstCall, WindowModel::Sliding] {
            let (mut limiter, switches) = limiter(model);
            let (mut now, mut admitted, mut opened) = (0, Vec::new(), None::<i64>);
            for _ in 0..2_000 {
                now += rng.below(45) as i64;
                if let Verdict::Admitted { .. } = limiter.admit(at(now), "c", ME, Bucket::General, &switches) {
                    let window = match model {
                        WindowModel::Fixed => now.div_euclid(100) * 100,
                        WindowModel::FirstCall => *opened.insert(opened.filter(|o| o + 100 > now).unwrap_or(now)),
                        WindowModel::Sliding => now - 99,
                    };
                    admitted.push(now);
                    let held = admitted.iter().filter(|call| **call >= window).count();
                    assert!(held <= 3, "{model:?} held {held} calls from {window} to {now}");
                }
            }
            assert!(admitted.len() > 100, "{model:?} admits calls at all");
        }
    }

    #[test]
    fn a_wait_is_rounded_up_so_that_the_call_after_it_passes() {
        let (mut limiter, switches) = limiter(WindowModel::Sliding);
        let odd = at(0).checked_add(SignedDuration::from_millis(300)).unwrap();
        for _ in 0..3 {
            limiter.admit(odd, "c", ME, Bucket::General, &switches);
        }
        let Verdict::Rejected { wait_seconds, .. } = limiter.admit(at(50), "c", ME, Bucket::General, &switches) else {
            panic!("the ceiling is reached")
        };
        assert_eq!(wait_seconds, 51);
        let after = limiter.admit(at(50 + 51), "c", ME, Bucket::General, &switches);
        assert!(matches!(after, Verdict::Admitted { .. }));
    }

    #[test]
    fn with_two_ceilings_the_heavy_one_blocks_everything_or_only_itself() {
        for (exhaustion, general_passes) in [(Exhaustion::BlocksAll, false), (Exhaustion::BlocksBucket, true)] {
            let (mut limiter, mut switches) = limiter(WindowModel::Fixed);
            limiter.quota.general_limit = Some(10);
            switches.exhaustion = exhaustion;
            for _ in 0..4 {
                limiter.admit(at(0), "c", ME, Bucket::Heavy, &switches);
            }
            let general = limiter.admit(at(1), "c", ME, Bucket::General, &switches);
            assert_eq!(matches!(general, Verdict::Admitted { limit: 10, .. }), general_passes);
        }
    }

    #[test]
    fn a_rejected_call_may_start_the_block_anew() {
        let (mut limiter, mut switches) = limiter(WindowModel::Fixed);
        switches.rejected_calls = RejectedCalls::Extend;
        for _ in 0..4 {
            limiter.admit(at(90), "c", ME, Bucket::General, &switches);
        }
        let rejected = limiter.admit(at(189), "c", ME, Bucket::General, &switches);
        assert_eq!(rejected, Verdict::Rejected { limit: 3, wait_seconds: 100 });
        assert!(matches!(limiter.admit(at(289), "c", ME, Bucket::General, &switches), Verdict::Admitted { .. }));
    }

    #[test]
    fn keys_and_token_calls_are_counted_apart() {
        let (mut limiter, mut switches) = limiter(WindowModel::Fixed);
        switches.quota_key = QuotaKey::ClientAndUser;
        for _ in 0..3 {
            limiter.admit(at(0), "c", ME, Bucket::General, &switches);
        }
        let other_user = limiter.admit(at(0), "c", UserId(2), Bucket::General, &switches);
        assert!(matches!(other_user, Verdict::Admitted { remaining: 2, .. }));
        assert!(matches!(limiter.admit_token_call(at(0)), Verdict::Admitted { remaining: 1, .. }));
    }
}
