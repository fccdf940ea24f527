//! The evidence table, which the worker alone may write.
//!
//! | item | `pk` | `sk` | attributes |
//! |---|---|---|---|
//! | call to Podio | `OFF#{id}` | `CALL#{number}` | `body` (JSON), `hash` |
//! | statement about the calls | `OFF#{id}` | `CALLS` | `body` (JSON, a signed envelope) |
//! | part of a record | `OFF#{id}` | `RECORD#{sha256}#{part}` | `body` (text) |
//! | seal | `SEALS` | `{number}` | `body` (JSON) |
//! | public key | `KEYS` | `{kid}` | `body` (JSON) |
//!
//! All but the statement is written once. Where evidence is not kept for good, all but the keys have `expires_at` (TTL).
//!
//! | access | how | units (writes of 1 KB; reads of 4 KB) |
//! |---|---|---|
//! | record a call | consistent get, transaction of 2 puts | 1 R, 4 W |
//! | seal | put of the text, a put in the transaction that saves the offboarding | 1 W for each KB, 2 W |
//! | read the record | gets and queries | 1 R for each 4 KB of text and of calls, 3 R more |

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use jiff::Timestamp;
use podio_lifecycle::{
    evidence::{CallRecord, Jwk, KeySet, StoredCall, StoredSeal},
    ids::OffboardingId,
    offboarding::{Offboarding, PersonClaim},
    ports::{AppendCalls, KeepEvidence, ReadCalls, ReadEvidence, SaveError, StoreError},
    removal::SpaceRemoval,
};

use super::{
    BODY, DynamoStore, Item, get,
    item::{Read, item, json, number, text},
    keys::{self, CALL, KEYS, Key, SEALS},
    names, put_if,
    transaction::{Cancelled, Part, Transaction, give_way},
    unavailable, values,
};
use crate::{
    rules,
    tables::{PARTITION_KEY, SORT_KEY, TTL},
};

/// Attribute: the hash of a call.
const HASH: &str = "hash";
/// Bytes of a record's text in one item, which may hold 400 KB.
const PART: usize = 300_000;
/// How often calls are read again that were recorded while they were read.
const READS: u32 = 5;

impl DynamoStore {
    fn evidence(&self) -> Result<&str, StoreError> {
        self.evidence.as_deref().ok_or_else(|| StoreError::Unavailable("no evidence table is named".to_owned()))
    }

    /// Everything in a partition of the evidence table whose sort key begins with `prefix`, read consistently.
    fn evidence_below(&self, partition: String, prefix: &str) -> Result<QueryFluentBuilder, StoreError> {
        let condition = if prefix.is_empty() {
            format!("#{PARTITION_KEY} = :partition")
        } else {
            format!("#{PARTITION_KEY} = :partition AND begins_with(#{SORT_KEY}, :prefix)")
        };
        let mut terms = Item::from([(":partition".to_owned(), text(partition))]);
        if !prefix.is_empty() {
            terms.insert(":prefix".to_owned(), text(prefix));
        }
        let query = self.client.query().table_name(self.evidence()?).key_condition_expression(&condition);
        let query = query.set_expression_attribute_names(names(&[&condition]));
        Ok(query.set_expression_attribute_values(Some(terms)).consistent_read(true))
    }

    async fn all(query: QueryFluentBuilder) -> Result<Vec<Item>, StoreError> {
        let mut pages = query.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item.map_err(|error| unavailable(&error))?);
        }
        Ok(items)
    }

    async fn last(query: QueryFluentBuilder) -> Result<Option<Item>, StoreError> {
        let answer = query.scan_index_forward(false).limit(1).send().await.map_err(|error| unavailable(&error))?;
        Ok(answer.items.and_then(|items| items.into_iter().next()))
    }

    async fn stored_calls(&self, id: &OffboardingId) -> Result<Vec<StoredCall>, StoreError> {
        let items = Self::all(self.evidence_below(keys::partition(id), CALL)?).await?;
        Ok(items.iter().map(stored_call).collect())
    }

    /// Adds a seal to a transaction.
    pub(super) fn join_seal(&self, transaction: &mut Transaction<'_>, seal: &StoredSeal) -> Result<(), StoreError> {
        let mut item = kept(&Key::seal(seal.number), seal.kept_until);
        item.insert(BODY.to_owned(), json(seal)?);
        transaction.put_into(self.evidence()?, Part::Seal, item, Some(&is_new()), None)
    }
}

#[async_trait]
impl AppendCalls for DynamoStore {
    async fn keep_key(&self, key: &Jwk) -> Result<(), StoreError> {
        let mut item = item(&Key::public_key(&key.kid));
        item.insert(BODY.to_owned(), json(key)?);
        self.keep(item).await
    }

    async fn statement(&self, id: &OffboardingId) -> Result<Option<String>, StoreError> {
        let item = get(&self.client, self.evidence()?, &Key::statement(id)).await?;
        Ok(item.map(|item| found(&item, BODY)))
    }

    async fn last_call(&self, id: &OffboardingId) -> Result<Option<StoredCall>, StoreError> {
        let last = Self::last(self.evidence_below(keys::partition(id), CALL)?).await?;
        Ok(last.as_ref().map(stored_call))
    }

    async fn append(
        &self,
        id: &OffboardingId,
        expected: Option<&str>,
        call: &StoredCall,
        statement: &str,
        kept_until: Option<Timestamp>,
    ) -> Result<(), SaveError> {
        let table = self.evidence()?;
        let mut written = kept(&Key::call(id, call.n), kept_until);
        written.extend([(BODY.to_owned(), text(&call.text)), (HASH.to_owned(), text(&call.hash))]);
        let mut about = kept(&Key::statement(id), kept_until);
        about.insert(BODY.to_owned(), text(statement));
        let (condition, terms) = match expected {
            None => (is_new(), None),
            Some(expected) => (format!("#{BODY} = :expected"), values([(":expected", text(expected))])),
        };
        let mut transaction = Transaction::on(self);
        transaction.put_into(table, Part::Call, written, Some(&is_new()), None)?;
        transaction.put_into(table, Part::Call, about, Some(&condition), terms)?;
        match transaction.send().await {
            Ok(()) => Ok(()),
            Err(Cancelled::Conditions(_)) => Err(SaveError::Conflict),
            Err(Cancelled::Conflict) => {
                give_way(0).await;
                Err(SaveError::Conflict)
            }
            Err(Cancelled::Store(error)) => Err(error.into()),
        }
    }
}

#[async_trait]
impl ReadCalls for DynamoStore {
    async fn calls(&self, id: &OffboardingId) -> Result<Vec<CallRecord>, StoreError> {
        self.stored_calls(id).await?.iter().map(rules::call).collect()
    }

    async fn count_calls(&self, id: &OffboardingId) -> Result<u32, StoreError> {
        Ok(self.last_call(id).await?.map_or(0, |call| call.n))
    }
}

#[async_trait]
impl ReadEvidence for DynamoStore {
    async fn recorded(&self, id: &OffboardingId) -> Result<(Vec<StoredCall>, Option<String>), StoreError> {
        let mut statement = self.statement(id).await?;
        let mut calls = Vec::new();
        for _ in 0..READS {
            calls = self.stored_calls(id).await?;
            let after = self.statement(id).await?;
            if after == statement {
                break;
            }
            statement = after;
        }
        Ok((calls, statement))
    }

    async fn seal(&self, number: u64) -> Result<Option<StoredSeal>, StoreError> {
        let item = get(&self.client, self.evidence()?, &Key::seal(number)).await?;
        Ok(item.and_then(|item| item.json(BODY).ok()))
    }

    async fn record_text(&self, id: &OffboardingId, sha256: &str) -> Result<Option<String>, StoreError> {
        let parts = Self::all(self.evidence_below(keys::partition(id), &keys::record_of(sha256))?).await?;
        Ok((!parts.is_empty()).then(|| parts.iter().map(|part| found(part, BODY)).collect()))
    }

    async fn keys(&self) -> Result<KeySet, StoreError> {
        let items = Self::all(self.evidence_below(KEYS.to_owned(), "")?).await?;
        Ok(KeySet { keys: items.iter().filter_map(|item| item.json(BODY).ok()).collect() })
    }
}

#[async_trait]
impl KeepEvidence for DynamoStore {
    async fn last_seal(&self) -> Result<Option<StoredSeal>, StoreError> {
        let last = Self::last(self.evidence_below(SEALS.to_owned(), "")?).await?;
        last.map(|item| item.json(BODY)).transpose()
    }

    async fn keep_record(&self, id: &OffboardingId, seal: &StoredSeal, whole: &str) -> Result<(), StoreError> {
        for (n, part) in rules::parts(whole, PART).enumerate() {
            let mut item = kept(&Key::record(id, &seal.sha256, n), seal.kept_until);
            item.insert(BODY.to_owned(), text(part));
            self.keep(item).await?;
        }
        Ok(())
    }

    async fn save_sealed(
        &self,
        expected: u64,
        offboarding: &Offboarding,
        person: PersonClaim,
        settled: Option<&SpaceRemoval>,
        seal: &StoredSeal,
    ) -> Result<(), SaveError> {
        self.write(expected, offboarding, person, settled, Some(seal)).await
    }
}

impl DynamoStore {
    /// Writes once what is named after its content.
    async fn keep(&self, item: Item) -> Result<(), StoreError> {
        match put_if(&self.client, self.evidence()?, item, &is_new(), None).await {
            Ok(()) | Err(super::Rejected::Condition(_)) => Ok(()),
            Err(super::Rejected::Conflict) => Err(super::in_the_way()),
            Err(super::Rejected::Store(error)) => Err(error),
        }
    }
}

fn is_new() -> String {
    format!("attribute_not_exists(#{PARTITION_KEY})")
}

/// An item that may be forgotten after `until`.
fn kept(key: &Key, until: Option<Timestamp>) -> Item {
    let mut item = item(key);
    item.extend(until.map(|until| (TTL.to_owned(), number(until.as_second()))));
    item
}

/// What somebody has left of an attribute. Evidence that cannot be read is no fault of storage's: it was altered, and the
/// check says so.
fn found(item: &Item, name: &str) -> String {
    item.find_text(name).ok().flatten().unwrap_or_default().to_owned()
}

fn stored_call(item: &Item) -> StoredCall {
    let n = found(item, SORT_KEY).strip_prefix(CALL).and_then(|n| n.parse().ok());
    StoredCall { n: n.unwrap_or_default(), text: found(item, BODY), hash: found(item, HASH) }
}
