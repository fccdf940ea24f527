//! The two queues, as template.yaml has them, but for the visibility timeout of the worker's.

use std::time::Duration;

use podio_aws::queue::twin::{RedrivePolicy, Settings, SqsError};

use crate::sqs::Store;

/// The name of the queue that feeds the worker.
pub const JOBS: &str = "podio-lifecycle-jobs";
/// The name of the queue for messages that it did not take.
pub const DEAD_LETTERS: &str = "podio-lifecycle-dead-letters";

/// Longer than the worker may take, and no longer than it must be: after a crash, a developer waits for it. Deployed, it
/// is six times the worker's timeout.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(50);
const MAX_RECEIVE_COUNT: u32 = 5;
const RETENTION: Duration = Duration::from_hours(14 * 24);

/// Creates the queues, or gives those of an earlier run today's settings.
///
/// # Errors
/// What SQS refuses.
pub fn create(store: &Store) -> Result<(), SqsError> {
    let dead = Settings { retention: RETENTION, ..Settings::default() };
    let redrive = RedrivePolicy { dead_letter_queue: DEAD_LETTERS.to_owned(), max_receive_count: MAX_RECEIVE_COUNT };
    let jobs = Settings { visibility_timeout: VISIBILITY_TIMEOUT, redrive: Some(redrive), ..dead.clone() };
    store.write(|sqs, _| {
        for (name, settings) in [(DEAD_LETTERS, dead), (JOBS, jobs)] {
            match sqs.create_queue(name, settings.clone()) {
                Err(SqsError::QueueNameExists) => sqs.set_settings(name, settings)?,
                created => created?,
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::Function;

    #[test]
    fn a_message_stays_hidden_for_as_long_as_the_worker_may_take() {
        assert!(VISIBILITY_TIMEOUT > Function::Worker.timeout());
    }

    #[tokio::test]
    async fn creating_them_again_changes_nothing() {
        let store = Store::in_memory(1);
        create(&store).unwrap();
        create(&store).unwrap();
        let jobs = store.read(|sqs, _| sqs.settings(JOBS).cloned()).unwrap();
        assert_eq!(jobs.redrive.unwrap().dead_letter_queue, DEAD_LETTERS);
    }
}
