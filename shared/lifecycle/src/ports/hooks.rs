//! What the functions may do about deliveries.

use async_trait::async_trait;

use super::{SaveError, StoreError};
use crate::hooks::{CloudEvent, Delivery, DeliveryId, DeliveryState};

/// What became of a delivery at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is stored.
    New,
    /// The same one was stored before, and stays as it is.
    Repeated,
    /// The same, and it is dealt with already.
    Ended,
}

/// Accepting deliveries.
#[async_trait]
pub trait AcceptDeliveries: Send + Sync {
    /// Stores a delivery unless it is there already, in one conditional write.
    async fn accept(&self, delivery: &Delivery) -> Result<Accepted, StoreError>;
}

/// Dealing with deliveries.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// One delivery, read consistently.
    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Delivery>, StoreError>;
    /// Notes how its job waits, on condition of the revision that it carries.
    async fn note_delivery(&self, delivery: &Delivery) -> Result<(), SaveError>;
    /// Ends a delivery that has not ended yet, and forgets its code: true if this call ended it.
    async fn settle_delivery(&self, id: &DeliveryId, state: &DeliveryState) -> Result<bool, StoreError>;
}

/// The bus did not take it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event bus is unavailable: {0}")]
pub struct PublishError(pub String);

/// Telling others what happened.
#[async_trait]
pub trait PublishEvents: Send + Sync {
    /// Publishes one event; once at least, so that whoever receives it twice must know it by its id.
    async fn publish(&self, event: &CloudEvent) -> Result<(), PublishError>;
}
