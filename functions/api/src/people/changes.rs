//! `GET /changes`: what audits have found, in the order of time.

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use podio_lifecycle::{
    people::{Change, ChangeKind},
    ports::ChangeCursor,
};
use serde::Serialize;

use super::{limit, org, understood};
use crate::{Exchange, answer::Answer, problem::Problem, query::Query};

/// Stored changes that are looked through for one answer.
const MOST_READ: usize = 10_000;
/// Stored changes that are read at once.
const READ_AT_ONCE: usize = 1_000;
/// No cursor is longer.
const LONGEST_CURSOR: usize = 64;

#[derive(Serialize)]
struct Listing {
    changes: Vec<Change>,
    next_cursor: Option<String>,
}

pub(super) async fn list(exchange: &Exchange<'_>) -> Result<Answer, Problem> {
    let mut query = Query::of(exchange);
    let limit = limit(&mut query);
    let expected = "expected a date and time with its offset from UTC, its + written as %2B";
    let since: Option<Timestamp> = query.get("since", expected, |value| value.parse().ok());
    let names: Vec<&str> = ChangeKind::ALL.iter().map(|kind| kind.name()).collect();
    let kind = query.get("kind", format!("expected one of {}", names.join(", ")), |value| {
        ChangeKind::ALL.into_iter().find(|kind| kind.name() == value)
    });
    let mut cursor = query.get("cursor", "expected the next_cursor of an earlier answer", cursor);
    let named = org(exchange, &mut query);
    let org = understood(query, named)?;

    let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
    let (mut changes, mut read) = (Vec::new(), 0);
    while changes.len() < limit && read < MOST_READ {
        // A filter may take nearly all away; without one no more is read than is told.
        let at_once = if kind.is_some() { READ_AT_ONCE } else { limit - changes.len() };
        let part = exchange.ports.members.changes(org, since, cursor.as_ref(), at_once).await?;
        read += at_once;
        cursor = part.next;
        let mut found = part.items.into_iter().filter(|change| kind.is_none_or(|kind| change.kind == kind));
        changes.extend(found.by_ref().take(limit - changes.len()));
        if found.next().is_some() {
            cursor = changes.last().map(ChangeCursor::of);
            break;
        }
        if cursor.is_none() {
            break;
        }
    }
    Ok(Answer::json(StatusCode::OK, &Listing { changes, next_cursor: cursor.map(|cursor| cursor.0) }))
}

fn cursor(value: &str) -> Option<ChangeCursor> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.' || byte == b'_';
    let fits = (1..=LONGEST_CURSOR).contains(&value.len()) && value.bytes().all(plain);
    fits.then(|| ChangeCursor(value.to_owned()))
}
