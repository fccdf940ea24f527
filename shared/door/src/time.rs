//! How long a door has for its answer.

use std::time::Duration;

use lambda_http::{Request, RequestExt as _};

/// What a door keeps to itself for making the answer and sending it.
const MARGIN: Duration = Duration::from_millis(500);

/// What is left of the invocation at `now_ms` (milliseconds since 1970), but for what the answer itself takes. None where there
/// is no deadline, or one that is over: Lambda would have ended the function by then, and `cargo lambda watch` counts it from
/// 1970.
pub fn left(request: &Request, now_ms: i64) -> Option<Duration> {
    let deadline = request.lambda_context_ref()?.deadline;
    let now = u64::try_from(now_ms).unwrap_or_default();
    let left = deadline.checked_sub(now).filter(|left| *left > 0)?;
    Some(Duration::from_millis(left).saturating_sub(MARGIN))
}

#[cfg(test)]
mod tests {
    use lambda_http::{Body, Context};

    use super::*;

    /// What is left at 10 seconds past 1970.
    fn left_until(deadline: u64) -> Option<Duration> {
        let mut context = Context::default();
        context.deadline = deadline;
        left(&Request::new(Body::Empty).with_lambda_context(context), 10_000)
    }

    #[test]
    fn answer_itself_takes_a_part_of_the_time() {
        assert_eq!(left_until(25_000), Some(Duration::from_millis(14_500)));
        assert_eq!(left_until(10_400), Some(Duration::ZERO));
    }

    #[test]
    fn request_without_a_true_deadline_has_all_the_time() {
        for deadline in [0, 9_000, 10_000] {
            assert_eq!(left_until(deadline), None);
        }
        assert_eq!(left(&Request::new(Body::Empty), 10_000), None);
    }
}
