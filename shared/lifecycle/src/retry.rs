//! Back-off between attempts after a fault outside.

use std::time::Duration;

/// Attempts at one step before a person has to look. With the delays below that is about an hour and a half of outage.
pub const MAX_ATTEMPTS: u32 = 14;

const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(900);

/// How long to wait after the `attempt`-th failure (from 1): doubling from two seconds to fifteen minutes, with the upper
/// half drawn by `random` (any value), so that many jobs failed by one outage do not come back at one moment.
pub fn backoff(attempt: u32, random: u16) -> Duration {
    let doubled = FIRST.saturating_mul(1u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
    let full = doubled.min(LONGEST);
    let jitter = full / 2 * u32::from(random) / u32::from(u16::MAX);
    full / 2 + jitter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_quarter_of_an_hour() {
        let longest: Vec<_> = (1..=11).map(|n| backoff(n, u16::MAX).as_secs()).collect();
        assert_eq!(longest, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        let shortest: Vec<_> = (1..=4).map(|n| backoff(n, 0).as_secs()).collect();
        assert_eq!(shortest, [1, 2, 4, 8]);
        assert_eq!(backoff(u32::MAX, 0), LONGEST / 2);
    }
}
