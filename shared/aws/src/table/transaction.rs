//! Transactions: parts with a meaning each, so that a refusal can be told by what refused it.

use std::time::Duration;

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use podio_lifecycle::{ids::OffboardingId, ports::StoreError};

use super::{DynamoStore, Item, keys::Key, malformed, names, unavailable};

const OLD: ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure::AllOld;

/// How often a transaction is tried before its conflicts count as an outage.
pub(super) const TRIES: u32 = 6;

/// What a part of a transaction is there for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// The record itself.
    Record,
    /// Its place in the listing.
    Listing,
    /// The idempotency key.
    Key,
    /// The `userName` of a SCIM user.
    UserName,
    /// A space that is settled.
    Settled,
    /// A call, or the statement about the calls.
    Call,
    /// The seal over the evidence.
    Seal,
    /// The audits of an organization in short.
    Audited,
    /// A change of a member.
    Change,
    /// A claim that is taken.
    Taken,
    /// The note of who removed the person.
    Removed,
    /// A claim that is given back, by its person key.
    Released(String),
    /// The proof that the holder of a claim still has no right to it.
    NoRight(OffboardingId),
}

/// Why a transaction did not happen.
pub(super) enum Cancelled {
    /// These parts' conditions do not hold; each with its item, if there is one.
    Conditions(Vec<(Part, Option<Item>)>),
    /// Another transaction is under way.
    Conflict,
    /// DynamoDB failed.
    Store(StoreError),
}

impl From<StoreError> for Cancelled {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A transaction that is being put together.
pub(super) struct Transaction<'a> {
    store: &'a DynamoStore,
    parts: Vec<Part>,
    items: Vec<TransactWriteItem>,
}

impl<'a> Transaction<'a> {
    pub(super) fn on(store: &'a DynamoStore) -> Self {
        Self { store, parts: Vec::new(), items: Vec::new() }
    }

    /// Adds a put.
    pub(super) fn put(
        &mut self,
        part: Part,
        item: Item,
        condition: Option<&str>,
        values: Option<Item>,
    ) -> Result<(), StoreError> {
        let table = &self.store.table;
        self.put_into(table, part, item, condition, values)
    }

    /// Adds a put into another table.
    pub(super) fn put_into(
        &mut self,
        table: &str,
        part: Part,
        item: Item,
        condition: Option<&str>,
        values: Option<Item>,
    ) -> Result<(), StoreError> {
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(item))
            .set_condition_expression(condition.map(str::to_owned))
            .set_expression_attribute_names(condition.and_then(|condition| names(&[condition])))
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(OLD);
        let put = put.build().map_err(malformed)?;
        self.add(part, TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    /// Adds an update.
    pub(super) fn update(
        &mut self,
        part: Part,
        key: &Key,
        update: &str,
        condition: &str,
        values: Option<Item>,
    ) -> Result<(), StoreError> {
        let update = Update::builder()
            .table_name(&self.store.table)
            .set_key(Some(key.attributes()))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(names(&[update, condition]))
            .set_expression_attribute_values(values);
        let update = update.build().map_err(malformed)?;
        self.add(part, TransactWriteItem::builder().update(update).build());
        Ok(())
    }

    /// Adds a delete.
    pub(super) fn delete(
        &mut self,
        part: Part,
        key: &Key,
        condition: &str,
        values: Option<Item>,
    ) -> Result<(), StoreError> {
        let delete = Delete::builder()
            .table_name(&self.store.table)
            .set_key(Some(key.attributes()))
            .condition_expression(condition)
            .set_expression_attribute_names(names(&[condition]))
            .set_expression_attribute_values(values);
        let delete = delete.build().map_err(malformed)?;
        self.add(part, TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }

    /// Adds a condition on an item that is not written.
    pub(super) fn check(
        &mut self,
        part: Part,
        key: &Key,
        condition: &str,
        values: Option<Item>,
    ) -> Result<(), StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.store.table)
            .set_key(Some(key.attributes()))
            .condition_expression(condition)
            .set_expression_attribute_names(names(&[condition]))
            .set_expression_attribute_values(values);
        let check = check.build().map_err(malformed)?;
        self.add(part, TransactWriteItem::builder().condition_check(check).build());
        Ok(())
    }

    /// Whether nothing has been added.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether nothing has been added but the record.
    pub(super) fn is_plain(&self) -> bool {
        self.parts == [Part::Record]
    }

    /// Sends it. The SDK gives each transaction a token, so that a retry after a lost answer does not do it twice.
    pub(super) async fn send(self) -> Result<(), Cancelled> {
        let transaction = self.store.client.transact_write_items().set_transact_items(Some(self.items));
        let Err(error) = transaction.send().await else { return Ok(()) };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
            return Err(unavailable(&error).into());
        };
        let reasons = cancelled.cancellation_reasons();
        let coded = |code: &str| reasons.iter().any(|reason| reason.code() == Some(code));
        let failed: Vec<_> = self
            .parts
            .into_iter()
            .zip(reasons)
            .filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"))
            .map(|(part, reason)| (part, reason.item().cloned()))
            .collect();
        let other = reasons.iter().filter_map(|reason| reason.code()).find(|code| *code != "None");
        Err(match other {
            _ if !failed.is_empty() => Cancelled::Conditions(failed),
            _ if coded("TransactionConflict") => Cancelled::Conflict,
            other => Cancelled::Store(StoreError::Unavailable(other.unwrap_or("TransactionCanceled").to_owned())),
        })
    }

    fn add(&mut self, part: Part, item: TransactWriteItem) {
        self.parts.push(part);
        self.items.push(item);
    }
}

/// Lets the other transaction finish: some tens of milliseconds, longer each time.
pub(super) async fn give_way(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(15 << attempt)).await;
}
