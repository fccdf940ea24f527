//! Comma lists of secrets that have names: `value`, `name:value` or `name:role:value`.
//!
//! Neither a value nor a name is ever repeated in an error: somebody who mixes up the two would see their secret in a log.

use subtle::{Choice, ConditionallySelectable};

/// The longest name of a caller.
const LONGEST_NAME: usize = 64;

/// An entry that cannot be used, by its number in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entry {number}: {problem}")]
pub struct BadEntry {
    /// Its number, from 1.
    pub number: usize,
    /// What is wrong with it.
    pub problem: EntryProblem,
}

/// What can be wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryProblem {
    /// It has too many parts.
    #[error("must be {0}")]
    Malformed(&'static str),
    /// The name cannot be used.
    #[error("its name must have 1 to 64 letters, digits, dots, underscores or hyphens")]
    BadName,
    /// The role is unknown.
    #[error("its role must be viewer, requester, approver or admin")]
    BadRole,
    /// Two parts, of which the first is a role that would not be given.
    #[error("its name is a role; write name:role:token")]
    RoleWithoutName,
    /// A secret that can be guessed.
    #[error("its value is too short: {0}")]
    Short(&'static str),
    /// The value stands in the list twice.
    #[error("its value stands in the list before")]
    Repeated,
    /// One name, two roles.
    #[error("its name stands in the list before, with another role")]
    AnotherRole,
}

/// The entry that fits. All are tried, so that the time taken does not tell which one it was.
pub(crate) fn find<T>(entries: &[T], fits: impl Fn(&T) -> Choice) -> Option<&T> {
    let mut found = u32::MAX;
    for (entry, place) in entries.iter().zip(0u32..) {
        found.conditional_assign(&place, fits(entry));
    }
    entries.get(usize::try_from(found).ok()?)
}

/// Checks the name of a caller. A colon can be no part of it, so that names can be put together with other words.
pub(crate) fn checked_name(name: &str) -> Result<&str, EntryProblem> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name = (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(allowed);
    if is_name { Ok(name) } else { Err(EntryProblem::BadName) }
}

/// Numbers the problem of an entry.
pub(crate) fn at(number: usize) -> impl Fn(EntryProblem) -> BadEntry {
    move |problem| BadEntry { number, problem }
}
