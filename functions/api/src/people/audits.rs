//! `POST /audits`, `GET /audits` and `GET /audits/{id}`.

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use podio_lifecycle::{
    ids::OrgId,
    offboarding::Failure,
    people::{Audit, AuditId, AuditSource, AuditState},
    ports::Begun,
};
use podio_signatures::Role;
use serde::Serialize;

use super::{limit, org, understood};
use crate::{
    Exchange,
    answer::Answer,
    auth::Caller,
    json::{self, Reader},
    problem::Problem,
    query::Query,
};

#[derive(Serialize)]
struct Accepted<'a> {
    id: &'a AuditId,
    state: &'static str,
    url: &'a str,
}

#[derive(Serialize)]
struct View<'a> {
    id: &'a AuditId,
    org_id: OrgId,
    state: &'static str,
    members: u32,
    changes: u32,
    unreadable: u32,
    calls: u32,
    started_at: Timestamp,
    completed_at: Option<Timestamp>,
    failure: Option<&'a Failure>,
}

#[derive(Serialize)]
struct Listing<'a> {
    audits: Vec<View<'a>>,
    next_cursor: Option<AuditId>,
}

impl<'a> View<'a> {
    fn of(audit: &'a Audit) -> Self {
        let Audit { ref id, org_id, members, changes, unreadable, calls, started_at, .. } = *audit;
        let (completed_at, failure) = match &audit.state {
            AuditState::Completed { at } => (Some(*at), None),
            AuditState::Failed { failure, .. } => (None, Some(failure)),
            AuditState::Listing { .. } | AuditState::Confirming { .. } => (None, None),
        };
        let state = audit.state_name();
        Self { id, org_id, state, members, changes, unreadable, calls, started_at, completed_at, failure }
    }
}

/// Begins an audit; where one is under way, that is the answer.
pub(super) async fn begin(exchange: &Exchange<'_>, caller: &Caller<'_>) -> Result<Answer, Problem> {
    let org = read(exchange)?;
    caller.require(Role::Requester, "ask for an audit")?;
    let ports = exchange.ports;
    let now = ports.clock.now();
    let source = AuditSource::Request { by: caller.actor() };
    let audit = Audit::begin(AuditId::new(now, ports.random.bytes()), org, source, now);
    let audit = match ports.audits.begin_audit(&audit).await? {
        Begun::New => {
            if let Err(error) = ports.wake.wake().await {
                tracing::error!(%error, audit = audit.id.as_str(), "the worker was not told; the sweep finds the job");
            }
            audit
        }
        Begun::UnderWay(running) => ports.audits.audit(&running).await?.ok_or(Problem::Unavailable)?,
    };
    let url = format!("/audits/{}", audit.id);
    let body = Accepted { id: &audit.id, state: audit.state_name(), url: &url };
    Ok(Answer::json(StatusCode::ACCEPTED, &body).located_at(&url))
}

/// The organization that the body names; the first one, where it names none.
pub(super) fn read(exchange: &Exchange<'_>) -> Result<OrgId, Problem> {
    let organizations = &exchange.settings.organizations;
    let json = json::parse_optional(exchange.body())?;
    let mut reader = Reader::default();
    let mut org = organizations.first().copied();
    if let Some(object) = reader.object("", &json, &["org_id"])
        && let Some(named) = reader.id(&object, "org_id").map(OrgId)
    {
        org = organizations.contains(&named).then_some(named);
        if org.is_none() {
            reader.error("/org_id", "not an organization that is managed here");
        }
    }
    reader.finish()?;
    org.ok_or(Problem::Internal)
}

pub(super) async fn list(exchange: &Exchange<'_>) -> Result<Answer, Problem> {
    let mut query = Query::of(exchange);
    let limit = limit(&mut query).min(100);
    let before: Option<AuditId> =
        query.get("cursor", "expected the next_cursor of an earlier answer", |value| value.parse().ok());
    let named = org(exchange, &mut query);
    let org = understood(query, named)?;
    let part = exchange.ports.audits.audits(org, limit, before.as_ref()).await?;
    let listing = Listing { audits: part.items.iter().map(View::of).collect(), next_cursor: part.next };
    Ok(Answer::json(StatusCode::OK, &listing))
}

pub(super) async fn get(exchange: &Exchange<'_>, id: Option<&AuditId>) -> Result<Answer, Problem> {
    const NONE: Problem = Problem::NoSuch("audit");
    let audit = exchange.ports.audits.audit(id.ok_or(NONE)?).await?.ok_or(NONE)?;
    Ok(Answer::json(StatusCode::OK, &View::of(&audit)))
}
