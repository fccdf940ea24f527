//! Items: the rows of an app. A revision counts the changes of one item, from 0.
//!
//! Values come in as Podio takes them: by external id, one or a list, short (`"text"`) or in full (`{"value": "text"}`).
//! A deleted item is kept, so that its answer can be told from that of one that never was.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{App, Field, FieldKind, State};
use crate::ids::{AppId, FieldId, ItemId, UserId};

/// An item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Item {
    /// The app it is in.
    pub app_id: AppId,
    /// An id that another system gave it.
    pub external_id: Option<String>,
    /// How often it was changed.
    pub revision: u64,
    /// Its values; a field without any is left out.
    pub values: BTreeMap<FieldId, Vec<Value>>,
    /// When it was made.
    pub created_on: Timestamp,
    /// When it was deleted; none while it is there.
    pub deleted_on: Option<Timestamp>,
}

/// One value of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Value {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// An address.
    Email {
        /// `work`, `home` or `other`.
        kind: String,
        /// The address.
        mail: String,
    },
    /// Somebody with an account.
    Contact {
        /// Who.
        user_id: UserId,
    },
    /// A day, maybe with a time, in UTC.
    Date {
        /// The day.
        day: Date,
        /// The time, where there is one.
        time: Option<Time>,
    },
    /// One of the field's options.
    Category {
        /// Its number.
        option: u64,
    },
}

/// Why an item was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ItemRefused {
    /// The app or the item is not there.
    #[error("there is no such app or item")]
    Missing,
    /// The app has no field of that external id.
    #[error("the app has no field {0:?}")]
    UnknownField(String),
    /// A value that the field cannot hold.
    #[error("field {0:?} cannot hold this value")]
    InvalidValue(String),
}

impl State {
    /// Makes an item from values by external id, and tells the app's hooks.
    pub fn create_item(
        &mut self,
        now: Timestamp,
        app_id: AppId,
        external_id: Option<&str>,
        fields: &Json,
    ) -> Result<ItemId, ItemRefused> {
        let app = self.apps.get(&app_id).ok_or(ItemRefused::Missing)?;
        let mut values = self.values(app, fields)?;
        values.retain(|_, values| !values.is_empty());
        let filled: Vec<FieldId> = values.keys().copied().collect();
        let item_id = ItemId(self.fresh_id());
        let external_id = external_id.map(str::to_owned);
        let item = Item { app_id, external_id, revision: 0, values, created_on: now, deleted_on: None };
        self.items.insert(item_id, item);
        self.tell_of_item(now, item_id, "item.create", &filled);
        Ok(item_id)
    }

    /// Changes the values that are given; an empty list takes a field's values away. Answers the new revision.
    pub fn update_item(&mut self, now: Timestamp, item_id: ItemId, fields: &Json) -> Result<u64, ItemRefused> {
        let item = self.items.get(&item_id).filter(|item| item.deleted_on.is_none()).ok_or(ItemRefused::Missing)?;
        let app = self.apps.get(&item.app_id).ok_or(ItemRefused::Missing)?;
        let values = self.values(app, fields)?;
        let item = self.items.get_mut(&item_id).ok_or(ItemRefused::Missing)?;
        let mut changed = Vec::new();
        for (field_id, new) in values {
            if item.values.get(&field_id).map_or(&[][..], Vec::as_slice) != new {
                changed.push(field_id);
            }
            match new.is_empty() {
                true => drop(item.values.remove(&field_id)),
                false => drop(item.values.insert(field_id, new)),
            }
        }
        item.revision += 1;
        let revision = item.revision;
        self.tell_of_item(now, item_id, "item.update", &changed);
        Ok(revision)
    }

    /// Deletes an item.
    pub fn delete_item(&mut self, now: Timestamp, item_id: ItemId) -> Result<(), ItemRefused> {
        let item = self.items.get_mut(&item_id).filter(|item| item.deleted_on.is_none());
        let item = item.ok_or(ItemRefused::Missing)?;
        item.deleted_on = Some(now);
        let filled: Vec<FieldId> = item.values.keys().copied().collect();
        self.tell_of_item(now, item_id, "item.delete", &filled);
        Ok(())
    }

    /// The title of an item: its first text.
    pub fn item_title<'a>(&self, item: &'a Item) -> &'a str {
        let fields = self.apps.get(&item.app_id).into_iter().flat_map(|app| &app.fields);
        let values = fields.filter_map(|field| item.values.get(&field.field_id)).flatten();
        let mut texts = values.filter_map(|value| match value {
            Value::Text { text } => Some(text.as_str()),
            _ => None,
        });
        texts.next().unwrap_or_default()
    }

    fn values(&self, app: &App, fields: &Json) -> Result<BTreeMap<FieldId, Vec<Value>>, ItemRefused> {
        let mut values = BTreeMap::new();
        for (external_id, given) in fields.as_object().into_iter().flatten() {
            let unknown = || ItemRefused::UnknownField(external_id.clone());
            let field = app.field(external_id).ok_or_else(unknown)?;
            let given = match given {
                Json::Array(list) => list.as_slice(),
                Json::Null => &[],
                one => std::slice::from_ref(one),
            };
            let read: Option<Vec<Value>> = given.iter().map(|one| self.value(field, one)).collect();
            let read = read.ok_or_else(|| ItemRefused::InvalidValue(external_id.clone()))?;
            values.insert(field.field_id, read);
        }
        Ok(values)
    }

    fn value(&self, field: &Field, given: &Json) -> Option<Value> {
        let inner = given.get("value").unwrap_or(given);
        match &field.kind {
            FieldKind::Text => Some(Value::Text { text: inner.as_str()?.to_owned() }),
            FieldKind::Email => {
                let kind = given.get("type").map_or(Some("other"), Json::as_str)?;
                Some(Value::Email { kind: kind.to_owned(), mail: inner.as_str()?.to_owned() })
            }
            FieldKind::Contact => self.contact(inner).map(|user_id| Value::Contact { user_id }),
            FieldKind::Date => date(given),
            FieldKind::Category { options } => category(options, inner),
        }
    }

    /// A profile's id, or `{type: "user" | "profile" | "mail", id}`.
    fn contact(&self, given: &Json) -> Option<UserId> {
        let profile = |id: u64| self.people.iter().find(|(_, person)| person.profile_id == id).map(|(user, _)| *user);
        if let Some(id) = given.as_u64() {
            return profile(id);
        }
        let id = given.get("id")?;
        match given.get("type")?.as_str()? {
            "profile" => profile(id.as_u64()?),
            "user" => Some(UserId(id.as_u64()?)).filter(|user_id| self.people.contains_key(user_id)),
            "mail" => self.person_by_mail(id.as_str()?),
            _ => None,
        }
    }
}

/// `"2026-12-01"`, `"2026-12-01 17:00:00"`, or either as `start`; `start_date` with or without `start_time` as well.
fn date(given: &Json) -> Option<Value> {
    let text = |name: &str| given.get(name).and_then(Json::as_str);
    if let Some(day) = text("start_date") {
        let time = text("start_time").map(|time| time.parse().ok());
        return Some(Value::Date { day: day.parse().ok()?, time: time.map_or(Some(None), |time| time.map(Some))? });
    }
    let start = given.as_str().or_else(|| text("start").or_else(|| text("start_utc")))?;
    match start.len() {
        10 => Some(Value::Date { day: start.parse().ok()?, time: None }),
        _ => {
            let start: DateTime = start.parse().ok()?;
            Some(Value::Date { day: start.date(), time: Some(start.time()) })
        }
    }
}

/// An option's number or its text.
fn category(options: &BTreeMap<u64, String>, given: &Json) -> Option<Value> {
    let named = |name: &str| options.iter().find(|(_, text)| text.as_str() == name).map(|(option, _)| *option);
    let option = match given {
        Json::Number(number) => number.as_u64().filter(|option| options.contains_key(option)),
        Json::String(name) => named(name),
        _ => given.get("id")?.as_u64().filter(|option| options.contains_key(option)),
    };
    option.map(|option| Value::Category { option })
}
