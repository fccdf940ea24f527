//! Items: the rows of an app.
//!
//! Everything in an item is somebody's input, so every part of it may be missing, null or of another kind; what cannot be
//! read is absent.

use std::fmt;

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
};
use podio_lifecycle::ids::{AppId, ItemId, UserId};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    date,
    request::Request,
    tolerant::{self, RawId},
};

/// One item: `GET /item/{item_id}`.
///
/// Source: developers.podio.com/doc/items/get-item-22360.
pub fn get(item: ItemId) -> Request<Item> {
    Request::get("/item/{item_id}", &[&item])
}

/// An item. `Debug` shows no value.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(from = "RawItem")]
pub struct Item {
    /// The id.
    pub item_id: ItemId,
    /// The app that it is in.
    pub app_id: Option<AppId>,
    /// How often it was changed.
    pub revision: Option<u64>,
    /// Its fields; one without a value is left out.
    pub fields: Vec<Field>,
}

impl Item {
    /// The field of that external id.
    pub fn field(&self, external_id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.external_id == external_id)
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item")
            .field("item_id", &self.item_id)
            .field("app_id", &self.app_id)
            .field("revision", &self.revision)
            .field("fields", &self.fields)
            .finish()
    }
}

/// One field of an item. `Debug` shows no value.
#[derive(Clone, PartialEq)]
pub struct Field {
    /// The name that programs use.
    pub external_id: String,
    /// What it holds: `text`, `email`, `contact`, `date`, `category`, …
    pub kind: Option<String>,
    values: Vec<Value>,
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field")
            .field("external_id", &self.external_id)
            .field("kind", &self.kind)
            .field("values", &self.values.len())
            .finish()
    }
}

/// Somebody whom a field names. `Debug` shows no address.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// The account, where there is one: a contact of a space has none.
    pub user_id: Option<UserId>,
    /// The addresses that the profile shows.
    pub mails: Vec<String>,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// The beginning of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A day without a time.
    Day(Date),
    /// A moment.
    Moment(Timestamp),
    /// A time as the clock on somebody's wall shows it.
    Local(DateTime),
}

impl Field {
    /// Its texts, without HTML.
    pub fn texts(&self) -> Vec<String> {
        self.inner().filter_map(Value::as_str).map(plain).filter(|text| !text.is_empty()).collect()
    }

    /// Its addresses: of a field of addresses, or of text.
    pub fn emails(&self) -> Vec<String> {
        self.texts()
    }

    /// The people whom it names.
    pub fn contacts(&self) -> Vec<Contact> {
        self.inner().filter_map(contact).collect()
    }

    /// The beginnings of its dates.
    pub fn starts(&self) -> Vec<Start> {
        self.values.iter().filter_map(start).collect()
    }

    /// The texts of its choices.
    pub fn choices(&self) -> Vec<String> {
        self.inner().filter_map(|value| value.get("text")?.as_str()).map(plain).collect()
    }

    /// What each value wraps.
    fn inner(&self) -> impl Iterator<Item = &Value> {
        self.values.iter().filter_map(|value| value.get("value"))
    }
}

fn contact(value: &Value) -> Option<Contact> {
    let fields = value.as_object()?;
    let user_id = fields.get("user_id").and_then(|id| serde_json::from_value::<RawId>(id.clone()).ok());
    let mails = fields.get("mail").map(|mail| tolerant::mails(mail.clone()).unwrap_or_default()).unwrap_or_default();
    let contact = Contact { user_id: user_id.map(|id| UserId(id.0)), mails };
    (contact != Contact::default()).then_some(contact)
}

/// Podio tells a date several times over. `start_time` says whether there is a time at all; `start_utc` is the moment
/// where there is one; `start` is what the caller's clock shows.
fn start(value: &Value) -> Option<Start> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let local = text("start").and_then(|text| DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok());
    let bare = text("start").and_then(|text| Date::strptime("%Y-%m-%d", text).ok());
    let day = text("start_date").and_then(|text| Date::strptime("%Y-%m-%d", text).ok());
    let day = day.or(bare).or(local.map(DateTime::date));
    let time = text("start_time").and_then(|text| Time::strptime("%H:%M:%S", text).ok());
    // Where nothing is said of a time, midnight is what a day without one is padded with.
    let said = value.get("start_time").is_some();
    let padded = local.is_none_or(|local| local.time() == Time::midnight());
    if time.is_none() && (said || padded) {
        return day.map(Start::Day);
    }
    if let Some(moment) = text("start_utc").and_then(date::parse) {
        return Some(Start::Moment(moment));
    }
    local.or_else(|| Some(day?.to_datetime(time?))).map(Start::Local)
}

/// Text as people read it: rich text comes as HTML.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        plain.push_str(before);
        let is_tag = tag.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '/' || letter == '!');
        match tag.split_once('>').filter(|_| is_tag) {
            Some((name, after)) => {
                let breaks = ["br", "p", "/p", "div", "/div", "li", "/li"];
                if breaks.contains(&name.split([' ', '/']).next().filter(|name| !name.is_empty()).unwrap_or(name)) {
                    plain.push(' ');
                }
                rest = after;
            }
            None => {
                plain.push('<');
                rest = tag;
            }
        }
    }
    plain.push_str(rest);
    for (entity, letter) in
        [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
    {
        plain = plain.replace(entity, letter);
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Deserialize)]
struct RawItem {
    item_id: RawId,
    #[serde(default, deserialize_with = "tolerant::lenient")]
    app: Option<RawApp>,
    #[serde(default, deserialize_with = "tolerant::lenient")]
    current_revision: Option<RawRevision>,
    #[serde(default, deserialize_with = "tolerant::lenient")]
    revision: Option<u64>,
    #[serde(default, deserialize_with = "tolerant::lenient")]
    fields: Option<Vec<Value>>,
    #[serde(flatten)]
    _object: tolerant::ObjectOnly,
}

#[derive(Deserialize)]
struct RawApp {
    app_id: RawId,
}

#[derive(Deserialize)]
struct RawRevision {
    revision: u64,
}

impl From<RawItem> for Item {
    fn from(raw: RawItem) -> Self {
        Self {
            item_id: ItemId(raw.item_id.0),
            app_id: raw.app.map(|app| AppId(app.app_id.0)),
            revision: raw.current_revision.map(|current| current.revision).or(raw.revision),
            fields: raw.fields.unwrap_or_default().into_iter().filter_map(field).collect(),
        }
    }
}

fn field(raw: Value) -> Option<Field> {
    let external_id = raw.get("external_id")?.as_str()?.to_owned();
    let kind = raw.get("type").and_then(Value::as_str).map(str::to_owned);
    let values = raw.get("values").and_then(Value::as_array).cloned().unwrap_or_default();
    Some(Field { external_id, kind, values })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rich_text_is_read_as_people_read_it() {
        assert_eq!(plain("<p>End of <b>contract</b></p><p>R&amp;D &lt;3&nbsp;</p>"), "End of contract R&D <3");
        assert_eq!(plain("1 < 2 and 3 > 2"), "1 < 2 and 3 > 2");
        assert_eq!(plain("one<br/>two <unfinished"), "one two <unfinished");
    }

    #[test]
    fn a_day_is_told_from_a_moment() {
        let day = |text: &str| text.parse().map(Start::Day).ok();
        let today = json!({"start": "2026-12-01 00:00:00", "start_date": "2026-12-01", "start_time": null, "start_utc": "2026-12-01"});
        assert_eq!(start(&today), day("2026-12-01"));
        assert_eq!(start(&json!({"start": "2026-12-01"})), day("2026-12-01"));
        assert_eq!(start(&json!({"start": "2026-12-01 00:00:00"})), day("2026-12-01"));
        let moment =
            json!({"start": "2026-12-01 18:00:00", "start_time": "18:00:00", "start_utc": "2026-12-01 17:00:00"});
        assert_eq!(start(&moment), "2026-12-01T17:00:00Z".parse().map(Start::Moment).ok());
        let local = "2026-12-01T18:00:00".parse().map(Start::Local).ok();
        assert_eq!(start(&json!({"start": "2026-12-01 18:00:00"})), local);
        assert_eq!(start(&json!({"start_date": "2026-12-01", "start_time": "18:00:00"})), local);
        for nothing in
            [json!({}), json!({"start": null}), json!({"start": "soon"}), json!(7), json!({"start_time": "18:00:00"})]
        {
            assert_eq!(start(&nothing), None, "{nothing}");
        }
    }
}
