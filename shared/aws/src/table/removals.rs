//! Keeping track of space removals: one item each.

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use futures::{StreamExt, TryStreamExt, stream};
use podio_lifecycle::{
    ids::SpaceId,
    ports::{SaveError, SpaceRemovals, StoreError},
    removal::{SpaceKey, SpaceRemoval},
};

use super::{
    DynamoStore, Item, Rejected, VERSION,
    item::{number, text},
    keys::Key,
    names, space_item,
    transaction::{Part, Transaction},
    unavailable, values, work_item,
};
use crate::tables::{PARTITION_KEY, SPACE_INDEX, WAITS_FOR_SPACE};

/// Removals that are stored at the same time.
const WRITES_AT_ONCE: usize = 10;

/// A write of one removal, on condition of the revision that it carries.
struct Write {
    key: Key,
    update: String,
    condition: String,
    values: Item,
}

impl Write {
    fn of(removal: &SpaceRemoval) -> Result<Self, StoreError> {
        let optional: Vec<&str> = space_item::OPTIONAL.iter().chain(&work_item::ALL).copied().collect();
        let (update, mut values) = work_item::update(space_item::encode(removal, removal.revision + 1)?, &optional);
        let condition = match removal.revision {
            0 => format!("attribute_not_exists(#{PARTITION_KEY})"),
            expected => {
                values.insert(":expected".to_owned(), number(expected));
                format!("#{VERSION} = :expected")
            }
        };
        Ok(Self { key: Key::space(&removal.key), update, condition, values })
    }
}

#[async_trait]
impl SpaceRemovals for DynamoStore {
    async fn space(&self, key: &SpaceKey) -> Result<Option<SpaceRemoval>, StoreError> {
        self.get(&Key::space(key)).await?.as_ref().map(space_item::decode).transpose()
    }

    async fn save_space(&self, removal: &SpaceRemoval) -> Result<(), SaveError> {
        let Write { key, update, condition, values } = Write::of(removal)?;
        self.update_if(&key, &update, &condition, Some(values)).await?;
        Ok(())
    }

    async fn save_spaces(&self, removals: &[SpaceRemoval]) -> Result<(), SaveError> {
        // A batch write would be one request, but it cannot carry the condition.
        let writes = removals.iter().map(|removal| self.save_space(removal)).collect::<Vec<_>>();
        stream::iter(writes).buffer_unordered(WRITES_AT_ONCE).try_collect().await
    }

    async fn waiting_in(&self, space: SpaceId, at_most: usize) -> Result<Vec<SpaceKey>, StoreError> {
        let condition = format!("#{WAITS_FOR_SPACE} = :space");
        let query = self.query(&condition, values([(":space", text(space.to_string()))])).index_name(SPACE_INDEX);
        let answer = query.limit(i32::try_from(at_most).unwrap_or(i32::MAX)).send().await;
        let answer = answer.map_err(|error| unavailable(&error))?;
        answer.items().iter().map(|item| Key::of(item)?.space_key()).collect()
    }
}

/// Adds the write of a removal that was settled to a transaction.
pub(super) fn settle(transaction: &mut Transaction<'_>, removal: &SpaceRemoval) -> Result<(), StoreError> {
    let Write { key, update, condition, values } = Write::of(removal)?;
    transaction.update(Part::Settled, &key, &update, &condition, Some(values))
}

impl DynamoStore {
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
