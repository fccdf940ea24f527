//! The id of a SCIM user.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::uuid_v7;

/// A SCIM user's id. Sorts by time of creation, which makes listings stable: `usr_` and the digits of a UUID v7.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScimUserId(String);

impl ScimUserId {
    const PREFIX: &'static str = "usr_";

    /// A new id from the moment of creation and 80 random bits.
    pub fn new(created_at: Timestamp, random: [u8; 10]) -> Self {
        Self(format!("{}{}", Self::PREFIX, uuid_v7(created_at, &random).simple()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text that is not the id of a SCIM user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a SCIM user")]
pub struct NotAScimUserId;

impl FromStr for ScimUserId {
    type Err = NotAScimUserId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(Self::PREFIX).ok_or(NotAScimUserId)?;
        let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if digits.len() == 32 && digits.bytes().all(lower_hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAScimUserId)
        }
    }
}

impl TryFrom<String> for ScimUserId {
    type Error = NotAScimUserId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ScimUserId> for String {
    fn from(id: ScimUserId) -> Self {
        id.0
    }
}

impl fmt::Display for ScimUserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_ids_parse_and_sort_by_creation() {
        let early = ScimUserId::new(Timestamp::from_second(1_000).unwrap(), [255; 10]);
        let late = ScimUserId::new(Timestamp::from_second(1_001).unwrap(), [0; 10]);
        assert!(early < late);
        assert_eq!(early.as_str().parse(), Ok(early));
        for wrong in
            ["", "usr_", "usr_0123", "off_0123456789abcdef0123456789abcdef", "usr_0123456789ABCDEF0123456789abcdef"]
        {
            assert_eq!(wrong.parse::<ScimUserId>(), Err(NotAScimUserId), "{wrong}");
        }
    }
}
