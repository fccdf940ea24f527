//! Background work that ends with its owner.

use std::future::Future;

use tokio::task::{AbortHandle, JoinHandle};

/// A background task, aborted when this is dropped.
pub struct Task {
    work: AbortHandle,
    watched: Option<JoinHandle<()>>,
}

impl Task {
    /// Runs `work` until it ends or this is dropped. A panic in it is logged: it would otherwise go unseen.
    pub fn spawn(name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> Self {
        let inner = tokio::spawn(work);
        let work = inner.abort_handle();
        let watched = tokio::spawn(async move {
            if inner.await.is_err_and(|error| error.is_panic()) {
                tracing::error!(name, "a background task panicked");
            }
        });
        Self { work, watched: Some(watched) }
    }

    /// Waits until it ends by itself.
    pub async fn ended(mut self) {
        if let Some(watched) = self.watched.take() {
            let _ = watched.await;
        }
    }

    /// Aborts it and waits until nothing of it runs any more.
    pub async fn stop(mut self) {
        self.work.abort();
        if let Some(watched) = self.watched.take() {
            // It fails only with the runtime.
            let _ = watched.await;
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.work.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn stopped_task_holds_nothing_any_more() {
        let held = Arc::new(());
        let copy = Arc::clone(&held);
        let task = Task::spawn("test", async move {
            let _copy = copy;
            std::future::pending().await
        });
        tokio::task::yield_now().await;
        task.stop().await;
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
