//! The twin behind a lock and the system's clock: it wakes who waits for a message, and keeps its state in a file.
//!
//! The file follows the state by a moment (writes within [`SETTLE`] are one) and is complete after [`Store::flush`]. What
//! a SIGKILL loses in that moment still waits in the work table.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use jiff::Timestamp;
use podio_aws::queue::twin::{Receive, Received, Sqs, SqsError};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

use crate::{data::beside, task::Task};

/// Changes that follow each other within this time are written once.
const SETTLE: Duration = Duration::from_millis(20);

/// The queues of one local stack.
pub struct Store {
    shared: Arc<Shared>,
    _writing: Option<Task>,
}

struct Shared {
    sqs: Mutex<Sqs>,
    /// Something may have become visible.
    changed: Notify,
    /// The file is behind.
    unsaved: Notify,
    file: Option<PathBuf>,
}

impl Store {
    /// Queues that live as long as this does.
    pub fn in_memory(seed: u64) -> Self {
        Self::new(Sqs::new(seed), None)
    }

    /// Queues that are kept in `file`.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn kept_in(file: &Path, seed: u64) -> anyhow::Result<Self> {
        let sqs = match fs::read(file) {
            Ok(json) => serde_json::from_slice(&json)
                .with_context(|| format!("{} is not a saved queue; remove it to start afresh", file.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Sqs::new(seed),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        Ok(Self::new(sqs, Some(file.to_owned())))
    }

    fn new(sqs: Sqs, file: Option<PathBuf>) -> Self {
        let shared = Arc::new(Shared { sqs: Mutex::new(sqs), changed: Notify::new(), unsaved: Notify::new(), file });
        let writing = shared.file.is_some().then(|| Task::spawn("queue file", keep_saved(Arc::clone(&shared))));
        Self { shared, _writing: writing }
    }

    /// Looks at the queues.
    pub fn read<T>(&self, look: impl FnOnce(&Sqs, Timestamp) -> T) -> T {
        look(&self.shared.lock(), Timestamp::now())
    }

    /// Changes the queues and wakes whoever waits for a message.
    pub fn write<T>(&self, change: impl FnOnce(&mut Sqs, Timestamp) -> T) -> T {
        let result = change(&mut self.shared.lock(), Timestamp::now());
        self.shared.changed.notify_waiters();
        self.shared.unsaved.notify_one();
        result
    }

    /// Receives, waiting up to `wait` for the first message. Nothing is polled: it wakes at a change, or at the moment at
    /// which the next message becomes visible.
    ///
    /// # Errors
    /// What SQS refuses.
    pub async fn receive(&self, queue: &str, request: &Receive, wait: Duration) -> Result<Vec<Received>, SqsError> {
        let deadline = Instant::now() + wait;
        loop {
            let changed = self.shared.changed.notified();
            let (received, next) = {
                let now = Timestamp::now();
                let mut sqs = self.shared.lock();
                (sqs.receive(queue, request, now)?, sqs.next_visible(queue, now)?.map(|at| at.duration_since(now)))
            };
            if !received.is_empty() {
                self.shared.unsaved.notify_one();
                return Ok(received);
            }
            if Instant::now() >= deadline {
                return Ok(received);
            }
            let appears = next.and_then(|next| Duration::try_from(next).ok()).map(|next| Instant::now() + next);
            tokio::select! {
                () = changed => {}
                () = sleep_until(appears.unwrap_or(deadline).min(deadline)) => {}
            }
        }
    }

    /// Writes the file now.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn flush(&self) -> io::Result<()> {
        self.shared.save()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Sqs> {
        // A panic inside the twin leaves at worst a message half moved; the sweep copes with that.
        self.sqs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let json = serde_json::to_vec(&*self.lock())?;
        // Whoever reads the file sees the old state or the new one, never a part.
        let fresh = beside(file);
        fs::write(&fresh, json)?;
        fs::rename(fresh, file)
    }
}

async fn keep_saved(shared: Arc<Shared>) {
    loop {
        shared.unsaved.notified().await;
        sleep(SETTLE).await;
        let saving = Arc::clone(&shared);
        let saved = tokio::task::spawn_blocking(move || saving.save()).await;
        if let Ok(Err(error)) = saved {
            tracing::warn!(%error, "the queue's file could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use podio_aws::queue::twin::{NewMessage, Settings};

    use super::*;

    fn with_queue(store: Store) -> Store {
        store.write(|sqs, _| sqs.create_queue("jobs", Settings::default())).unwrap();
        store
    }

    #[tokio::test]
    async fn a_waiting_receive_wakes_for_a_new_message() {
        let store = Arc::new(with_queue(Store::in_memory(1)));
        let waiting = Arc::clone(&store);
        let (request, hour) = (Receive::up_to(1), Duration::from_secs(3600));
        let receive = tokio::spawn(async move { waiting.receive("jobs", &request, hour).await });
        tokio::task::yield_now().await;
        store.write(|sqs, now| sqs.send("jobs", NewMessage::new("x"), now)).unwrap();
        assert_eq!(receive.await.unwrap().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_waiting_receive_wakes_when_a_hidden_message_appears() {
        let store = with_queue(Store::in_memory(1));
        let hidden = NewMessage::new("x").delayed(Duration::from_secs(1));
        store.write(|sqs, now| sqs.send("jobs", hidden, now)).unwrap();
        let hour = Duration::from_secs(3600);
        assert_eq!(store.receive("jobs", &Receive::up_to(1), hour).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn messages_outlive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sqs.json");
        let store = with_queue(Store::kept_in(&file, 1).unwrap());
        store.write(|sqs, now| sqs.send("jobs", NewMessage::new("kept"), now)).unwrap();
        store.flush().unwrap();
        drop(store);

        let store = Store::kept_in(&file, 2).unwrap();
        let received = store.receive("jobs", &Receive::up_to(1), Duration::ZERO).await.unwrap();
        assert_eq!(received[0].body, "kept");

        fs::write(&file, "{").unwrap();
        assert!(Store::kept_in(&file, 2).is_err());
    }
}
