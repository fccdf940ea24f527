//! The event bus in EventBridge: one CloudEvent as the detail of one entry.

use async_trait::async_trait;
use aws_sdk_eventbridge::{Client, types::PutEventsRequestEntry};
use podio_lifecycle::{
    hooks::CloudEvent,
    ports::{PublishError, PublishEvents},
};

use crate::aws_error::code;

/// What the bus knows our entries by, for rules; the CloudEvent's own source is in the detail.
const SOURCE: &str = "podio-lifecycle";

/// An event bus.
#[derive(Debug, Clone)]
pub struct EventBridge {
    client: Client,
    bus: String,
}

impl EventBridge {
    /// The bus of that name or ARN.
    pub fn new(client: Client, bus: impl Into<String>) -> Self {
        Self { client, bus: bus.into() }
    }
}

#[async_trait]
impl PublishEvents for EventBridge {
    async fn publish(&self, event: &CloudEvent) -> Result<(), PublishError> {
        let detail = serde_json::to_string(event).map_err(|_| PublishError("cannot be written".to_owned()))?;
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(SOURCE)
            .detail_type(&event.kind)
            .detail(detail)
            .build();
        let answer = self.client.put_events().entries(entry).send().await;
        let answer = answer.map_err(|error| PublishError(code(&error).to_owned()))?;
        // An entry can be refused within a request that is accepted.
        match answer.entries().iter().find_map(|entry| entry.error_code()) {
            Some(code) => Err(PublishError(code.to_owned())),
            None => Ok(()),
        }
    }
}
