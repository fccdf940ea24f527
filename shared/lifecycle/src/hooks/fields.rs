//! What a body says, as names and texts, whatever it was encoded in.

use std::{collections::BTreeMap, str::FromStr};

/// The fields of one body. Where a name comes twice, the first counts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<String, String>);

impl Fields {
    /// A field's text, if there is one that is not blank.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// A field that parses; what does not is as good as absent.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

impl FromIterator<(String, String)> for Fields {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(fields: I) -> Self {
        let mut first = BTreeMap::new();
        for (name, text) in fields {
            first.entry(name).or_insert(text);
        }
        Self(first)
    }
}

/// The names alone: a code, or whatever else a stranger may put into a field, does not belong into a log.
impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fields({})", self.0.len())
    }
}
