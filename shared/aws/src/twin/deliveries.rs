//! Deliveries of Podio's.

use std::collections::btree_map::Entry;

use async_trait::async_trait;
use podio_lifecycle::{
    hooks::{Delivery, DeliveryId, DeliveryState},
    ports::{AcceptDeliveries, Accepted, Deliveries, SaveError, StoreError},
    work::JobId,
};

use super::MemoryStore;
use crate::rules;

fn job(id: &DeliveryId) -> JobId {
    JobId::new(JobId::DELIVERY, id)
}

#[async_trait]
impl AcceptDeliveries for MemoryStore {
    async fn accept(&self, delivery: &Delivery) -> Result<Accepted, StoreError> {
        self.run("accept", |tables| {
            Ok(match tables.deliveries.entry(delivery.id.clone()) {
                Entry::Occupied(stored) => rules::repeated(&stored.get().state),
                Entry::Vacant(place) => {
                    place.insert(delivery.clone());
                    tables.work.set(&job(&delivery.id), delivery.waiting());
                    Accepted::New
                }
            })
        })
        .await
    }
}

#[async_trait]
impl Deliveries for MemoryStore {
    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.run("delivery", |tables| Ok(tables.deliveries.get(id).cloned())).await
    }

    async fn note_delivery(&self, delivery: &Delivery) -> Result<(), SaveError> {
        self.run("note_delivery", |tables| {
            let stored = tables.deliveries.get_mut(&delivery.id);
            let is_expected = |stored: &&mut Delivery| stored.revision == delivery.revision && !stored.state.is_final();
            let stored = stored.filter(is_expected).ok_or(SaveError::Conflict)?;
            let not_before = delivery.not_before.map(rules::stored);
            *stored = Delivery { revision: delivery.revision + 1, not_before, ..delivery.clone() };
            tables.work.set(&job(&delivery.id), stored.waiting());
            Ok(())
        })
        .await
    }

    async fn settle_delivery(&self, id: &DeliveryId, state: &DeliveryState) -> Result<bool, StoreError> {
        self.run("settle_delivery", |tables| {
            let stored = tables.deliveries.get_mut(id).filter(|stored| !stored.state.is_final());
            let Some(stored) = stored else { return Ok(false) };
            *stored = Delivery {
                state: state.clone(),
                code: None,
                not_before: None,
                faulted_at: None,
                revision: stored.revision + 1,
                ..stored.clone()
            };
            tables.work.set(&job(id), None);
            Ok(true)
        })
        .await
    }
}
