//! Attributes of an item, in and out. An attribute that is missing or of another type is named, its value is not.

use std::{collections::HashMap, str::FromStr};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use podio_lifecycle::ports::StoreError;
use serde::{Serialize, de::DeserializeOwned};

use super::keys::Key;
use crate::tables::{PARTITION_KEY, SORT_KEY};

/// An item, or a part of one.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A string.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number.
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A moment, in milliseconds since the epoch.
pub(crate) fn moment(value: Timestamp) -> AttributeValue {
    number(value.as_millisecond())
}

/// A record as JSON text.
pub(crate) fn json(value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    serde_json::to_string(value).map(AttributeValue::S).map_err(|_| StoreError::Corrupt("cannot be written".to_owned()))
}

/// An item with its key and nothing else yet.
pub(crate) fn item(key: &Key) -> Item {
    HashMap::from([(PARTITION_KEY.to_owned(), text(&key.pk)), (SORT_KEY.to_owned(), text(&key.sk))])
}

/// Reading, with errors that name the attribute.
pub(crate) trait Read {
    /// A string, if there is one.
    fn find_text(&self, name: &str) -> Result<Option<&str>, StoreError>;
    /// A number, if there is one.
    fn find_number<N: FromStr>(&self, name: &str) -> Result<Option<N>, StoreError>;

    /// A string.
    fn text(&self, name: &str) -> Result<&str, StoreError> {
        self.find_text(name)?.ok_or_else(|| unreadable(name))
    }
    /// A number.
    fn number<N: FromStr>(&self, name: &str) -> Result<N, StoreError> {
        self.find_number(name)?.ok_or_else(|| unreadable(name))
    }
    /// A moment, if there is one.
    fn find_moment(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        let read = |ms| Timestamp::from_millisecond(ms).map_err(|_| unreadable(name));
        self.find_number(name)?.map(read).transpose()
    }
    /// A string that parses.
    fn parsed<T: FromStr>(&self, name: &str) -> Result<T, StoreError> {
        self.text(name)?.parse().map_err(|_| unreadable(name))
    }
    /// A record that was stored as JSON.
    fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        serde_json::from_str(self.text(name)?).map_err(|_| unreadable(name))
    }
}

impl Read for Item {
    fn find_text(&self, name: &str) -> Result<Option<&str>, StoreError> {
        match self.get(name) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(unreadable(name)),
        }
    }

    fn find_number<N: FromStr>(&self, name: &str) -> Result<Option<N>, StoreError> {
        match self.get(name) {
            None => Ok(None),
            Some(AttributeValue::N(digits)) => digits.parse().map(Some).map_err(|_| unreadable(name)),
            Some(_) => Err(unreadable(name)),
        }
    }
}

/// An attribute that this version cannot read.
pub(crate) fn unreadable(name: &str) -> StoreError {
    StoreError::Corrupt(format!("attribute {name}"))
}
