//! The event bus.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use podio_lifecycle::{
    hooks::CloudEvent,
    ports::{PublishError, PublishEvents},
};

use super::Faults;

/// An event bus, in memory: it keeps what was published.
#[derive(Default)]
pub struct MemoryEvents {
    events: Mutex<Vec<CloudEvent>>,
    faults: Faults,
}

impl MemoryEvents {
    /// Nothing published yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The faults, to be set; the operation is `publish`.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What was published, in order.
    pub fn published(&self) -> Vec<CloudEvent> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl PublishEvents for MemoryEvents {
    async fn publish(&self, event: &CloudEvent) -> Result<(), PublishError> {
        let keep = || {
            self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
            Ok(())
        };
        self.faults.around("publish", keep).await
    }
}
