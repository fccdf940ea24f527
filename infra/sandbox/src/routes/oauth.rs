//! Tokens and scopes.
//!
//! `/oauth/token` reads a form and `/oauth/token/v2` reads JSON; each takes the other's encoding for an empty body.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Context, Outcome, Reply};
use crate::ids::UserId;
use crate::log::Effect;
use crate::refusal::Refusal;
use crate::state::State;
use crate::switches::{Acceptance, Part, PasswordGrant, TokenEndpoints};

type Fields = BTreeMap<String, String>;

pub(super) fn answer(context: &mut Context<'_>, method: &str, path: &[&str]) -> Option<Outcome> {
    let endpoints = context.state.switches.token_endpoints;
    match (method, path) {
        ("POST", ["oauth", "token"]) if endpoints != TokenEndpoints::Json => Some(by_form(context)),
        ("POST", ["oauth", "token", "v2"]) if endpoints != TokenEndpoints::Form => Some(by_json(context)),
        ("GET", ["oauth", "scope"]) => Some(Ok(Reply::json(json!([
            {"ref_type": null, "ref_id": null, "permissions": ["all"], "ref_data": null}
        ])))),
        _ => None,
    }
}

fn by_form(context: &mut Context<'_>) -> Outcome {
    let form = context.request.header("content-type").is_some_and(|kind| kind.contains("x-www-form-urlencoded"));
    let fields: Vec<(String, String)> = match form {
        true => serde_urlencoded::from_bytes(&context.request.body).unwrap_or_default(),
        false => Vec::new(),
    };
    grant(context, &fields.into_iter().collect())
}

fn by_json(context: &mut Context<'_>) -> Outcome {
    let json = context.request.header("content-type").is_some_and(|kind| kind.contains("json"));
    let body: Value = match json {
        true => serde_json::from_slice(&context.request.body).unwrap_or(Value::Null),
        false => Value::Null,
    };
    let Value::Object(body) = body else { return Err(Refusal::invalid_value("null (null): must be object")) };
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    grant(context, &body.into_iter().map(|(name, value)| (name, text(value))).collect())
}

fn grant(context: &mut Context<'_>, fields: &Fields) -> Outcome {
    let field = |name: &str| fields.get(name).map(String::as_str);
    let client = field("client_id").ok_or_else(Refusal::missing_client_id)?;
    let secret = context
        .state
        .tokens
        .secret_of(client)
        .ok_or_else(|| Refusal::grant("invalid_client", "oauth.client.invalid_id"))?;
    if field("client_secret") != Some(secret) {
        return Err(Refusal::grant("invalid_client", "oauth.client.invalid_secret"));
    }
    let refresh = field("refresh_token").filter(|_| field("grant_type") == Some("refresh_token"));
    let user = match field("grant_type") {
        Some("refresh_token") => refresh
            .and_then(|token| context.state.tokens.refresh_user(context.now, token, client))
            .ok_or_else(|| Refusal::grant("invalid_grant", "oauth.refresh_token.invalid"))?,
        Some("password") => {
            let user = password_user(context.state, field("username"), field("password"))?;
            if context.state.switches.password_grant == PasswordGrant::SecondFactor {
                return Ok(Reply::json(json!({"server_nonce": context.state.rng.hex(32)})));
            }
            user
        }
        Some("authorization_code") => field("code")
            .and_then(|code| context.state.tokens.spend_code(code, field("redirect_uri")))
            .ok_or_else(|| Refusal::grant("invalid_grant", "oauth.code.invalid"))?,
        Some("client_credentials") if context.state.switches.client_credentials == Acceptance::Accepted => {
            context.state.tokens.acting_user().ok_or_else(Refusal::forbidden_grant)?
        }
        Some("client_credentials") => return Err(Refusal::forbidden_grant()),
        _ => return Err(Refusal::grant("invalid_grant", "oauth.grant_type.invalid")),
    };
    let granted = context.state.issue_tokens(context.now, client, user, refresh);
    context.effects.push(Effect::TokenIssued { user_id: granted.user });
    let switches = &context.state.switches;
    let mut body = json!({"access_token": granted.access_token, "token_type": "bearer", "expires_in": 28_800});
    if let Some(token) = granted.refresh_token {
        body["refresh_token"] = json!(token);
    }
    if switches.token_ref == Part::Present {
        body["ref"] = json!({"type": "user", "id": user});
    }
    if switches.token_scope == Part::Present {
        body["scope"] = json!("global:all");
    }
    Ok(Reply::json(body))
}

fn password_user(state: &State, username: Option<&str>, password: Option<&str>) -> Result<UserId, Refusal> {
    let (known, user) = username
        .and_then(|username| state.tokens.password_of(username))
        .ok_or_else(|| Refusal::grant("invalid_grant", "user.invalid.username"))?;
    if password == Some(known) { Ok(user) } else { Err(Refusal::grant("invalid_grant", "user.invalid.password")) }
}
