//! `PUT /roster`: the people who should have access, as CSV or JSON, whole or in parts.

mod headers;
mod read;

use lambda_http::http::StatusCode;
use podio_lifecycle::{
    people::{RosterId, distinct},
    ports::SaveError,
};
use podio_signatures::Role;
use serde::Serialize;

use self::read::Rejected;
use super::{org, understood};
use crate::{
    Exchange,
    answer::Answer,
    auth::Caller,
    problem::{FieldError, ParameterError, Problem},
    query::Query,
};

/// The largest body that is read: Lambda takes six megabytes, in base64.
pub(crate) const MAX_ROSTER_BYTES: usize = 4 * 1024 * 1024;
/// No roster has more parts.
const MOST_PARTS: u32 = 100;
/// No roster is stored in more items, of 200 people each: it is held in memory when it is compared.
const MOST_ITEMS: u32 = 1_000;
/// Bad rows that are told of.
const MOST_TOLD: usize = 100;
/// Attempts to note a part while others note theirs.
const TRIES: usize = 5;

#[derive(Serialize)]
struct Taken<'a> {
    id: &'a RosterId,
    accepted: usize,
    rejected: Vec<Rejected>,
    /// How many bad rows there are in all.
    rejected_total: usize,
    /// Whether all parts have come.
    complete: bool,
}

pub(super) async fn put(exchange: &Exchange<'_>, caller: &Caller<'_>) -> Result<Answer, Problem> {
    let mut query = Query::of(exchange);
    let number = |value: &str| value.parse::<u32>().ok().filter(|number| (1..=MOST_PARTS).contains(number));
    let part = query.get("part", "expected a number from 1 to 100", number);
    let of = query.get("of", "expected a number from 1 to 100", number);
    if query.errors.is_empty() && (part.is_some() != of.is_some() || part > of) {
        let detail = "part and of go together, and no part is behind the last one".into();
        query.errors.push(ParameterError { parameter: "part".into(), detail });
    }
    let named = org(exchange, &mut query);
    let org = understood(query, named)?;
    let (part, of) = (part.unwrap_or(1), of.unwrap_or(1));
    let content_type = exchange.header("content-type").and_then(|value| std::str::from_utf8(value).ok());
    let rows = read::rows(exchange.body(), content_type.unwrap_or_default())?;
    caller.require(Role::Requester, "send a roster")?;
    let accepted = rows.good.len();
    let entries = distinct(rows.good);

    let ports = exchange.ports;
    let now = ports.clock.now();
    let new = RosterId::new(now, ports.random.bytes());
    for _ in 0..TRIES {
        let rosters = ports.rosters.rosters(org).await?;
        let roster = rosters
            .roster_of(part, of, &caller.actor(), new.clone())
            .map_err(|error| Problem::conflict(format!("No roster waits for part {part} of {of}: {error}.")))?;
        let id = roster.id.clone();
        let items = ports.rosters.store_entries(&id, part, &entries).await?;
        let next = rosters.with(roster, part, items, now);
        let complete = next.current.as_ref().is_some_and(|(current, _)| current.id == id);
        let noted = next.open.as_ref().or(next.current.as_ref().map(|(current, _)| current));
        if noted.is_some_and(|roster| roster.received.values().sum::<u32>() > MOST_ITEMS) {
            return Err(unusable("more than 200000 people in all parts together"));
        }
        match ports.rosters.save_rosters(&next).await {
            Ok(()) => {
                let rejected_total = rows.bad.len();
                let rejected: Vec<Rejected> = rows.bad.into_iter().take(MOST_TOLD).collect();
                let taken = Taken { id: &id, accepted, rejected, rejected_total, complete };
                return Ok(Answer::json(StatusCode::OK, &taken));
            }
            Err(SaveError::Store(error)) => return Err(error.into()),
            // Another part was noted meanwhile.
            Err(SaveError::Conflict | SaveError::PersonTaken(_)) => {}
        }
    }
    Err(Problem::Unavailable)
}

/// 422 for a body of which nothing can be used.
fn unusable(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::Invalid(vec![FieldError { pointer: String::new(), detail: detail.into() }])
}
