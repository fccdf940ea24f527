//! The credentials table: one item, which only the worker may read.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use podio_lifecycle::{
    credentials::TokenRecord,
    ids::UserId,
    ports::{Credentials, SaveError, StoreError},
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    table::{
        Item, VERSION, get,
        item::{Read, item, moment, number, text, unreadable},
        keys::Key,
        put_if, values,
    },
    tables::PARTITION_KEY,
};

const ACCESS_TOKEN: &str = "access_token";
const TOKEN_EXPIRES_AT: &str = "token_expires_at";
const REFRESH_TOKEN: &str = "refresh_token";
const PREVIOUS_REFRESH_TOKEN: &str = "previous_refresh_token";
const ORIGIN: &str = "origin";
const ACTING_USER: &str = "acting_user";
const RENEWED_AT: &str = "renewed_at";
const LEASED_UNTIL: &str = "leased_until";

/// The credentials table in DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamoCredentials {
    client: Client,
    table: String,
}

impl DynamoCredentials {
    /// The table of that name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }
}

#[async_trait]
impl Credentials for DynamoCredentials {
    async fn load(&self) -> Result<Option<TokenRecord>, StoreError> {
        get(&self.client, &self.table, &key()).await?.as_ref().map(decode).transpose()
    }

    async fn save(&self, record: &TokenRecord) -> Result<(), SaveError> {
        let (condition, terms) = match record.revision {
            0 => (format!("attribute_not_exists(#{PARTITION_KEY})"), None),
            revision => (format!("#{VERSION} = :expected"), values([(":expected", number(revision))])),
        };
        Ok(put_if(&self.client, &self.table, encode(record), &condition, terms).await?)
    }
}

fn key() -> Key {
    Key::fixed("TOKEN", "CURRENT")
}

fn encode(record: &TokenRecord) -> Item {
    let secret = |secret: &Option<SecretString>| secret.as_ref().map(|secret| text(secret.expose_secret()));
    let attributes = [
        (ACCESS_TOKEN, secret(&record.access_token)),
        (TOKEN_EXPIRES_AT, Some(moment(record.expires_at))),
        (REFRESH_TOKEN, secret(&record.refresh_token)),
        (PREVIOUS_REFRESH_TOKEN, secret(&record.previous_refresh_token)),
        (ORIGIN, Some(text(&record.origin))),
        (ACTING_USER, record.acting_user.map(number)),
        (RENEWED_AT, Some(moment(record.renewed_at))),
        (LEASED_UNTIL, record.leased_until.map(moment)),
        (VERSION, Some(number(record.revision + 1))),
    ];
    let mut item = item(&key());
    item.extend(attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    item
}

fn decode(item: &Item) -> Result<TokenRecord, StoreError> {
    let secret = |name| Ok::<_, StoreError>(item.find_text(name)?.map(SecretString::from));
    Ok(TokenRecord {
        access_token: secret(ACCESS_TOKEN)?,
        expires_at: item.find_moment(TOKEN_EXPIRES_AT)?.ok_or_else(|| unreadable(TOKEN_EXPIRES_AT))?,
        refresh_token: secret(REFRESH_TOKEN)?,
        previous_refresh_token: secret(PREVIOUS_REFRESH_TOKEN)?,
        origin: item.text(ORIGIN)?.to_owned(),
        acting_user: item.find_number(ACTING_USER)?.map(UserId),
        renewed_at: item.find_moment(RENEWED_AT)?.ok_or_else(|| unreadable(RENEWED_AT))?,
        leased_until: item.find_moment(LEASED_UNTIL)?,
        revision: item.number(VERSION)?,
    })
}
