//! Finding offboardings by what they are listed under.

use async_trait::async_trait;
use jiff::Timestamp;
use podio_lifecycle::{
    ids::OffboardingId,
    offboarding::DueKind,
    ports::{FindDue, StoreError},
};

use super::{
    DynamoStore,
    item::{moment, text},
    keys::Key,
    kind_name, unavailable, values,
};
use crate::tables::{DUE_AT, DUE_INDEX, DUE_KIND};

/// Keys that are read at once.
const PAGE: usize = 1_000;

#[async_trait]
impl FindDue for DynamoStore {
    async fn due(&self, kind: DueKind, until: Timestamp, limit: usize) -> Result<Vec<OffboardingId>, StoreError> {
        let condition = format!("#{DUE_KIND} = :kind AND #{DUE_AT} <= :until");
        let terms = values([(":kind", text(kind_name(kind))), (":until", moment(until))]);
        let query = self.query(&condition, terms).index_name(DUE_INDEX);
        let page = i32::try_from(limit.clamp(1, PAGE)).unwrap_or(i32::MAX);
        let mut items = query.limit(page).into_paginator().items().send();
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(item) = items.next().await else { break };
            let item = item.map_err(|error| unavailable(&error))?;
            match Key::of(&item).and_then(|key| key.offboarding()) {
                Ok(due) => found.push(due),
                // One bad item may not hide all the others.
                Err(error) => tracing::error!(%error, "an item in the index of offboardings has an unknown key"),
            }
        }
        Ok(found)
    }
}
