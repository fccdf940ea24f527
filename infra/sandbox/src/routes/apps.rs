//! Apps: reading one.

use serde_json::{Map, Value, json};

use super::{Context, Outcome, Reply, id};
use crate::ids::AppId;
use crate::refusal::Refusal;
use crate::state::{App, Field, FieldKind};

pub(super) fn answer(context: &mut Context<'_>, method: &str, path: &[&str]) -> Option<Outcome> {
    match (method, path) {
        ("GET", ["app", app]) => Some(one(context, AppId(id(app)?))),
        _ => None,
    }
}

fn one(context: &Context<'_>, app_id: AppId) -> Outcome {
    let app = context.readable_app(app_id)?;
    let fields = app.fields.iter().map(|field| {
        json!({
            "field_id": field.field_id, "external_id": field.external_id, "type": field.kind.name(),
            "label": field.label, "status": "active", "config": config(field),
        })
    });
    Ok(Reply::json(json!({
        "app_id": app_id, "space_id": app.space_id, "status": "active",
        "config": {"name": app.name, "item_name": app.name, "type": "standard"},
        "link": format!("https://podio.com/example-works/apps/{app_id}"),
        "created_on": context.date(app.created_on),
        "fields": fields.collect::<Vec<_>>(),
    })))
}

/// The settings of a field.
pub(super) fn config(field: &Field) -> Value {
    let settings = match &field.kind {
        FieldKind::Category { options } => {
            let options = options.iter().map(|(id, text)| json!({"id": id, "text": text, "status": "active"}));
            json!({"options": options.collect::<Vec<_>>(), "multiple": false})
        }
        FieldKind::Text | FieldKind::Email | FieldKind::Contact | FieldKind::Date => Value::Object(Map::new()),
    };
    json!({"label": field.label, "settings": settings})
}

impl Context<'_> {
    /// The app must exist and the caller see its space.
    pub(super) fn readable_app(&self, app_id: AppId) -> Result<&App, Refusal> {
        let app = self.state.apps.get(&app_id).ok_or_else(Refusal::object_not_found)?;
        self.readable_space(app.space_id)?;
        Ok(app)
    }
}
