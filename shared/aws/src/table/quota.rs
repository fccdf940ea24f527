//! The quota: one item, read and written by every worker, so written on condition of what was read.

use async_trait::async_trait;
use podio_engine::{
    ports::{QuotaRecord, ReadQuota},
    quota::Quota,
};
use podio_lifecycle::ports::{SaveError, StoreError};

use super::{
    BODY, DynamoStore, VERSION,
    item::{Read, item, json, number},
    keys::Key,
    values,
};
use crate::tables::PARTITION_KEY;

#[async_trait]
impl QuotaRecord for DynamoStore {
    async fn read(&self) -> Result<(Quota, u64), StoreError> {
        match self.get(&Key::quota()).await? {
            None => Ok((Quota::default(), 0)),
            Some(item) => Ok((item.json(BODY)?, item.number(VERSION)?)),
        }
    }

    async fn write(&self, expected: u64, quota: &Quota) -> Result<(), SaveError> {
        let (condition, terms) = match expected {
            0 => (format!("attribute_not_exists(#{PARTITION_KEY})"), None),
            _ => (format!("#{VERSION} = :expected"), values([(":expected", number(expected))])),
        };
        let mut stored = item(&Key::quota());
        stored.insert(BODY.to_owned(), json(quota)?);
        stored.insert(VERSION.to_owned(), number(expected + 1));
        Ok(self.put_if(stored, &condition, terms).await?)
    }
}

#[async_trait]
impl ReadQuota for DynamoStore {
    async fn quota(&self) -> Result<Quota, StoreError> {
        self.read().await.map(|(quota, _)| quota)
    }
}
