//! `GET /offboardings`: newest first, a page at a time.

use lambda_http::http::StatusCode;
use podio_lifecycle::{ids::OffboardingId, offboarding::State};
use serde::Serialize;

use crate::{
    Exchange,
    answer::Answer,
    problem::Problem,
    query::Query,
    snapshot::{self, Snapshot},
    view::{Detail, View},
};

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;

#[derive(Serialize)]
struct Listing<'a> {
    offboardings: Vec<View<'a>>,
    next_cursor: Option<OffboardingId>,
}

pub(crate) async fn list(exchange: &Exchange<'_>) -> Result<Answer, Problem> {
    let mut query = Query::of(exchange);
    let names = || format!("expected one of {}", State::NAMES.join(", "));
    let state = query.get("state", names(), |value| State::NAMES.into_iter().find(|name| *name == value));
    let limit = query.get("limit", "expected a number from 1 to 100", |value| {
        value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit))
    });
    let before: Option<OffboardingId> =
        query.get("cursor", "expected the next_cursor of an earlier answer", |value| value.parse().ok());
    if !query.errors.is_empty() {
        return Err(Problem::BadQuery(query.errors));
    }

    let ports = exchange.ports;
    let page = ports.read.list(state, limit.unwrap_or(DEFAULT_LIMIT), before.as_ref()).await?;
    let mut snapshots = Vec::with_capacity(page.offboardings.len());
    for offboarding in page.offboardings {
        snapshots.push(Snapshot::summary(ports, offboarding).await?);
    }
    let log = snapshot::quota(ports).await;
    let now = ports.clock.now();
    let view = |snapshot| View::of(snapshot, Detail::Summary, &log, now, exchange.settings.ceiling);
    let listing = Listing { offboardings: snapshots.iter().map(view).collect(), next_cursor: page.next };
    Ok(Answer::json(StatusCode::OK, &listing))
}
