//! `/audits`, `/members`, `/changes`, `/roster` and `/reconciliations`: who is a member, what has changed, and who should be
//! one. One file for each route.

pub(crate) mod audits;
pub(crate) mod changes;
mod csv;
pub(crate) mod members;
mod offboard;
mod reconciliations;
mod roster;
mod route;

use lambda_http::http::Method;
use podio_lifecycle::ids::OrgId;

pub(crate) use self::{roster::MAX_ROSTER_BYTES, route::PeopleRoute};
use crate::{
    Exchange,
    answer::Answer,
    auth::Caller,
    problem::{ParameterError, Problem},
    query::Query,
};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

/// Answers a request of somebody who has shown a token, and whose query is declared.
pub(crate) async fn answer(
    exchange: &Exchange<'_>,
    caller: &Caller<'_>,
    route: &PeopleRoute,
) -> Result<Answer, Problem> {
    match route {
        PeopleRoute::Audits if exchange.request.method() == Method::POST => audits::begin(exchange, caller).await,
        PeopleRoute::Audits => audits::list(exchange).await,
        PeopleRoute::Audit(id) => audits::get(exchange, id.as_ref()).await,
        PeopleRoute::Members => members::list(exchange).await,
        PeopleRoute::Member(user) => members::get(exchange, *user).await,
        PeopleRoute::Changes => changes::list(exchange).await,
        PeopleRoute::Roster => roster::put(exchange, caller).await,
        PeopleRoute::Reconciliations => reconciliations::create(exchange, caller).await,
        PeopleRoute::Reconciliation(id) => reconciliations::get(exchange, id.as_ref()).await,
        PeopleRoute::Offboard(id) => offboard::offboard(exchange, caller, id.as_ref()).await,
    }
}

/// How many are asked for.
fn limit(query: &mut Query) -> usize {
    let read = |value: &str| value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    query.get("limit", "expected a number from 1 to 1000", read).unwrap_or(DEFAULT_LIMIT)
}

/// The organization that is meant: the first one, where none is named.
fn org(exchange: &Exchange<'_>, query: &mut Query) -> Option<OrgId> {
    let organizations = &exchange.settings.organizations;
    let read = |value: &str| value.parse().ok().map(OrgId).filter(|org| organizations.contains(org));
    let named = query.get("org_id", "expected an organization that is managed here", read);
    named.or_else(|| organizations.first().copied())
}

/// A parameter that is true or false.
fn flag(query: &mut Query, name: &'static str) -> Option<bool> {
    query.get(name, "expected true or false", |value| match value {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    })
}

/// 400 if anything of the query could not be read.
fn understood(query: Query, org: Option<OrgId>) -> Result<OrgId, Problem> {
    if query.errors.is_empty()
        && let Some(org) = org
    {
        return Ok(org);
    }
    Err(Problem::BadQuery(if query.errors.is_empty() {
        vec![ParameterError { parameter: "org_id".into(), detail: "expected an organization".into() }]
    } else {
        query.errors
    }))
}

/// The query of the next page: the same as this one's, but for the cursor.
fn next_query(exchange: &Exchange<'_>, cursor: &str) -> Option<String> {
    let text = exchange.request.uri().query().unwrap_or_default();
    let mut pairs: Vec<(String, String)> = serde_urlencoded::from_str(text).unwrap_or_default();
    pairs.retain(|(name, _)| name != "cursor");
    pairs.push(("cursor".to_owned(), cursor.to_owned()));
    serde_urlencoded::to_string(pairs).ok()
}

/// Whether a caller likes CSV better than JSON. The form that is named and liked best is given.
fn wants_csv(exchange: &Exchange<'_>) -> bool {
    let accept = exchange.header("accept").and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default();
    let accept = accept.to_ascii_lowercase();
    let liking = |media_type: &str| {
        let ranges = accept.split(',').map(|range| range.split(';').map(str::trim));
        ranges
            .filter_map(|mut parts| {
                let named = parts.next() == Some(media_type);
                let q = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
                named.then_some(q.unwrap_or(0.0))
            })
            .fold(0.0, f32::max)
    };
    let csv = liking("text/csv");
    csv > 0.0 && csv >= liking("application/json")
}
