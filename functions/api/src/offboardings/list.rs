//! `GET /offboardings`: newest first, a page at a time.

use lambda_http::http::StatusCode;
use podio_lifecycle::{
    ids::{OffboardingId, UserId},
    offboarding::{Filter, State, Unreadable},
    ports::StoreError,
};
use serde::Serialize;

use crate::{
    Exchange,
    answer::Answer,
    eta::Outlook,
    problem::Problem,
    query::Query,
    snapshot::Snapshot,
    view::{Detail, View},
};

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;

#[derive(Serialize)]
struct Listing<'a> {
    offboardings: Vec<Listed<'a>>,
    next_cursor: Option<OffboardingId>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Listed<'a> {
    Readable(Box<View<'a>>),
    Unreadable {
        id: &'a OffboardingId,
        state: Option<&'a str>,
        /// Always true: whatever else is stored was written by another version, or is damaged.
        unreadable: bool,
    },
}

impl Listed<'_> {
    fn id(&self) -> &OffboardingId {
        match self {
            Self::Readable(view) => view.id(),
            Self::Unreadable { id, .. } => id,
        }
    }
}

pub(crate) async fn list(exchange: &Exchange<'_>) -> Result<Answer, Problem> {
    let mut query = Query::of(exchange);
    let names = || format!("expected one of {}", State::NAMES.join(", "));
    let state = query.get("state", names(), |value| State::NAMES.into_iter().find(|name| *name == value));
    let email = query.get("email", "expected an address, with its + written as %2B", |value| value.parse().ok());
    let user = query.get("user_id", "expected a positive integer", |value| {
        value.parse().ok().filter(|id| *id > 0 && value.bytes().all(|byte| byte.is_ascii_digit())).map(UserId)
    });
    let limit = query.get("limit", "expected a number from 1 to 100", |value| {
        value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit))
    });
    let before: Option<OffboardingId> =
        query.get("cursor", "expected the next_cursor of an earlier answer", |value| value.parse().ok());
    if !query.errors.is_empty() {
        return Err(Problem::BadQuery(query.errors));
    }

    let ports = exchange.ports;
    let filter = Filter { state: state.map(str::to_owned), email, user };
    let page = ports.read.list(&filter, limit.unwrap_or(DEFAULT_LIMIT), before.as_ref()).await?;
    let mut unreadable = page.unreadable;
    let mut snapshots = Vec::with_capacity(page.offboardings.len());
    for offboarding in page.offboardings {
        let (id, state) = (offboarding.id.clone(), offboarding.state.name());
        match Snapshot::summary(ports, offboarding).await {
            Ok(snapshot) => snapshots.push(snapshot),
            // What belongs to it cannot be read, which must not hide the others.
            Err(StoreError::Corrupt(error)) => {
                tracing::error!(error, offboarding = id.as_str(), "an offboarding cannot be read");
                unreadable.push(Unreadable { id, state: Some(state.to_owned()) });
            }
            Err(error) => return Err(error.into()),
        }
    }
    let shown: Vec<_> = snapshots.iter().map(|snapshot| &snapshot.offboarding).collect();
    let outlook = Outlook::of(exchange, &shown).await;
    let view = |snapshot| View::of(snapshot, Detail::Summary, &outlook);
    let mut offboardings: Vec<Listed<'_>> =
        snapshots.iter().map(|snapshot| Listed::Readable(Box::new(view(snapshot)))).collect();
    offboardings.extend(unreadable.iter().map(|it| Listed::Unreadable {
        id: &it.id,
        state: it.state.as_deref(),
        unreadable: true,
    }));
    // Ids begin with the time of acceptance.
    offboardings.sort_by(|one, other| other.id().cmp(one.id()));
    Ok(Answer::json(StatusCode::OK, &Listing { offboardings, next_cursor: page.next }))
}
