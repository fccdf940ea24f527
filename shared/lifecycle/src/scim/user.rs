//! The record of one SCIM user, and what follows from a change of it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ScimUserId;
use crate::{
    email::EmailAddress,
    ids::{OffboardingId, UserId},
    offboarding::Person,
};

/// A name in its parts.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Name {
    /// As it is written for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// The given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
    /// The family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
}

/// One address of a user, as the provider wrote it; it need not be one that mail could reach.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Email {
    /// The address.
    pub value: String,
    /// What it is for, such as `work`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is the preferred one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
}

impl Email {
    /// Whether its type says that it is for work.
    pub fn is_work(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("work"))
    }
}

/// Something that users are looked up by, as look-ups compare it.
#[derive(Clone, PartialEq, Eq)]
pub enum Index {
    /// `userName`, which one user has at most.
    UserName(String),
    /// The provider's own id.
    ExternalId(String),
    /// An address of type `work`.
    WorkAddress(String),
}

/// What the provider wants a user to be.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The provider's name of the user. No two users share one, without regard to ASCII case.
    pub user_name: String,
    /// The provider's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The name in parts.
    #[serde(default)]
    pub name: Name,
    /// The name as people see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Addresses.
    #[serde(default)]
    pub emails: Vec<Email>,
    /// Whether the user shall have access.
    pub active: bool,
}

/// The offboarding that a user's deactivation has started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// Its id.
    pub offboarding: OffboardingId,
    /// When the provider asked for it.
    pub at: Timestamp,
}

/// The record of one SCIM user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScimUser {
    /// Its id.
    pub id: ScimUserId,
    /// What the provider wants.
    pub wish: Wish,
    /// The Podio account, once matched by an audit or confirmed by a person. No request of the provider's changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<UserId>,
    /// The offboarding that the present deactivation has started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departure: Option<Departure>,
    /// How often the user has come back: each return makes the next deactivation another one.
    #[serde(default)]
    pub returns: u32,
    /// When the record was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub modified_at: Timestamp,
    /// Bumped by each write.
    pub revision: u64,
}

/// What a request makes of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The wish from now on.
    pub wish: Wish,
    /// Whether the request says anything about `active`.
    pub states_active: bool,
}

/// What follows from a change, beside the change of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Nothing,
    /// Somebody leaves: an offboarding starts.
    Leave,
    /// Somebody who was to leave stays after all, if that is still possible.
    Return,
}

/// Lower case as names and addresses are compared: ASCII alone, so that no two different letters become one.
pub fn lower(text: &str) -> String {
    text.trim().to_ascii_lowercase()
}

impl Wish {
    /// Nothing but a name, and active, which is what SCIM takes for granted.
    pub fn named(user_name: impl Into<String>) -> Self {
        Self {
            user_name: user_name.into(),
            external_id: None,
            name: Name::default(),
            display_name: None,
            emails: Vec::new(),
            active: true,
        }
    }

    /// The address for work: of type `work`, else one without a type; of several the primary one. One of another type, such as
    /// `home`, is never taken for it.
    pub fn work_address(&self) -> Option<&str> {
        let best = |of: &dyn Fn(&&Email) -> bool| {
            let primary = self.emails.iter().filter(of).find(|email| email.primary == Some(true));
            primary.or_else(|| self.emails.iter().find(of)).map(|email| email.value.as_str())
        };
        best(&|email| email.is_work()).or_else(|| best(&|email| email.kind.is_none()))
    }

    /// Every address of type `work`, as look-ups compare it, none of them twice.
    pub fn work_addresses(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for address in self.emails.iter().filter(|email| email.is_work()).map(|email| lower(&email.value)) {
            if !found.contains(&address) {
                found.push(address);
            }
        }
        found
    }

    /// What the user is found by, beside the `userName`.
    pub fn indexes(&self) -> Vec<Index> {
        let external = self.external_id.clone().map(Index::ExternalId);
        external.into_iter().chain(self.work_addresses().into_iter().map(Index::WorkAddress)).collect()
    }

    /// Whether a user is found by it.
    pub fn is_found_by(&self, index: &Index) -> bool {
        match index {
            Index::UserName(name) => lower(&self.user_name) == *name,
            index => self.indexes().contains(index),
        }
    }

    /// The address by which the person is looked for in Podio.
    fn address(&self) -> Option<EmailAddress> {
        let work = self.work_address().and_then(|address| address.parse().ok());
        work.or_else(|| self.user_name.parse().ok())
    }
}

impl ScimUser {
    /// A new record.
    pub fn new(id: ScimUserId, wish: Wish, now: Timestamp) -> Self {
        Self { id, wish, linked: None, departure: None, returns: 0, created_at: now, modified_at: now, revision: 0 }
    }

    /// Whose account in Podio is meant, if that can be told: the linked one, else the one with the work address, else the one
    /// with the `userName`, where that is an address.
    pub fn person(&self) -> Option<Person> {
        self.linked.map(Person::User).or_else(|| self.wish.address().map(Person::Email))
    }

    /// What follows if the wish becomes this. A user who is inactive already, and whose deactivation has had its offboarding,
    /// does not leave a second time, however often the provider repeats it.
    pub fn step(&self, changed: &Changed) -> Step {
        match (self.wish.active, changed.wish.active) {
            (true, false) => Step::Leave,
            (false, true) => Step::Return,
            (false, false) if changed.states_active && self.departure.is_none() => Step::Leave,
            (true, true) | (false, false) => Step::Nothing,
        }
    }

    /// Whose account it is that leaves. A request may rename and deactivate at once, as providers do that free the name of a
    /// user they delete: then it is the one that was known before.
    pub fn leaver(&self, wish: &Wish) -> Option<Person> {
        self.person().or_else(|| wish.address().map(Person::Email))
    }

    /// The same with another wish.
    pub fn wishing(&self, wish: Wish, now: Timestamp) -> Self {
        Self { wish, modified_at: now, ..self.clone() }
    }

    /// The same, on the way out.
    pub fn leaving(self, offboarding: OffboardingId, now: Timestamp) -> Self {
        Self { departure: Some(Departure { offboarding, at: now }), ..self }
    }

    /// The same, back.
    pub fn returned(self) -> Self {
        Self { departure: None, returns: self.returns.saturating_add(1), ..self }
    }
}

/// Names and addresses of people do not belong in logs.
macro_rules! hidden {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}

hidden!(Name, Email, Wish, Index);

#[cfg(test)]
mod tests {
    use super::*;

    fn email(value: &str, kind: Option<&str>, primary: bool) -> Email {
        Email { value: value.into(), kind: kind.map(Into::into), primary: primary.then_some(true) }
    }

    fn user(user_name: &str, emails: &[Email]) -> ScimUser {
        let wish = Wish { emails: emails.to_vec(), ..Wish::named(user_name) };
        ScimUser::new(ScimUserId::new(Timestamp::UNIX_EPOCH, [1; 10]), wish, Timestamp::UNIX_EPOCH)
    }

    fn mail(address: &str) -> Option<Person> {
        Some(Person::Email(address.parse().unwrap()))
    }

    #[test]
    fn person_is_the_linked_one_then_work_address_then_user_name() {
        let work = email("Jane@example.com", Some("Work"), false);
        let home = email("jane@home.example", Some("home"), true);
        assert_eq!(user("j@corp.example", &[home.clone(), work.clone()]).person(), mail("jane@example.com"));
        assert_eq!(user("j@corp.example", std::slice::from_ref(&home)).person(), mail("j@corp.example"), "never home");
        assert_eq!(user("jdoe", &[home]).person(), None);
        assert_eq!(user("jdoe", &[email("jane@example.com", None, false)]).person(), mail("jane@example.com"));
        let second = email("second@example.com", Some("work"), true);
        assert_eq!(user("jdoe", &[work.clone(), second]).person(), mail("second@example.com"), "the primary one");
        assert_eq!(user("j@corp.example", &[email("no address", Some("work"), true)]).person(), mail("j@corp.example"));
        let linked = ScimUser { linked: Some(UserId(7)), ..user("jdoe", &[work]) };
        assert_eq!(linked.person(), Some(Person::User(UserId(7))));
    }

    #[test]
    fn user_renamed_and_deactivated_at_once_leaves_under_the_known_name() {
        let jane = user("jane@example.com", &[]);
        let renamed = Wish { active: false, ..Wish::named("0a1b2cjane@example.com") };
        assert_eq!(jane.leaver(&renamed), mail("jane@example.com"));
        assert_eq!(user("jane", &[]).leaver(&Wish::named("jane@example.com")), mail("jane@example.com"));
    }

    #[test]
    fn deactivation_leads_to_one_departure() {
        let active = user("jane@example.com", &[]);
        let changed = |active, states_active| Changed { wish: Wish { active, ..Wish::named("x") }, states_active };
        assert_eq!(active.step(&changed(false, true)), Step::Leave);
        assert_eq!(active.step(&changed(true, true)), Step::Nothing);
        let never_active = active.wishing(Wish { active: false, ..active.wish.clone() }, Timestamp::UNIX_EPOCH);
        assert_eq!(never_active.step(&changed(false, false)), Step::Nothing, "nothing is said of it");
        assert_eq!(never_active.step(&changed(false, true)), Step::Leave);
        let gone = never_active.leaving(OffboardingId::new(Timestamp::UNIX_EPOCH, [0; 10]), Timestamp::UNIX_EPOCH);
        assert_eq!(gone.step(&changed(false, true)), Step::Nothing);
        assert_eq!(gone.step(&changed(true, true)), Step::Return);
        assert_eq!((gone.clone().returned().departure, gone.returned().returns), (None, 1));
    }

    #[test]
    fn no_name_or_address_is_printed() {
        let jane = user("jane@example.com", &[email("jane@example.com", None, true)]);
        assert!(!format!("{jane:?}").contains("jane"));
    }
}
