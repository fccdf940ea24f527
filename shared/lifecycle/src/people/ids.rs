//! Ids of audits, rosters and reconciliations. They sort by the time of creation.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ids::uuid_v7;

/// Text that is not an id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct NotAnId;

macro_rules! process_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// A new id from the moment of creation and 80 random bits.
            pub fn new(created_at: jiff::Timestamp, random: [u8; 10]) -> Self {
                Self(format!("{}{}", $prefix, uuid_v7(created_at, &random).simple()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let digits = text.strip_prefix($prefix).ok_or(NotAnId)?;
                let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
                if digits.len() == 32 && digits.bytes().all(lower_hex) { Ok(Self(text.to_owned())) } else { Err(NotAnId) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;
            fn try_from(text: String) -> Result<Self, NotAnId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

process_id!(
    /// One audit: `aud_` and the hexadecimal digits of a UUID v7.
    AuditId,
    "aud_"
);
process_id!(
    /// One roster: `ros_` and the hexadecimal digits of a UUID v7.
    RosterId,
    "ros_"
);
process_id!(
    /// One reconciliation: `rec_` and the hexadecimal digits of a UUID v7.
    ReconciliationId,
    "rec_"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_different_kinds_do_not_parse_as_each_other() {
        let audit = AuditId::new(jiff::Timestamp::UNIX_EPOCH, [7; 10]);
        assert_eq!(audit.as_str().parse::<AuditId>(), Ok(audit.clone()));
        assert_eq!(audit.as_str().parse::<RosterId>(), Err(NotAnId));
        assert_eq!(audit.as_str().to_uppercase().parse::<AuditId>(), Err(NotAnId));
        assert!(audit < AuditId::new(jiff::Timestamp::from_second(1).unwrap(), [0; 10]));
    }
}
