//! Back-off between attempts after a fault outside.

use jiff::SignedDuration;

const FIRST: i64 = 1;
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// How long to wait after the `attempt`-th failure in a row (from 1): doubling from a second to a quarter of an hour, with
/// the upper half drawn by `random` (any value), so that many jobs that failed together do not come back at one moment. An
/// outage is waited out for as long as it lasts, so there is no last attempt.
pub fn backoff(attempt: u32, random: u16) -> SignedDuration {
    let doubled = SignedDuration::from_secs(FIRST << attempt.saturating_sub(1).min(20));
    let full = doubled.min(LONGEST);
    let drawn = full.as_millis() / 2 * i128::from(random) / i128::from(u16::MAX);
    full / 2 + SignedDuration::from_millis(i64::try_from(drawn).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_quarter_of_an_hour() {
        let longest: Vec<_> = (1..=12).map(|n| backoff(n, u16::MAX).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(backoff(1, 0), SignedDuration::from_millis(500));
        assert_eq!(backoff(u32::MAX, 0), LONGEST / 2);
    }
}
