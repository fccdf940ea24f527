//! The quota: one item, read and written by every worker, so written on condition of what was read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use podio_lifecycle::{
    ports::{QuotaLog, ReadQuota, SaveError, StoreError},
    quota::{Lesson, Quota, ReservationLog, Slot},
};

use super::{
    DynamoStore, Item, VERSION,
    item::{Read, item, json, moment, number, unreadable},
    keys::Key,
    slots, values,
};
use crate::tables::PARTITION_KEY;

/// A map from each ceiling to its slots.
const LOGS: &str = "logs";
/// Of a ceiling: all slots.
const SLOTS: &str = "slots";
/// Of a ceiling: those that may not be taken over.
const FIRM: &str = "firm";
/// Of a ceiling: those that were given back.
const FREED: &str = "freed";
const ROUTES: &str = "routes";
const REMOVALS: &str = "removals";
const BLOCKED_UNTIL: &str = "blocked_until";
const REJECTIONS: &str = "rejections";
const FOREIGN: &str = "foreign";
const WARY_UNTIL: &str = "wary_until";

#[async_trait]
impl QuotaLog for DynamoStore {
    async fn read(&self) -> Result<(Quota, u64), StoreError> {
        match self.get(&Key::quota()).await? {
            None => Ok((Quota::default(), 0)),
            Some(item) => Ok((decode(&item)?, item.number(VERSION)?)),
        }
    }

    async fn write(&self, expected: u64, quota: &Quota) -> Result<(), SaveError> {
        let (condition, terms) = match expected {
            0 => (format!("attribute_not_exists(#{PARTITION_KEY})"), None),
            _ => (format!("#{VERSION} = :expected"), values([(":expected", number(expected))])),
        };
        Ok(self.put_if(encode(quota, expected + 1)?, &condition, terms).await?)
    }
}

#[async_trait]
impl ReadQuota for DynamoStore {
    async fn quota(&self) -> Result<Quota, StoreError> {
        self.read().await.map(|(quota, _)| quota)
    }
}

fn encode(quota: &Quota, revision: u64) -> Result<Item, StoreError> {
    let mut item = item(&Key::quota());
    let logs = quota.logs.iter().map(|(limit, log)| (limit.to_string(), encode_log(log, *limit as usize)));
    item.insert(LOGS.to_owned(), AttributeValue::M(logs.collect()));
    item.insert(ROUTES.to_owned(), json(&quota.routes)?);
    item.insert(REJECTIONS.to_owned(), number(quota.rejections));
    item.insert(FOREIGN.to_owned(), number(quota.foreign));
    item.insert(VERSION.to_owned(), number(revision));
    let rest = [
        (REMOVALS, quota.removals.map(number)),
        (BLOCKED_UNTIL, quota.blocked_until.map(moment)),
        (WARY_UNTIL, quota.wary_until.map(moment)),
    ];
    item.extend(rest.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Ok(item)
}

fn encode_log(log: &ReservationLog, limit: usize) -> AttributeValue {
    let bytes = |slots: &[Slot]| AttributeValue::B(Blob::new(slots::encode(slots, limit)));
    AttributeValue::M(Item::from([
        (SLOTS.to_owned(), bytes(log.slots())),
        (FIRM.to_owned(), bytes(log.firm())),
        (FREED.to_owned(), bytes(log.freed())),
    ]))
}

fn decode(item: &Item) -> Result<Quota, StoreError> {
    let Some(AttributeValue::M(stored)) = item.get(LOGS) else { return Err(unreadable(LOGS)) };
    let mut logs = BTreeMap::new();
    for (limit, log) in stored {
        let limit: u32 = limit.parse().map_err(|_| unreadable(LOGS))?;
        let AttributeValue::M(log) = log else { return Err(unreadable(LOGS)) };
        let read = |name: &str| match log.get(name) {
            Some(AttributeValue::B(bytes)) => {
                slots::decode(bytes.as_ref(), limit as usize).ok_or_else(|| unreadable(name))
            }
            _ => Err(unreadable(name)),
        };
        logs.insert(limit, ReservationLog::restore(read(SLOTS)?, read(FIRM)?, read(FREED)?));
    }
    let routes: BTreeMap<String, Lesson> = serde_json::from_str(item.text(ROUTES)?).map_err(|_| unreadable(ROUTES))?;
    Ok(Quota {
        logs,
        routes,
        removals: item.find_number(REMOVALS)?,
        blocked_until: item.find_moment(BLOCKED_UNTIL)?,
        rejections: item.number(REJECTIONS)?,
        foreign: item.number(FOREIGN)?,
        wary_until: item.find_moment(WARY_UNTIL)?,
    })
}
