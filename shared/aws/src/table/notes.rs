//! What is known of Podio's capabilities, and whether removals are paused.

use async_trait::async_trait;
use podio_lifecycle::{
    capability::Capabilities,
    pause::Pause,
    ports::{LearnCapabilities, ReadPause, SaveError, StoreError, WritePause},
};

use super::{
    BODY, DynamoStore, VERSION,
    item::{Read, item, json, number},
    keys::Key,
    values,
};
use crate::tables::PARTITION_KEY;

#[async_trait]
impl LearnCapabilities for DynamoStore {
    async fn capabilities(&self) -> Result<Capabilities, StoreError> {
        let item = self.get(&Key::capabilities()).await?;
        item.map_or_else(|| Ok(Capabilities::default()), |item| item.json(BODY))
    }

    async fn learned(&self, capabilities: &Capabilities) -> Result<(), StoreError> {
        let mut item = item(&Key::capabilities());
        item.insert(BODY.to_owned(), json(capabilities)?);
        self.put(item).await
    }
}

#[async_trait]
impl ReadPause for DynamoStore {
    async fn pause(&self) -> Result<Pause, StoreError> {
        let Some(item) = self.get(&Key::pause()).await? else { return Ok(Pause::default()) };
        Ok(Pause { revision: item.number(VERSION)?, ..item.json(BODY)? })
    }
}

#[async_trait]
impl WritePause for DynamoStore {
    async fn save_pause(&self, pause: &Pause) -> Result<(), SaveError> {
        let (condition, terms) = match pause.revision {
            0 => (format!("attribute_not_exists(#{PARTITION_KEY})"), None),
            expected => (format!("#{VERSION} = :expected"), values([(":expected", number(expected))])),
        };
        let mut stored = item(&Key::pause());
        stored.insert(BODY.to_owned(), json(pause)?);
        stored.insert(VERSION.to_owned(), number(pause.revision + 1));
        Ok(self.put_if(stored, &condition, terms).await?)
    }
}
