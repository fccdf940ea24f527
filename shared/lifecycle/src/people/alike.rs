//! Who may be meant by an address that nobody has: the same name elsewhere, a letter or two off, the same person's name.
//!
//! It is a guess for a person to decide about, and never a reason to remove anybody.

use super::Member;
use crate::email::EmailAddress;

/// What a member has to do with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The member has, or had, this very address.
    Same,
    /// Somebody may have meant this member.
    Alike,
    /// Nothing.
    None,
}

/// Shorter names have too many neighbours for two letters to tell anything.
const LONG: usize = 6;
const SHORT: usize = 4;

impl Member {
    /// What the member has to do with an address that was asked for.
    pub fn likeness(&self, asked: &EmailAddress) -> Likeness {
        if self.emails.iter().any(|own| asked.is(own)) {
            return Likeness::Same;
        }
        let own = self.emails.iter().filter_map(|own| own.parse::<EmailAddress>().ok());
        let is_alike = own.into_iter().any(|own| is_alike(asked, &own)) || self.is_named_like(asked);
        if is_alike && self.is_current() { Likeness::Alike } else { Likeness::None }
    }

    /// Whether the local part spells the member's name, in whatever order.
    fn is_named_like(&self, asked: &EmailAddress) -> bool {
        let words = |text: &str| {
            let mut words: Vec<String> = text
                .split(|letter: char| !letter.is_alphanumeric())
                .filter(|word| !word.is_empty())
                .map(str::to_lowercase)
                .collect();
            words.sort_unstable();
            words
        };
        let name = self.name.as_deref().map(words).unwrap_or_default();
        name.len() > 1 && name == words(asked.local())
    }
}

/// The same local part at another domain; or at the same one, and a letter or two off. Figures are not letters: user1005 is
/// nobody's misspelling of user1006.
fn is_alike(asked: &EmailAddress, own: &EmailAddress) -> bool {
    let (one, other) = (asked.local(), own.local());
    if asked.domain() != own.domain() {
        return one == other;
    }
    let figures = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let most = match one.chars().count().min(other.chars().count()) {
        0..SHORT => return false,
        SHORT..LONG => 1,
        _ => 2,
    };
    figures(one) == figures(other) && strsim::osa_distance(one, other) <= most
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{ids::UserId, people::MemberStatus};

    fn likeness(asked: &str, name: &str, own: &str) -> Likeness {
        let member = Member {
            user_id: UserId(1),
            name: Some(name.to_owned()),
            emails: vec![own.to_owned()],
            role: None,
            kind: None,
            status: MemberStatus::Active,
            spaces: None,
            invited_at: None,
            last_seen_at: None,
            first_listed_at: Timestamp::UNIX_EPOCH,
            last_listed_at: None,
            left_at: None,
            stale: false,
            revision: 1,
        };
        member.likeness(&asked.parse().unwrap())
    }

    #[test]
    fn a_letter_or_two_off_or_at_another_domain_is_alike() {
        for (asked, name, own, expected) in [
            ("jane.doe@example.com", "Jane Doe", "Jane.Doe@example.com", Likeness::Same),
            ("jnae.doe@example.com", "Jane Doe", "jane.doe@example.com", Likeness::Alike),
            ("jane.do@example.com", "X", "jane.doe@example.com", Likeness::Alike),
            ("jane.doe@example.org", "X", "jane.doe@example.com", Likeness::Alike),
            ("doe-jane@example.org", "Jane Doe", "jd@example.com", Likeness::Alike),
            ("jd@example.com", "X", "je@example.com", Likeness::None),
            ("user1005@example.com", "X", "user1006@example.com", Likeness::None),
            ("mary.major@example.com", "Jane Doe", "jane.doe@example.com", Likeness::None),
            ("jane@example.com", "Jane", "jd@example.com", Likeness::None),
        ] {
            assert_eq!(likeness(asked, name, own), expected, "{asked} {own}");
        }
    }
}
