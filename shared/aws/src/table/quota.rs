//! The quota: one item, read and written by every worker, so written on condition of what was read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    ports::{QuotaLog, ReadQuota, SaveError, StoreError},
    quota::{Booking, Lesson, Quota, ReservationLog, Slot},
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
/// Of a ceiling: all moments.
const SLOTS: &str = "slots";
/// Of a ceiling: how far each of them lies behind the slot by which its owner knows it, in milliseconds.
const MOVED: &str = "moved";
/// Of a ceiling: the moments that may not be taken over.
const FIRM: &str = "firm";
/// Of a ceiling: the moments that were given back.
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
    let moments = |of: &mut dyn Iterator<Item = Timestamp>| {
        let moments: Vec<Timestamp> = of.collect();
        AttributeValue::B(Blob::new(slots::encode(&moments, limit)))
    };
    let bookings = log.bookings();
    // Owners are never moved to an earlier moment.
    let behind = |booking: &Booking| booking.at.as_millisecond() - booking.slot.0.as_millisecond();
    let mut moved = Vec::new();
    slots::encode_numbers(&mut moved, bookings.iter().map(behind), limit);
    let firm = bookings.iter().filter(|booking| booking.firm);
    AttributeValue::M(Item::from([
        (SLOTS.to_owned(), moments(&mut bookings.iter().map(|booking| booking.at))),
        (MOVED.to_owned(), AttributeValue::B(Blob::new(moved))),
        (FIRM.to_owned(), moments(&mut firm.map(|booking| booking.at))),
        (FREED.to_owned(), moments(&mut log.freed().iter().copied())),
    ]))
}

fn decode_log(log: &Item, limit: usize) -> Result<ReservationLog, StoreError> {
    let bytes = |name: &str| match log.get(name) {
        Some(AttributeValue::B(bytes)) => Ok(bytes.as_ref()),
        _ => Err(unreadable(name)),
    };
    let moments = |name: &str| slots::decode(bytes(name)?, limit).ok_or_else(|| unreadable(name));
    let (at, firm) = (moments(SLOTS)?, moments(FIRM)?);
    let moved = slots::decode_numbers(bytes(MOVED)?, limit).filter(|moved| moved.len() == at.len());
    let bookings = at.iter().zip(moved.ok_or_else(|| unreadable(MOVED))?).map(|(at, moved)| {
        let slot = Slot(at.checked_sub(SignedDuration::from_millis(moved)).unwrap_or(*at));
        Booking { at: *at, slot, firm: firm.binary_search(at).is_ok() }
    });
    Ok(ReservationLog::restore(bookings.collect(), moments(FREED)?))
}

fn decode(item: &Item) -> Result<Quota, StoreError> {
    let Some(AttributeValue::M(stored)) = item.get(LOGS) else { return Err(unreadable(LOGS)) };
    let mut logs = BTreeMap::new();
    for (limit, log) in stored {
        let limit: u32 = limit.parse().map_err(|_| unreadable(LOGS))?;
        let AttributeValue::M(log) = log else { return Err(unreadable(LOGS)) };
        logs.insert(limit, decode_log(log, limit as usize)?);
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
