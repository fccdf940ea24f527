//! A user as SCIM shows it.

use lambda_http::Request;
use podio_lifecycle::scim::{CORE_USER, Email, Name, ScimUser, Wish};
use serde_json::{Map, Value, json};

use crate::route::ROOT;

/// What the door's addresses begin with. Where the request does not say for which host it is, they begin with the path.
pub(crate) fn root(request: &Request, base: &str) -> String {
    let Some(host) = request.uri().authority().map(|authority| authority.as_str()) else {
        return format!("{base}{ROOT}");
    };
    let forwarded = request.headers().get("x-forwarded-proto").and_then(|scheme| scheme.to_str().ok());
    let is_local = ["127.0.0.1", "localhost", "[::1]"].iter().any(|local| host.starts_with(local));
    let scheme = match forwarded {
        Some("http") => "http",
        None if is_local => "http",
        _ => "https",
    };
    format!("{scheme}://{host}{base}{ROOT}")
}

/// Where a user is found.
pub(crate) fn location(root: &str, user: &ScimUser) -> String {
    format!("{root}/Users/{}", user.id)
}

/// A user as it was provisioned.
pub(crate) fn user(root: &str, user: &ScimUser) -> Value {
    shown(root, user, &user.wish)
}

/// A user in a list. Providers that import users need a name in parts and an address, so what is not there is made of what is.
pub(crate) fn listed(root: &str, user: &ScimUser) -> Value {
    let wish = &user.wish;
    let whole = [&wish.name.formatted, &wish.display_name].into_iter().flatten().next().unwrap_or(&wish.user_name);
    let mut words = whole.split_whitespace();
    let first = words.next().unwrap_or(&wish.user_name).to_owned();
    let rest = words.collect::<Vec<_>>().join(" ");
    let last = if rest.is_empty() { first.clone() } else { rest };
    let name = Name {
        given: wish.name.given.clone().or(Some(first)),
        family: wish.name.family.clone().or(Some(last)),
        formatted: wish.name.formatted.clone(),
    };
    let mut emails = wish.emails.clone();
    if emails.is_empty() {
        emails.push(Email { value: wish.user_name.clone(), kind: Some("work".to_owned()), primary: Some(true) });
    }
    shown(root, user, &Wish { name, emails, ..wish.clone() })
}

fn shown(root: &str, user: &ScimUser, wish: &Wish) -> Value {
    let mut shown = json!({
        "schemas": [CORE_USER], "id": user.id.as_str(), "userName": wish.user_name, "active": wish.active,
        "meta": {
            "resourceType": "User", "created": user.created_at.to_string(), "lastModified": user.modified_at.to_string(),
            "location": location(root, user),
        },
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            shown[name] = value;
        }
    };
    let text = |text: &Option<String>| text.clone().map(Value::String);
    add("externalId", text(&wish.external_id));
    add("displayName", text(&wish.display_name));
    let parts =
        [("formatted", &wish.name.formatted), ("givenName", &wish.name.given), ("familyName", &wish.name.family)];
    let parts: Map<String, Value> =
        parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), text(part)?))).collect();
    add("name", (!parts.is_empty()).then_some(Value::Object(parts)));
    let emails: Vec<Value> = wish.emails.iter().map(email).collect();
    add("emails", (!emails.is_empty()).then_some(Value::Array(emails)));
    shown
}

fn email(email: &Email) -> Value {
    let mut shown = json!({"value": email.value});
    if let Some(kind) = &email.kind {
        shown["type"] = kind.clone().into();
    }
    if let Some(primary) = email.primary {
        shown["primary"] = primary.into();
    }
    shown
}
