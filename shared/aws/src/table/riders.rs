//! Who rides with whom: a small item for each rider beside the driver's batch, and a mark on the rider's own entries.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use podio_lifecycle::{
    ids::{OffboardingId, SpaceId},
    job::BatchKey,
    ports::{ShareRemovals, StoreError},
    removal::{RemovalBatch, RemovalState},
    sharing::Rider,
};

use super::{
    DynamoStore, Item, Rejected, VERSION,
    batch_item::{self, COUNTED, RIDES, SHARED, SPACES, STATE, state_code},
    in_the_way,
    item::{Read, item, moment, number, text, unreadable},
    keys::{self, Key},
    removals::standing,
    values,
};
use crate::{
    rules,
    tables::{DUE_AT, DUE_KIND, TTL},
};

/// Of a rider: the plan of its batch.
const PLAN: &str = "plan";

#[async_trait]
impl ShareRemovals for DynamoStore {
    async fn ride(
        &self,
        driver: &OffboardingId,
        key: BatchKey,
        rider: &Rider,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut item = item(&Key::rider(driver, key, &rider.offboarding, rider.key.number));
        item.insert(PLAN.to_owned(), number(rider.key.plan));
        item.insert(SPACES.to_owned(), AttributeValue::L(rider.spaces.iter().map(number).collect()));
        item.insert(TTL.to_owned(), number(expires_at.as_second()));
        self.put(item).await
    }

    async fn riders(&self, driver: &OffboardingId, key: BatchKey) -> Result<Vec<Rider>, StoreError> {
        self.below(driver, &keys::riders_of(key)).await?.iter().map(rider).collect()
    }

    async fn mark_shared(&self, id: &OffboardingId, key: BatchKey, space: SpaceId) -> Result<bool, StoreError> {
        let entry = format!("#{SPACES}.#{space}");
        let update = format!("SET {entry}.#{SHARED} = :yes, #{VERSION} = #{VERSION} + :one");
        let condition = format!("{entry}.#{STATE} = :pending AND attribute_exists({entry}.#{RIDES})");
        let terms = values([
            (":yes", AttributeValue::Bool(true)),
            (":one", number(1)),
            (":pending", text(state_code(RemovalState::Pending))),
        ]);
        match self.update_if(&Key::batch(id, key), &update, &condition, terms).await {
            Ok(_) => Ok(true),
            Err(Rejected::Condition(_)) => Ok(false),
            Err(Rejected::Conflict) => Err(in_the_way()),
            Err(Rejected::Store(error)) => Err(error),
        }
    }

    async fn dismount(
        &self,
        id: &OffboardingId,
        key: BatchKey,
        spaces: &[SpaceId],
        quiet_until: Timestamp,
    ) -> Result<Option<RemovalBatch>, StoreError> {
        let path = |space: &SpaceId| format!("#{SPACES}.#{space}");
        let removes: Vec<String> =
            spaces.iter().map(path).map(|entry| format!("{entry}.#{RIDES}, {entry}.#{SHARED}")).collect();
        let update = format!(
            "SET #{VERSION} = #{VERSION} + :one, #{DUE_KIND} = :watch, #{DUE_AT} = :quiet REMOVE {}",
            removes.join(", ")
        );
        let exist = spaces.iter().map(|space| format!(" AND attribute_exists({})", path(space)));
        let condition = format!("#{COUNTED} = :no{}", exist.collect::<String>());
        let terms = values([
            (":one", number(1)),
            (":watch", batch_item::watch()),
            (":quiet", moment(quiet_until)),
            (":no", AttributeValue::Bool(false)),
        ]);
        match self.update_if(&Key::batch(id, key), &update, &condition, terms).await {
            Ok(item) => batch_item::decode(&item).map(Some),
            Err(rejected) => match standing(rejected)? {
                None => Ok(None),
                Some(batch) if batch.counted => Ok(None),
                Some(_) => Err(rules::no_such_space()),
            },
        }
    }
}

/// The rider in an item.
fn rider(item: &Item) -> Result<Rider, StoreError> {
    let (offboarding, batch) = Key::of(item)?.rider_parts()?;
    let Some(AttributeValue::L(spaces)) = item.get(SPACES) else { return Err(unreadable(SPACES)) };
    let space = |space: &AttributeValue| space.as_n().ok().and_then(|id| id.parse().ok());
    let spaces = spaces.iter().map(space).collect::<Option<_>>().ok_or_else(|| unreadable(SPACES))?;
    Ok(Rider { offboarding, key: BatchKey { plan: item.number(PLAN)?, number: batch }, spaces })
}
