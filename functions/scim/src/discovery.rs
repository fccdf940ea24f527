//! What the server can do, in SCIM's own documents: exactly what is implemented, and nothing else.

use lambda_http::http::StatusCode;
use podio_lifecycle::scim::CORE_USER;
use serde_json::{Value, json};

use crate::{Exchange, answer::Answer, parameters::MOST_RESULTS, problem::Problem};

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const PROVIDER_CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// `GET /ServiceProviderConfig`
pub(crate) fn config(exchange: &Exchange<'_>) -> Answer {
    let no = json!({"supported": false});
    answer(&json!({
        "schemas": [PROVIDER_CONFIG],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": MOST_RESULTS},
        "changePassword": no, "sort": no, "etag": no,
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "Bearer token", "description": "A token of SCIM_TOKENS.", "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig", "location": format!("{}/ServiceProviderConfig", exchange.root),
        },
    }))
}

/// `GET /ResourceTypes`
pub(crate) fn resource_types(exchange: &Exchange<'_>) -> Answer {
    listed(vec![user_type(exchange)])
}

/// `GET /ResourceTypes/{name}`
pub(crate) fn resource_type(exchange: &Exchange<'_>, name: &str) -> Result<Answer, Problem> {
    if name == "User" { Ok(answer(&user_type(exchange))) } else { Err(Problem::NoSuchResource) }
}

/// `GET /Schemas`
pub(crate) fn schemas(exchange: &Exchange<'_>) -> Answer {
    listed(vec![user_schema(exchange)])
}

/// `GET /Schemas/{urn}`
pub(crate) fn schema(exchange: &Exchange<'_>, urn: &str) -> Result<Answer, Problem> {
    if urn.eq_ignore_ascii_case(CORE_USER) { Ok(answer(&user_schema(exchange))) } else { Err(Problem::NoSuchResource) }
}

fn answer(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}

fn listed(resources: Vec<Value>) -> Answer {
    answer(&json!({
        "schemas": [LIST_RESPONSE], "totalResults": resources.len(), "startIndex": 1, "itemsPerPage": resources.len(),
        "Resources": resources,
    }))
}

fn user_type(exchange: &Exchange<'_>) -> Value {
    json!({
        "schemas": [RESOURCE_TYPE], "id": "User", "name": "User", "description": "A user who may have access to Podio",
        "endpoint": "/Users", "schema": CORE_USER,
        "meta": {"resourceType": "ResourceType", "location": format!("{}/ResourceTypes/User", exchange.root)},
    })
}

fn user_schema(exchange: &Exchange<'_>) -> Value {
    let text = |name: &str, description: &str| attribute(name, "string", description);
    let mut user_name = text("userName", "The provider's name of the user");
    user_name["required"] = true.into();
    user_name["uniqueness"] = "server".into();
    let mut active = attribute("active", "boolean", "Whether the user may have access; false starts the offboarding");
    active["required"] = true.into();
    let mut name = attribute("name", "complex", "The name in its parts");
    name["subAttributes"] = json!([
        text("formatted", "The whole name"),
        text("familyName", "The family name"),
        text("givenName", "The given name"),
    ]);
    let mut kind = text("type", "What the address is for; the one for work is looked for in Podio");
    kind["canonicalValues"] = json!(["work", "home", "other"]);
    let mut emails = attribute("emails", "complex", "Addresses");
    emails["multiValued"] = true.into();
    emails["subAttributes"] =
        json!(
            [text("value", "The address"), kind, attribute("primary", "boolean", "Whether it is the preferred one"),]
        );
    json!({
        "schemas": [SCHEMA], "id": CORE_USER, "name": "User", "description": "A user who may have access to Podio",
        "attributes": [user_name, name, text("displayName", "The name as people see it"), emails, active],
        "meta": {"resourceType": "Schema", "location": format!("{}/Schemas/{CORE_USER}", exchange.root)},
    })
}

fn attribute(name: &str, kind: &str, description: &str) -> Value {
    let mut attribute = json!({
        "name": name, "type": kind, "description": description, "multiValued": false, "required": false,
        "mutability": "readWrite", "returned": "default",
    });
    if kind == "string" {
        attribute["caseExact"] = false.into();
    }
    if kind != "boolean" {
        attribute["uniqueness"] = "none".into();
    }
    attribute
}
