//! When a caller must have its answer: no call to AWS waits beyond that.
//!
//! The SDK's timeouts bound one operation; a request takes several, and Lambda ends a function whose time is over, which leaves
//! the caller without any answer. A deadline belongs to the task that answers, and each try of an operation looks at it
//! ([`crate::config`] sets up the SDK so).

use std::time::Duration;

use tokio::{task_local, time::Instant};

task_local! {
    static DEADLINE: Instant;
}

/// Runs `work`, whose calls to AWS fail once `time` is over. Within a deadline that is nearer already, that one counts.
pub async fn within<T>(time: Duration, work: impl Future<Output = T>) -> T {
    let now = Instant::now();
    let time = left().map_or(time, |left| left.min(time));
    // A time that no clock can hold is none.
    match now.checked_add(time) {
        Some(deadline) => DEADLINE.scope(deadline, work).await,
        None => work.await,
    }
}

/// The time that is left; none where nobody has set a deadline.
pub(crate) fn left() -> Option<Duration> {
    DEADLINE.try_with(|deadline| deadline.saturating_duration_since(Instant::now())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[tokio::test]
    async fn nearer_deadline_counts() {
        assert_eq!(left(), None);
        within(HOUR, async {
            assert!(left().unwrap() <= HOUR);
            within(DAY, async { assert!(left().unwrap() <= HOUR) }).await;
            within(Duration::ZERO, async { assert_eq!(left(), Some(Duration::ZERO)) }).await;
        })
        .await;
        within(Duration::MAX, async { assert_eq!(left(), None) }).await;
    }
}
