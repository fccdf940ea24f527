//! The reservation log: one item, read and written by every worker, so written on condition of what was read.

use async_trait::async_trait;
use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use podio_lifecycle::{
    ports::{QuotaLog, ReadQuota, SaveError, StoreError},
    quota::ReservationLog,
};

use super::{
    DynamoStore, Item, VERSION,
    item::{Read, item, moment, number, unreadable},
    keys::Key,
    slots, values,
};
use crate::tables::PARTITION_KEY;

const SLOTS: &str = "slots";
const BLOCKED_UNTIL: &str = "blocked_until";
const REJECTIONS: &str = "rejections";

#[async_trait]
impl QuotaLog for DynamoStore {
    async fn read(&self) -> Result<(ReservationLog, u64), StoreError> {
        match self.get(&Key::quota()).await? {
            None => Ok((ReservationLog::default(), 0)),
            Some(item) => Ok((decode(&item)?, item.number(VERSION)?)),
        }
    }

    async fn write(&self, expected: u64, log: &ReservationLog) -> Result<(), SaveError> {
        let (condition, terms) = match expected {
            0 => (format!("attribute_not_exists(#{PARTITION_KEY})"), None),
            _ => (format!("#{VERSION} = :expected"), values([(":expected", number(expected))])),
        };
        Ok(self.put_if(encode(log, expected + 1), &condition, terms).await?)
    }
}

#[async_trait]
impl ReadQuota for DynamoStore {
    async fn quota(&self) -> Result<ReservationLog, StoreError> {
        self.read().await.map(|(log, _)| log)
    }
}

fn encode(log: &ReservationLog, revision: u64) -> Item {
    let mut item = item(&Key::quota());
    item.insert(SLOTS.to_owned(), AttributeValue::B(Blob::new(slots::encode(log.slots()))));
    item.insert(REJECTIONS.to_owned(), number(log.rejections()));
    item.insert(VERSION.to_owned(), number(revision));
    if let Some(until) = log.blocked_until() {
        item.insert(BLOCKED_UNTIL.to_owned(), moment(until));
    }
    item
}

fn decode(item: &Item) -> Result<ReservationLog, StoreError> {
    let slots = match item.get(SLOTS) {
        Some(AttributeValue::B(bytes)) => slots::decode(bytes.as_ref()),
        _ => None,
    };
    let slots = slots.ok_or_else(|| unreadable(SLOTS))?;
    Ok(ReservationLog::restore(slots, item.find_moment(BLOCKED_UNTIL)?, item.number(REJECTIONS)?))
}
