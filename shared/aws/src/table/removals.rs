//! Keeping track of space removals: one update of one item for whatever happens to a space.

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use podio_lifecycle::{
    ids::{OffboardingId, SpaceId},
    job::BatchKey,
    ports::{SaveError, Settled, StoreError, TrackRemovals},
    quota::Slot,
    removal::{RemovalBatch, RemovalState},
};

use super::{
    DynamoStore, Item, Rejected, VERSION,
    batch_item::{self, ATTEMPTS, COUNTED, SETTLED_AT, SLOT, SPACES, STATE, state_code},
    in_the_way,
    item::{moment, number, text},
    keys::Key,
    names, unavailable, values,
};
use crate::{
    rules,
    tables::{DUE_AT, DUE_KIND, PARTITION_KEY},
};

/// Batches that are stored at the same time.
const PUTS_AT_ONCE: usize = 10;

#[async_trait]
impl TrackRemovals for DynamoStore {
    async fn batch(&self, id: &OffboardingId, key: BatchKey) -> Result<Option<RemovalBatch>, StoreError> {
        self.get(&Key::batch(id, key)).await?.as_ref().map(batch_item::decode).transpose()
    }

    async fn create_batches(&self, batches: &[RemovalBatch]) -> Result<(), StoreError> {
        // A batch write would be one request, but it cannot carry the condition.
        let items: Vec<_> = batches.iter().map(|batch| batch_item::encode(batch, batch.revision)).collect();
        let puts = stream::iter(items).map(|item| self.put_if_absent(item)).buffer_unordered(PUTS_AT_ONCE);
        puts.try_collect().await
    }

    async fn replace_batch(&self, batch: &RemovalBatch) -> Result<(), SaveError> {
        let item = batch_item::encode(batch, batch.revision + 1);
        let terms = values([(":expected", number(batch.revision))]);
        Ok(self.put_if(item, &format!("#{VERSION} = :expected"), terms).await?)
    }

    async fn settle(
        &self,
        id: &OffboardingId,
        key: BatchKey,
        space: SpaceId,
        state: RemovalState,
        at: Timestamp,
    ) -> Result<Settled, StoreError> {
        let entry = format!("#{SPACES}.#{space}");
        let update = format!(
            "SET {entry}.#{STATE} = :state, {entry}.#{SETTLED_AT} = :at, #{VERSION} = #{VERSION} + :one \
             REMOVE {entry}.#{SLOT}"
        );
        let terms = values([
            (":state", text(state_code(state))),
            (":at", moment(at)),
            (":one", number(1)),
            (":pending", text(state_code(RemovalState::Pending))),
        ]);
        match self.update_if(&Key::batch(id, key), &update, &format!("{entry}.#{STATE} = :pending"), terms).await {
            Ok(item) => Ok(Settled { first: true, batch: batch_item::decode(&item)? }),
            Err(rejected) => {
                let batch = standing(rejected)?.ok_or_else(rules::no_such_batch)?;
                rules::entry(&batch, space)?;
                Ok(Settled { first: false, batch })
            }
        }
    }

    async fn stamp(
        &self,
        id: &OffboardingId,
        key: BatchKey,
        slots: &[(SpaceId, Option<Slot>)],
        quiet_until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let Stamp { update, condition, values } = Stamp::of(slots, quiet_until);
        match self.update_if(&Key::batch(id, key), &update, &condition, Some(values)).await {
            Ok(_) => Ok(()),
            Err(rejected) => match standing(rejected)? {
                // Nobody waits for its spaces any more.
                None => Ok(()),
                Some(batch) if batch.counted => Ok(()),
                Some(_) => Err(rules::no_such_space()),
            },
        }
    }

    async fn take_slots(
        &self,
        id: &OffboardingId,
        key: BatchKey,
        slots: &[(SpaceId, Slot)],
    ) -> Result<bool, StoreError> {
        let path = |space: &SpaceId| format!("#{SPACES}.#{space}.#{SLOT}");
        let paths: Vec<String> = slots.iter().map(|(space, _)| path(space)).collect();
        let update = format!("SET #{VERSION} = #{VERSION} + :one REMOVE {}", paths.join(", "));
        let held = slots
            .iter()
            .map(|(space, _)| format!("{} = :slot{space} AND #{SPACES}.#{space}.#{STATE} = :pending", path(space)));
        let condition = held.collect::<Vec<_>>().join(" AND ");
        let mut terms = Item::from([
            (":one".to_owned(), number(1)),
            (":pending".to_owned(), text(state_code(RemovalState::Pending))),
        ]);
        terms.extend(slots.iter().map(|(space, slot)| (format!(":slot{space}"), moment(slot.0))));
        match self.update_if(&Key::batch(id, key), &update, &condition, Some(terms)).await {
            Ok(_) => Ok(true),
            Err(Rejected::Condition(_)) => Ok(false),
            Err(Rejected::Conflict) => Err(in_the_way()),
            Err(Rejected::Store(error)) => Err(error),
        }
    }

    async fn failed_attempt(
        &self,
        id: &OffboardingId,
        key: BatchKey,
        space: SpaceId,
        quiet_until: Timestamp,
    ) -> Result<u32, StoreError> {
        let entry = format!("#{SPACES}.#{space}");
        // `ADD` works on the top level only.
        let update = format!(
            "SET {entry}.#{ATTEMPTS} = if_not_exists({entry}.#{ATTEMPTS}, :none) + :one, \
             #{VERSION} = #{VERSION} + :one, #{DUE_KIND} = :watch, #{DUE_AT} = :quiet REMOVE {entry}.#{SLOT}"
        );
        let terms = values([
            (":none", number(0)),
            (":one", number(1)),
            (":watch", batch_item::watch()),
            (":quiet", moment(quiet_until)),
            (":pending", text(state_code(RemovalState::Pending))),
        ]);
        let condition = format!("{entry}.#{STATE} = :pending");
        let batch = match self.update_if(&Key::batch(id, key), &update, &condition, terms).await {
            Ok(item) => batch_item::decode(&item)?,
            Err(rejected) => standing(rejected)?.ok_or_else(rules::no_such_batch)?,
        };
        Ok(rules::entry(&batch, space)?.attempts)
    }

    async fn discard_batch(&self, id: &OffboardingId, key: BatchKey) -> Result<(), StoreError> {
        let key = Key::batch(id, key).attributes();
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key));
        delete.send().await.map(|_| ()).map_err(|error| unavailable(&error))
    }
}

/// One update that notes slots for several spaces.
struct Stamp {
    update: String,
    condition: String,
    values: Item,
}

impl Stamp {
    fn of(slots: &[(SpaceId, Option<Slot>)], quiet_until: Option<Timestamp>) -> Self {
        let mut sets = vec![format!("#{VERSION} = #{VERSION} + :one")];
        let mut removes = Vec::new();
        let mut condition = format!("#{COUNTED} = :no");
        let mut values = Item::from([(":one".to_owned(), number(1)), (":no".to_owned(), AttributeValue::Bool(false))]);
        for (space, slot) in slots {
            condition.push_str(&format!(" AND attribute_exists(#{SPACES}.#{space})"));
            let path = format!("#{SPACES}.#{space}.#{SLOT}");
            match slot {
                Some(slot) => {
                    sets.push(format!("{path} = :slot{space}"));
                    values.insert(format!(":slot{space}"), moment(slot.0));
                }
                None => removes.push(path),
            }
        }
        match quiet_until {
            Some(quiet_until) => {
                sets.push(format!("#{DUE_KIND} = :watch"));
                sets.push(format!("#{DUE_AT} = :quiet"));
                values.insert(":watch".to_owned(), batch_item::watch());
                values.insert(":quiet".to_owned(), moment(quiet_until));
            }
            None => removes.extend([format!("#{DUE_KIND}"), format!("#{DUE_AT}")]),
        }
        let mut update = format!("SET {}", sets.join(", "));
        if !removes.is_empty() {
            update.push_str(&format!(" REMOVE {}", removes.join(", ")));
        }
        Self { update, condition, values }
    }
}

impl DynamoStore {
    async fn put_if_absent(&self, item: Item) -> Result<(), StoreError> {
        match self.put_if(item, &format!("attribute_not_exists(#{PARTITION_KEY})"), None).await {
            Ok(()) | Err(Rejected::Condition(_)) => Ok(()),
            Err(Rejected::Conflict) => Err(in_the_way()),
            Err(Rejected::Store(error)) => Err(error),
        }
    }

    /// An update that happens if the condition holds; the item as it then stands.
    pub(super) async fn update_if(
        &self,
        key: &Key,
        update: &str,
        condition: &str,
        values: Option<Item>,
    ) -> Result<Item, Rejected> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(names(&[update, condition]))
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(answer) => Ok(answer.attributes.unwrap_or_default()),
            Err(error) => Err(match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Rejected::Condition(failed.item().cloned())
                }
                Some(UpdateItemError::TransactionConflictException(_)) => Rejected::Conflict,
                _ => Rejected::Store(unavailable(&error)),
            }),
        }
    }
}

/// The batch whose condition did not hold, if there is one.
pub(super) fn standing(rejected: Rejected) -> Result<Option<RemovalBatch>, StoreError> {
    match rejected {
        Rejected::Condition(item) => item.as_ref().map(batch_item::decode).transpose(),
        Rejected::Conflict => Err(in_the_way()),
        Rejected::Store(error) => Err(error),
    }
}
