//! E-mail addresses: checked once at the door, compared without regard to case, never printed by accident.
//!
//! Letters of ASCII have no case here; other letters are what they are, since Unicode's folding makes one address of two that
//! lead to two people. A domain may be written in its own letters or as `xn--…`: both are the same domain.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// A plausible address: the local part in ASCII lower case, the domain in its own letters. `Debug` hides it, since addresses
/// of people do not belong in logs.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// Text that cannot be an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address: expected something like jane@example.com, without invisible characters")]
pub struct NotAnEmailAddress;

impl EmailAddress {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or(self.as_str(), |(local, _)| local)
    }

    /// What stands behind it.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The same with the domain as it goes over the wire: `xn--…` for letters beyond ASCII.
    pub fn wire(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        format!("{local}@{}", idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_owned()))
    }

    /// Every way to write it: one, or two where the domain has letters beyond ASCII.
    pub fn forms(&self) -> Vec<String> {
        let wire = self.wire();
        if wire == self.0 { vec![wire] } else { vec![wire, self.0.clone()] }
    }

    /// The address that an identity provider made this one of, where it looks like that: 32 hexadecimal digits in front of an
    /// account that was deleted, `jane_example.com#EXT#@…` for a guest, `xx` in front of a mailbox that was closed.
    pub fn behind(&self) -> Option<Self> {
        const DIGITS: usize = 32;
        let (local, domain) = self.0.rsplit_once('@')?;
        if let Some(guest) = local.strip_suffix("#ext#") {
            let (local, domain) = guest.rsplit_once('_')?;
            return format!("{local}@{domain}").parse().ok();
        }
        let is_deleted = local.len() > DIGITS && local.bytes().take(DIGITS).all(|byte| byte.is_ascii_hexdigit());
        let rest = if is_deleted { local.get(DIGITS..) } else { local.strip_prefix("xx") };
        format!("{}@{domain}", rest.filter(|rest| rest.len() > 1)?).parse().ok()
    }

    /// Whether `other` names the same mailbox.
    pub fn is(&self, other: &str) -> bool {
        let other: String = other.trim().nfc().collect();
        other.parse::<Self>().map_or_else(|_| self.0.eq_ignore_ascii_case(&other), |other| *self == other)
    }
}

impl FromStr for EmailAddress {
    type Err = NotAnEmailAddress;

    /// RFC 5321's limits on length; no quoted local parts, comments or address literals, which no HR system sends.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(NotAnEmailAddress)?;
        let local_ok = !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.chars().all(|c| c.is_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c));
        let domain = domain_of(domain).ok_or(NotAnEmailAddress)?;
        if local_ok && is_nfc(text) {
            Ok(Self(format!("{}@{domain}", local.to_ascii_lowercase())))
        } else {
            Err(NotAnEmailAddress)
        }
    }
}

/// A domain in its own letters; none where it cannot be one.
fn domain_of(text: &str) -> Option<String> {
    let visible = text.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.');
    let wire = idna::domain_to_ascii(text).ok().filter(|_| visible)?;
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let is_domain = wire.contains('.') && wire.len() <= 253 && wire.split('.').all(label_ok);
    match idna::domain_to_unicode(&wire) {
        (own, Ok(())) if is_domain => Some(own),
        _ => None,
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
    fn one_domain_in_two_spellings_is_one_address() {
        let own: EmailAddress = "jane@exämple.de".parse().unwrap();
        for spelling in
            ["jane@xn--exmple-cua.de", "JANE@XN--EXMPLE-CUA.DE", "jane@EXÄMPLE.de", "jane@exa\u{308}mple.de"]
        {
            assert!(own.is(spelling), "{spelling}");
        }
        assert_eq!("jane@xn--exmple-cua.de".parse(), Ok(own.clone()));
        assert_eq!(own.forms(), ["jane@xn--exmple-cua.de", "jane@exämple.de"]);
        assert_eq!("jane@example.com".parse::<EmailAddress>().unwrap().forms(), ["jane@example.com"]);
    }

    #[test]
    fn the_address_behind_a_tombstone_is_recognised() {
        for (text, behind) in [
            ("283405f5aaaa4bbb8ccc9ddd0eee1fc2jane.doe@example.com", Some("jane.doe@example.com")),
            ("jane.doe_example.com#EXT#@contoso.example.com", Some("jane.doe@example.com")),
            ("xxjane.doe@example.com", Some("jane.doe@example.com")),
            ("jane.doe@example.com", None),
            ("xx@example.com", None),
            ("jane#EXT#@example.com", None),
            ("283405f5aaaa4bbb8ccc9ddd0eee1fc2@example.com", None),
        ] {
            let found = text.parse::<EmailAddress>().unwrap().behind();
            assert_eq!(found.as_ref().map(EmailAddress::as_str), behind, "{text}");
        }
    }

    #[test]
    fn letters_beyond_ascii_have_no_case() {
        let address = |text: &str| text.parse::<EmailAddress>().unwrap();
        assert_ne!(address("JÖRG@example.com"), address("jörg@example.com"));
        assert_ne!(address("ſam@example.com"), address("sam@example.com"));
        assert!(!address("sam@example.com").is("ſam@example.com"));
        // The sign for Kelvin is no letter of its own, so that it is refused rather than taken for a K.
        assert_eq!("\u{212a}im@example.com".parse::<EmailAddress>(), Err(NotAnEmailAddress));
        assert!(address("kim@example.com") != address("im@example.com"));
    }

    #[test]
    fn what_cannot_be_seen_or_be_told_apart_is_refused() {
        for hidden in [
            "ja\u{200b}ne@example.com",
            "jane@exa\u{ad}mple.com",
            "jane\u{feff}@example.com",
            "ja\u{301}ne@example.com",
        ] {
            assert_eq!(hidden.parse::<EmailAddress>(), Err(NotAnEmailAddress), "{hidden:?}");
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
            "jane@xn--a.de",
            "jane@exa_mple.com",
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
