//! Identifiers. A bare number or string never crosses a function boundary: mixing up a space and a person would remove
//! the wrong thing.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Podio's ids are positive JSON integers.
macro_rules! numeric_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

numeric_id!(
    /// A Podio organization.
    OrgId
);
numeric_id!(
    /// A Podio workspace.
    SpaceId
);
numeric_id!(
    /// A Podio account.
    UserId
);
numeric_id!(
    /// A registered hook.
    HookId
);
numeric_id!(
    /// An app: a table of items in a space.
    AppId
);
numeric_id!(
    /// An item of an app.
    ItemId
);
numeric_id!(
    /// A comment.
    CommentId
);
numeric_id!(
    /// A form for the web that fills an app.
    FormId
);
numeric_id!(
    /// A task.
    TaskId
);
numeric_id!(
    /// A status message in a space.
    StatusId
);
numeric_id!(
    /// A profile: of an account, or of a contact in a space.
    ProfileId
);
numeric_id!(
    /// A file.
    FileId
);

/// One person leaving one organization. Sorts by time of creation: `off_` and the hexadecimal digits of a UUID v7.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OffboardingId(String);

impl OffboardingId {
    const PREFIX: &'static str = "off_";

    /// A new id from the moment of creation and 80 random bits.
    pub fn new(created_at: jiff::Timestamp, random: [u8; 10]) -> Self {
        Self(format!("{}{}", Self::PREFIX, uuid_v7(created_at, &random).simple()))
    }

    /// The smallest id that could have been created at `moment`: the lower bound of a range query.
    pub fn first_at(moment: jiff::Timestamp) -> Self {
        Self::new(moment, [0; 10])
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A UUID v7: the moment of creation and 80 random bits.
pub(crate) fn uuid_v7(at: jiff::Timestamp, random: &[u8; 10]) -> uuid::Uuid {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid()
}

/// Text that is not an offboarding id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an offboarding id")]
pub struct NotAnOffboardingId;

impl FromStr for OffboardingId {
    type Err = NotAnOffboardingId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(Self::PREFIX).ok_or(NotAnOffboardingId)?;
        let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if digits.len() == 32 && digits.bytes().all(lower_hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnOffboardingId)
        }
    }
}

impl TryFrom<String> for OffboardingId {
    type Error = NotAnOffboardingId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<OffboardingId> for String {
    fn from(id: OffboardingId) -> Self {
        id.0
    }
}

impl fmt::Display for OffboardingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_moment_of_creation() {
        let early = OffboardingId::new(jiff::Timestamp::from_second(1_000).unwrap(), [255; 10]);
        let late = OffboardingId::new(jiff::Timestamp::from_second(1_001).unwrap(), [0; 10]);
        assert!(early < late);
        assert!(OffboardingId::first_at(jiff::Timestamp::from_second(1_000).unwrap()) <= early);
    }

    #[test]
    fn only_our_own_ids_parse() {
        let id = OffboardingId::new(jiff::Timestamp::UNIX_EPOCH, [7; 10]);
        assert_eq!(id.as_str().parse::<OffboardingId>(), Ok(id));
        for wrong in [
            "",
            "off_",
            "off_XYZ",
            "off_0123",
            "on_0123456789abcdef0123456789abcdef",
            "off_0123456789ABCDEF0123456789abcdef",
        ] {
            assert_eq!(wrong.parse::<OffboardingId>(), Err(NotAnOffboardingId), "{wrong}");
        }
    }
}
