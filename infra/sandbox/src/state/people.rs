//! People: one account each, whatever organizations they are in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::State;
use crate::ids::UserId;

/// A person's account and profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Person {
    /// The profile's id, which is not the user's.
    pub profile_id: u64,
    /// Full name.
    pub name: String,
    /// The account's address.
    pub mail: String,
    /// Further verified addresses: the account is found by them, and they are shown nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_mails: Vec<String>,
    /// False while the person was only invited.
    pub activated: bool,
    /// False where Podio sends `profile: null`.
    pub has_profile: bool,
    /// What kind of account it is.
    #[serde(default)]
    pub account: AccountKind,
    /// Employee of the organization, else external.
    pub employee: bool,
    /// When the account was made.
    pub created_on: Timestamp,
    /// When the person was last seen.
    pub last_seen_on: Option<Timestamp>,
    /// Profile fields set by the person.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Value>,
}

/// Kinds of accounts, which lists show in different ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A person's.
    #[default]
    Regular,
    /// A person's who sees single items.
    Guest,
    /// An integration's, which has no profile.
    Service,
    /// One of which lists say nothing at all: `user: null`, `profile: null`.
    Hidden,
}

impl Person {
    /// Whether Podio sends a profile and not `null`.
    pub(crate) fn shows_profile(&self) -> bool {
        self.has_profile && matches!(self.account, AccountKind::Regular | AccountKind::Guest)
    }
}

impl State {
    /// Makes an account that is active, an employee's, with a profile.
    pub fn create_person(&mut self, now: Timestamp, name: &str, mail: &str) -> UserId {
        let user_id = UserId(self.fresh_id());
        let profile_id = self.fresh_id();
        let person = Person {
            profile_id,
            name: name.to_owned(),
            mail: mail.to_owned(),
            other_mails: Vec::new(),
            activated: true,
            has_profile: true,
            account: AccountKind::Regular,
            employee: true,
            created_on: now,
            last_seen_on: Some(now),
            fields: BTreeMap::new(),
        };
        self.people.insert(user_id, person);
        user_id
    }

    /// Makes an account for an address that was invited and has never logged in.
    pub fn invite_person(&mut self, now: Timestamp, mail: &str) -> UserId {
        let user_id = self.create_person(now, mail, mail);
        if let Some(person) = self.people.get_mut(&user_id) {
            person.activated = false;
            person.last_seen_on = None;
        }
        user_id
    }

    /// The person with that address, upper and lower case alike.
    pub fn person_by_mail(&self, mail: &str) -> Option<UserId> {
        let has = |person: &Person| {
            std::iter::once(&person.mail).chain(&person.other_mails).any(|own| own.eq_ignore_ascii_case(mail))
        };
        self.people.iter().find(|(_, person)| has(person)).map(|(user_id, _)| *user_id)
    }
}
