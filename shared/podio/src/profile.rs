//! The acting user's own profile. Nobody else's can be changed, whatever rights the token has.

use std::{collections::BTreeMap, fmt};

use podio_lifecycle::ids::UserId;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{request::Request, tolerant::RawId};

/// The profile: `GET /user/profile/`.
///
/// Source: podio-java, `UserAPI.getProfile`; the fields are those of developers.podio.com/doc/contacts. An object with
/// `user_id`, `profile_id`, single fields as text and multiple ones as arrays of text.
pub fn get() -> Request<Profile> {
    Request::get("/user/profile/", &[])
}

/// Changes the fields named in `changes` and leaves the others: `PUT /user/profile/`.
///
/// Source: developers.podio.com/doc/users/update-profile-22402.
pub fn update(changes: &ProfileChanges) -> Request<()> {
    Request::put("/user/profile/", &[], Value::Object(changes.0.clone()))
}

macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $key:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = concat!("`", $key, "`")] $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name of the field in JSON.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),+ }
            }
        }
    };
}

fields!(
    /// A field that holds one text.
    TextField {
        Name = "name", Birthdate = "birthdate", Organization = "organization", Department = "department",
        Skype = "skype", About = "about", Zip = "zip", City = "city", State = "state", Country = "country",
        Linkedin = "linkedin", Twitter = "twitter",
    }
);
fields!(
    /// A field that holds any number of texts.
    ListField {
        Address = "address", Location = "location", Mail = "mail", Phone = "phone", Title = "title", Url = "url",
        Skill = "skill", Im = "im",
    }
);

/// What to change in a profile. `Debug` shows which fields, not their values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProfileChanges(Map<String, Value>);

impl ProfileChanges {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a field, or deletes it with `None`.
    pub fn text(mut self, field: TextField, value: Option<&str>) -> Self {
        self.0.insert(field.key().to_owned(), json!(value));
        self
    }

    /// Sets all values of a field, or deletes it if there are none.
    pub fn list(mut self, field: ListField, values: &[&str]) -> Self {
        let value = if values.is_empty() { Value::Null } else { json!(values) };
        self.0.insert(field.key().to_owned(), value);
        self
    }

    /// Whether there is anything to change.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for ProfileChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A profile. `Debug` shows the id only.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "RawProfile")]
pub struct Profile {
    /// Whose it is.
    pub user_id: Option<UserId>,
    texts: BTreeMap<TextField, String>,
    lists: BTreeMap<ListField, Vec<String>>,
}

impl Profile {
    /// The text of a field.
    pub fn text(&self, field: TextField) -> Option<&str> {
        self.texts.get(&field).map(String::as_str)
    }

    /// The texts of a field.
    pub fn list(&self, field: ListField) -> &[String] {
        self.lists.get(&field).map_or(&[], Vec::as_slice)
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct RawProfile {
    #[serde(default)]
    user_id: Option<RawId>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl From<RawProfile> for Profile {
    fn from(raw: RawProfile) -> Self {
        let text = |field: &TextField| Some((*field, raw.fields.get(field.key())?.as_str()?.to_owned()));
        let list = |field: &ListField| match raw.fields.get(field.key())? {
            Value::String(one) => Some((*field, vec![one.clone()])),
            Value::Array(many) => {
                Some((*field, many.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()))
            }
            _ => None,
        };
        Self {
            user_id: raw.user_id.map(|id| UserId(id.0)),
            texts: TextField::ALL.iter().filter_map(text).collect(),
            lists: ListField::ALL.iter().filter_map(list).collect(),
        }
    }
}
