//! Apps: the tables of a space, as far as items need them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::State;
use crate::ids::{AppId, FieldId, SpaceId};

/// An app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct App {
    /// The space it is in.
    pub space_id: SpaceId,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_on: Timestamp,
    /// Its fields, in the order of the form.
    pub fields: Vec<Field>,
}

/// One field of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its id.
    pub field_id: FieldId,
    /// The name that programs use.
    pub external_id: String,
    /// The name that people see.
    pub label: String,
    /// What it holds.
    pub kind: FieldKind,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FieldKind {
    /// Plain text.
    Text,
    /// Addresses, each with a kind such as `work`.
    Email,
    /// People.
    Contact,
    /// A day, maybe with a time.
    Date,
    /// One of a list.
    Category {
        /// Texts by number; the number is what is sent.
        options: BTreeMap<u64, String>,
    },
}

impl FieldKind {
    /// What Podio calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Email => "email",
            Self::Contact => "contact",
            Self::Date => "date",
            Self::Category { .. } => "category",
        }
    }
}

/// A field that is yet to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewField {
    /// The name that programs use.
    pub external_id: String,
    /// What it holds.
    #[serde(flatten)]
    pub kind: FieldKind,
}

impl NewField {
    /// A field of that kind.
    pub fn new(external_id: &str, kind: FieldKind) -> Self {
        Self { external_id: external_id.to_owned(), kind }
    }

    /// A field of one choice; the options are numbered from 1.
    pub fn category<'a>(external_id: &str, options: impl IntoIterator<Item = &'a str>) -> Self {
        let options = (1..).zip(options.into_iter().map(str::to_owned)).collect();
        Self::new(external_id, FieldKind::Category { options })
    }
}

impl App {
    /// The field of that external id.
    pub fn field(&self, external_id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.external_id == external_id)
    }
}

impl State {
    /// Makes an app in a space, and tells its hooks.
    pub fn create_app(&mut self, now: Timestamp, space_id: SpaceId, name: &str, fields: Vec<NewField>) -> AppId {
        let app_id = AppId(self.fresh_id());
        let fields = fields.into_iter().map(|NewField { external_id, kind }| {
            let label = label(&external_id);
            Field { field_id: FieldId(self.fresh_id()), external_id, label, kind }
        });
        let app = App { space_id, name: name.to_owned(), created_on: now, fields: fields.collect() };
        self.apps.insert(app_id, app);
        self.tell_of_app(now, space_id, app_id);
        app_id
    }
}

/// `last-day` is shown as "Last day".
fn label(external_id: &str) -> String {
    let words = external_id.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
