//! Deliveries of Podio's.

use std::collections::btree_map::Entry;

use async_trait::async_trait;
use jiff::Timestamp;
use podio_lifecycle::{
    hooks::{Delivery, DeliveryId, DeliveryState},
    ports::{AcceptDeliveries, Accepted, Deliveries, FindDeliveries, SaveError, StoreError},
};

use super::MemoryStore;
use crate::rules;

#[async_trait]
impl AcceptDeliveries for MemoryStore {
    async fn accept(&self, delivery: &Delivery) -> Result<Accepted, StoreError> {
        self.run("accept", |tables| {
            Ok(match tables.deliveries.entry(delivery.id.clone()) {
                Entry::Occupied(_) => Accepted::Repeated,
                Entry::Vacant(place) => {
                    place.insert(delivery.clone());
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
            let due_at = delivery.due_at.map(rules::stored);
            *stored = Delivery { revision: delivery.revision + 1, due_at, ..delivery.clone() };
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
                slots: Vec::new(),
                due_at: None,
                revision: stored.revision + 1,
                ..stored.clone()
            };
            Ok(true)
        })
        .await
    }
}

#[async_trait]
impl FindDeliveries for MemoryStore {
    async fn due_deliveries(&self, until: Timestamp, limit: usize) -> Result<Vec<DeliveryId>, StoreError> {
        self.run("due_deliveries", |tables| {
            let due = tables.deliveries.values().filter_map(|delivery| Some((delivery.due_at?, &delivery.id)));
            let mut due: Vec<_> = due.filter(|(at, _)| *at <= until).collect();
            due.sort_by_key(|(at, _)| *at);
            Ok(due.into_iter().map(|(_, id)| id.clone()).take(limit).collect())
        })
        .await
    }
}
