//! Finding offboardings: by state, by the person's address, by the person's id.

use super::{Offboarding, Person};
use crate::{
    email::EmailAddress,
    ids::{OffboardingId, UserId},
};

/// What a listing is to hold; each part narrows it. Nothing asks for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In this state, by its name in the contract.
    pub state: Option<String>,
    /// Of the person with this address, as it was asked for or as Podio shows it.
    pub email: Option<EmailAddress>,
    /// Of the person with this id, as it was asked for or as it was found.
    pub user: Option<UserId>,
}

/// A name under which a person's offboardings are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonKey {
    /// An address.
    Email(EmailAddress),
    /// An id.
    User(UserId),
}

/// A record that this version cannot read. It is listed as such, and hides no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its id.
    pub id: OffboardingId,
    /// The state that it was stored in, where that can be told.
    pub state: Option<String>,
}

impl Filter {
    /// Only those in this state.
    pub fn in_state(state: &str) -> Self {
        Self { state: Some(state.to_owned()), ..Self::default() }
    }

    /// Whether an offboarding is asked for.
    pub fn matches(&self, offboarding: &Offboarding) -> bool {
        let state = self.state.as_deref().is_none_or(|state| offboarding.state.name() == state);
        let is_known_as = |key: &PersonKey| offboarding.person_names().contains(key);
        let email = self.email.clone().map(PersonKey::Email);
        let user = self.user.map(PersonKey::User);
        state && email.as_ref().is_none_or(is_known_as) && user.as_ref().is_none_or(is_known_as)
    }

    /// Whether a record that cannot be read may be asked for.
    pub fn may_match(&self, unreadable: &Unreadable) -> bool {
        match (&self.state, &unreadable.state) {
            (Some(asked), Some(stored)) => asked == stored,
            _ => true,
        }
    }
}

impl Offboarding {
    /// The names under which it is found: first the one that was asked for, then what Podio has told.
    pub fn person_names(&self) -> Vec<PersonKey> {
        let asked = match &self.request.person {
            Person::Email(mail) => PersonKey::Email(mail.clone()),
            Person::User(user) => PersonKey::User(*user),
        };
        let found = self.state.leaver().into_iter().flat_map(|leaver| {
            let mail = leaver.email.clone().map(PersonKey::Email);
            [Some(PersonKey::User(leaver.user_id)), mail].into_iter().flatten()
        });
        let mut names = vec![asked];
        for name in found {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The keys under which the person is claimed, so that nobody is off-boarded twice at once.
    pub fn person_keys(&self) -> Vec<String> {
        let org = self.org_id;
        let by_user = |user: &UserId| format!("{org}#user#{user}");
        let asked = match &self.request.person {
            Person::Email(mail) => format!("{org}#mail#{}", mail.as_str()),
            Person::User(user) => by_user(user),
        };
        let mut keys = vec![asked];
        if let Some(leaver) = self.state.leaver() {
            let found = by_user(&leaver.user_id);
            if !keys.contains(&found) {
                keys.push(found);
            }
        }
        keys
    }
}
