//! Items of an app: creating, reading, changing, deleting.

use serde_json::{Value, json};

use super::apps::config;
use super::paging::integer;
use super::{Context, Outcome, Reply, id, present};
use crate::ids::{AppId, ItemId, UserId};
use crate::log::Effect;
use crate::refusal::Refusal;
use crate::state::{Field, FieldKind, FieldValue, Item, ItemRefused};

pub(super) fn answer(context: &mut Context<'_>, method: &str, path: &[&str]) -> Option<Outcome> {
    let ["item", rest @ ..] = path else { return None };
    match (method, rest) {
        ("POST", ["app", app, ""]) => Some(create(context, AppId(id(app)?))),
        ("GET", [item]) => Some(one(context, ItemId(id(item)?))),
        ("PUT", [item]) => Some(update(context, ItemId(id(item)?))),
        ("DELETE", [item]) => Some(delete(context, ItemId(id(item)?))),
        _ => None,
    }
}

fn refused(refusal: ItemRefused) -> Refusal {
    match refusal {
        ItemRefused::Missing => Refusal::object_not_found(),
        other => Refusal::invalid_value(format!("of fields: {other}")),
    }
}

/// The item must be there and the caller see its space.
fn readable<'a>(context: &'a Context<'_>, item_id: ItemId) -> Result<&'a Item, Refusal> {
    let item = context.state.items.get(&item_id).ok_or_else(Refusal::object_not_found)?;
    context.readable_app(item.app_id)?;
    present(item.deleted_on, context.state.switches.deleted_item).map(|()| item)
}

fn fields(body: &Value) -> Result<&Value, Refusal> {
    match body.get("fields") {
        Some(fields) if fields.is_object() => Ok(fields),
        None | Some(_) => Err(Refusal::invalid_value("of fields: must be object")),
    }
}

fn create(context: &mut Context<'_>, app_id: AppId) -> Outcome {
    context.readable_app(app_id)?;
    let body = context.body()?;
    let external_id = body.get("external_id").and_then(Value::as_str);
    let item_id = context.state.create_item(context.now, app_id, external_id, fields(&body)?).map_err(refused)?;
    context.effects.push(Effect::ItemCreated { item_id });
    let title = context.state.items.get(&item_id).map(|item| context.state.item_title(item));
    Ok(Reply::json(json!({"item_id": item_id, "title": title, "revision": 0})))
}

/// Fields that are not sent stay. A revision that is sent must be the current one.
fn update(context: &mut Context<'_>, item_id: ItemId) -> Outcome {
    let current = readable(context, item_id)?.revision;
    let body = context.body()?;
    if integer(&body, "revision")?.is_some_and(|expected| expected != current) {
        return Err(Refusal::conflict());
    }
    let revision = context.state.update_item(context.now, item_id, fields(&body)?).map_err(refused)?;
    context.effects.push(Effect::ItemUpdated { item_id });
    let title = context.state.items.get(&item_id).map(|item| context.state.item_title(item));
    Ok(Reply::json(json!({"revision": revision, "title": title})))
}

fn delete(context: &mut Context<'_>, item_id: ItemId) -> Outcome {
    readable(context, item_id)?;
    context.state.delete_item(context.now, item_id).map_err(refused)?;
    context.effects.push(Effect::ItemDeleted { item_id });
    Ok(context.written())
}

fn one(context: &Context<'_>, item_id: ItemId) -> Outcome {
    let item = readable(context, item_id)?;
    let app = context.readable_app(item.app_id)?;
    let fields = app.fields.iter().filter_map(|field| {
        let values = item.values.get(&field.field_id)?.iter().map(|value| shape(context, field, value));
        Some(json!({
            "field_id": field.field_id, "external_id": field.external_id, "type": field.kind.name(),
            "label": field.label, "values": values.collect::<Vec<_>>(), "config": config(field),
        }))
    });
    let revision = |revision: u64| json!({"revision": revision, "created_on": context.date(item.created_on)});
    Ok(Reply::json(json!({
        "item_id": item_id,
        "app": {"app_id": item.app_id, "space_id": app.space_id, "name": app.name, "status": "active"},
        "external_id": item.external_id,
        "title": context.state.item_title(item),
        "revision": item.revision,
        "initial_revision": revision(0),
        "current_revision": revision(item.revision),
        "created_on": context.date(item.created_on),
        "link": format!("https://podio.com/example-works/apps/{}/items/{item_id}", item.app_id),
        "fields": fields.collect::<Vec<_>>(),
    })))
}

/// One value as an item shows it.
fn shape(context: &Context<'_>, field: &Field, value: &FieldValue) -> Value {
    match value {
        FieldValue::Text { text } => json!({"value": text}),
        FieldValue::Email { kind, mail } => json!({"type": kind, "value": mail}),
        FieldValue::Contact { user_id } => json!({"value": contact(context, *user_id)}),
        FieldValue::Date { day, time } => {
            // The caller's time zone is UTC, so both kinds of start are the same.
            let (day, time) = (day.to_string(), time.map(|time| time.strftime("%H:%M:%S").to_string()));
            let start = format!("{day} {}", time.as_deref().unwrap_or("00:00:00"));
            json!({
                "start": start, "start_date": day, "start_time": time,
                "start_utc": if time.is_some() { &start } else { &day }, "start_date_utc": day, "start_time_utc": time,
                "end": null,
            })
        }
        FieldValue::Category { option } => {
            let text = match &field.kind {
                FieldKind::Category { options } => options.get(option).map(String::as_str),
                FieldKind::Text | FieldKind::Email | FieldKind::Contact | FieldKind::Date => None,
            };
            json!({"value": {"id": option, "text": text, "status": "active"}})
        }
    }
}

/// A contact is a profile, whatever a list of members makes of one.
fn contact(context: &Context<'_>, user_id: UserId) -> Value {
    let person = context.state.people.get(&user_id);
    json!({
        "user_id": user_id,
        "profile_id": person.map(|person| person.profile_id),
        "name": person.map(|person| person.name.as_str()),
        "mail": person.iter().map(|person| person.mail.as_str()).collect::<Vec<_>>(),
        "type": "user",
    })
}
