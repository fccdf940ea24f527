//! E-mail addresses: checked once at the door, compared without regard to case, never printed by accident.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A plausible address in lower case. `Debug` hides it, since addresses of people do not belong in logs.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// Text that cannot be an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address: expected something like jane@example.com")]
pub struct NotAnEmailAddress;

impl EmailAddress {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` names the same mailbox.
    pub fn is(&self, other: &str) -> bool {
        self.0 == other.trim().to_lowercase()
    }
}

impl FromStr for EmailAddress {
    type Err = NotAnEmailAddress;

    /// RFC 5321's limits on length; no quoted local parts, comments or address literals, which no HR system sends.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().to_lowercase();
        let (local, domain) = text.rsplit_once('@').ok_or(NotAnEmailAddress)?;
        let local_ok = !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.chars().all(|c| c.is_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c));
        let label_ok = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        };
        let domain_ok = domain.contains('.') && domain.len() <= 253 && domain.split('.').all(label_ok);
        if local_ok && domain_ok { Ok(Self(text)) } else { Err(NotAnEmailAddress) }
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = NotAnEmailAddress;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(mail: EmailAddress) -> Self {
        mail.0
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plausible_addresses_are_taken_and_lowered() {
        for text in ["Jane@Example.com", " jane.doe+x@mail.example.co.uk ", "o'neil@example.org", "jörg@exämple.de"] {
            let mail: EmailAddress = text.parse().unwrap();
            assert!(mail.is(text));
            assert_eq!(mail.as_str(), text.trim().to_lowercase());
        }
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "jane",
            "jane@",
            "@example.com",
            "jane@localhost",
            "a b@example.com",
            "a@b@",
            "a..b@example.com",
            "jane@-x.com",
            "jane@example..com",
            "jane@example.com/../../space",
            &long,
        ] {
            assert_eq!(text.parse::<EmailAddress>(), Err(NotAnEmailAddress), "{text}");
        }
    }

    #[test]
    fn an_address_does_not_print_itself() {
        let mail: EmailAddress = "jane@example.com".parse().unwrap();
        assert!(!format!("{mail:?}").contains("jane"));
    }
}
