//! Background work that ends with its owner.

use std::future::Future;

use tokio::task::JoinHandle;

/// A background task, aborted when this is dropped.
pub struct Task(JoinHandle<()>);

impl Task {
    /// Runs `work` until it ends or this is dropped. A panic in it is logged: it would otherwise go unseen.
    pub fn spawn(name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> Self {
        let inner = tokio::spawn(work);
        let abort = AbortOnDrop(inner.abort_handle());
        Self(tokio::spawn(async move {
            let _abort = abort;
            if inner.await.is_err_and(|error| error.is_panic()) {
                tracing::error!(name, "a background task panicked");
            }
        }))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
