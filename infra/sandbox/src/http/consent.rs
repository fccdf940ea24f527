//! The page on which a user lets a program in: `GET /oauth/authorize`.
//!
//! At Podio it is on podio.com, not on the API, so nothing here is counted or logged. The acting admin consents at once;
//! with `deny=1` they refuse. Source: developers.podio.com/authentication/server_side.

use std::sync::Arc;

use axum::extract::{Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use url::Url;

use super::Core;

#[derive(Deserialize)]
pub(super) struct Question {
    client_id: String,
    redirect_uri: String,
    response_type: Option<String>,
    state: Option<String>,
    deny: Option<String>,
}

/// Sends the browser back, with a code or with a refusal.
pub(super) async fn answer(Shared(core): Shared<Arc<Core>>, Query(question): Query<Question>) -> Response {
    let Question { client_id, redirect_uri, response_type, state, deny } = question;
    let (Ok(mut back), None | Some("code")) = (Url::parse(&redirect_uri), response_type.as_deref()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Some(code) = core.change(|podio| podio.consent(&client_id, &redirect_uri)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    {
        let mut query = back.query_pairs_mut();
        match deny {
            None => query.append_pair("code", &code),
            Some(_) => query.append_pair("error", "access_denied").append_pair("error_reason", "user_denied"),
        };
        query.extend_pairs(state.map(|state| ("state", state)));
    }
    Redirect::to(back.as_str()).into_response()
}
