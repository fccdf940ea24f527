//! What a hook hangs on.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ids::{AppId, SpaceId};

/// The longest name of a type that is taken for one.
const LONGEST_TYPE: usize = 40;

/// An object that hooks can be registered on: its type, in Podio's word, and its id. Written `space/123`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HookRef {
    /// The type.
    pub ref_type: RefType,
    /// The id.
    pub ref_id: u64,
}

/// The type of an object. Apps, their fields and spaces are documented to have hooks; others are not ruled out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RefType {
    /// A space.
    Space,
    /// An app.
    App,
    /// A field of an app.
    AppField,
    /// An organization.
    Org,
    /// An item.
    Item,
    /// Another word of Podio's.
    Other(String),
}

/// Text that does not name an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a type and an id, such as space/123")]
pub struct NotARef;

impl HookRef {
    /// A space.
    pub fn space(id: SpaceId) -> Self {
        Self { ref_type: RefType::Space, ref_id: id.0 }
    }

    /// An app.
    pub fn app(id: AppId) -> Self {
        Self { ref_type: RefType::App, ref_id: id.0 }
    }

    /// The space, if it is one.
    pub fn as_space(&self) -> Option<SpaceId> {
        (self.ref_type == RefType::Space).then_some(SpaceId(self.ref_id))
    }

    /// The app, if it is one.
    pub fn as_app(&self) -> Option<AppId> {
        (self.ref_type == RefType::App).then_some(AppId(self.ref_id))
    }
}

impl fmt::Display for HookRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ref_type.as_str(), self.ref_id)
    }
}

impl FromStr for HookRef {
    type Err = NotARef;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (ref_type, ref_id) = text.split_once('/').ok_or(NotARef)?;
        // A number is written in one way only: the key of an address depends on it.
        let id: u64 = ref_id.parse().map_err(|_| NotARef)?;
        if id.to_string() != ref_id {
            return Err(NotARef);
        }
        Ok(Self { ref_type: ref_type.parse()?, ref_id: id })
    }
}

impl RefType {
    /// The word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Space => "space",
            Self::App => "app",
            Self::AppField => "app_field",
            Self::Org => "org",
            Self::Item => "item",
            Self::Other(word) => word,
        }
    }
}

impl FromStr for RefType {
    type Err = NotARef;
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        Ok(match word {
            "space" => Self::Space,
            "app" => Self::App,
            "app_field" => Self::AppField,
            "org" => Self::Org,
            "item" => Self::Item,
            word if !word.is_empty() && word.len() <= LONGEST_TYPE && is_word(word) => Self::Other(word.to_owned()),
            _ => return Err(NotARef),
        })
    }
}

impl TryFrom<String> for RefType {
    type Error = NotARef;
    fn try_from(word: String) -> Result<Self, Self::Error> {
        word.parse()
    }
}

impl From<RefType> for String {
    fn from(ref_type: RefType) -> Self {
        ref_type.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_written_in_one_way_only() {
        for text in ["space/123", "app/1", "app_field/7", "org/18446744073709551615", "item/0", "contact/5"] {
            assert_eq!(text.parse::<HookRef>().map(|on| on.to_string()).as_deref(), Ok(text));
        }
        for wrong in
            ["", "space", "space/", "/1", "space/0123", "space/+1", "Space/1", "spa ce/1", "space/1/2", "space/x"]
        {
            assert_eq!(wrong.parse::<HookRef>(), Err(NotARef), "{wrong}");
        }
        let long = format!("{}/1", "a".repeat(LONGEST_TYPE + 1));
        assert_eq!(long.parse::<HookRef>(), Err(NotARef));
        assert_eq!("space/18446744073709551616".parse::<HookRef>(), Err(NotARef));
    }
}
