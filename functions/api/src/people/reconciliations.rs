//! `POST /reconciliations`, `GET /reconciliations/{id}` and `POST /reconciliations/{id}/offboard`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use lambda_http::http::StatusCode;
use podio_lifecycle::{
    ids::{OrgId, UserId},
    people::{
        AuditId, Finding, FindingKind, MatchedBy, Member, Reconciliation, ReconciliationId, RosterId, counts, distinct,
        reconcile,
    },
};
use podio_signatures::Role;
use serde::Serialize;

use super::{
    csv::{self, Row, Style},
    flag, limit,
    members::row,
    wants_csv,
};
use crate::{
    Exchange,
    answer::Answer,
    auth::Caller,
    json::{self, Reader},
    offboardings::leaver::FARTHEST,
    problem::Problem,
    query::Query,
};

/// Members that are read at once.
const READ_AT_ONCE: usize = 1_000;
/// Findings that are looked through for one answer, where only some kinds are asked for.
const MOST_READ: u32 = 10_000;

const NONE: Problem = Problem::NoSuch("reconciliation");

#[derive(Serialize)]
struct Created<'a> {
    id: &'a ReconciliationId,
    url: &'a str,
    counts: &'a BTreeMap<FindingKind, u32>,
}

#[derive(Serialize)]
struct View<'a> {
    id: &'a ReconciliationId,
    roster_id: &'a RosterId,
    audit_id: &'a AuditId,
    created_at: Timestamp,
    counts: &'a BTreeMap<FindingKind, u32>,
    findings: Vec<Shown<'a>>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    suggested_action: &'static str,
}

/// Compares the newest roster with the members as last audited.
pub(super) async fn create(exchange: &Exchange<'_>, caller: &Caller<'_>) -> Result<Answer, Problem> {
    let org = read_org(exchange)?;
    caller.require(Role::Requester, "compare the roster with the members")?;
    let ports = exchange.ports;
    let Some((roster, _)) = ports.rosters.rosters(org).await?.current else {
        return Err(Problem::conflict("There is no roster yet. Send one with PUT /roster."));
    };
    let Some((audit_id, _)) = ports.audits.audited(org).await?.and_then(|audited| audited.completed) else {
        return Err(Problem::conflict(
            "No audit has ended yet, so nobody knows who is a member. Ask for one with POST /audits.",
        ));
    };
    let entries = distinct(ports.rosters.entries(&roster).await?);
    let members = all_members(exchange, org).await?;
    let now = ports.clock.now();
    let findings = reconcile(&entries, &members, TimeZone::UTC.to_datetime(now).date());
    let record = Reconciliation {
        id: ReconciliationId::new(now, ports.random.bytes()),
        org_id: org,
        roster_id: roster.id,
        audit_id,
        by: caller.actor(),
        created_at: now,
        counts: counts(&findings),
        findings: u32::try_from(findings.len()).map_err(|_| Problem::Internal)?,
    };
    ports.rosters.store_reconciliation(&record, &findings).await?;
    let url = format!("/reconciliations/{}", record.id);
    let created = Created { id: &record.id, url: &url, counts: &record.counts };
    Ok(Answer::json(StatusCode::CREATED, &created).located_at(&url))
}

/// The organization that the body names; the first one, where it names none.
fn read_org(exchange: &Exchange<'_>) -> Result<OrgId, Problem> {
    super::audits::read(exchange)
}

async fn all_members(exchange: &Exchange<'_>, org: OrgId) -> Result<Vec<Member>, Problem> {
    let (mut members, mut after) = (Vec::new(), None);
    loop {
        let part = exchange.ports.members.members(org, after, READ_AT_ONCE).await?;
        members.extend(part.items.into_iter().filter(Member::is_current));
        after = part.next;
        if after.is_none() {
            return Ok(members);
        }
    }
}

/// Shows a comparison and some of its findings.
pub(super) async fn get(exchange: &Exchange<'_>, id: Option<&ReconciliationId>) -> Result<Answer, Problem> {
    let mut query = Query::of(exchange);
    let limit = limit(&mut query);
    let names: Vec<&str> = FindingKind::ALL.iter().map(|kind| kind.name()).collect();
    let kind = query.get("finding", format!("expected one of {}", names.join(", ")), |value| {
        FindingKind::ALL.into_iter().find(|kind| kind.name() == value)
    });
    let from: Option<u32> =
        query.get("cursor", "expected the next_cursor of an earlier answer", |value| value.parse().ok());
    let style = Style { bom: flag(&mut query, "bom").unwrap_or(false), raw: flag(&mut query, "raw").unwrap_or(false) };
    if !query.errors.is_empty() {
        return Err(Problem::BadQuery(query.errors));
    }
    let ports = exchange.ports;
    let record = ports.rosters.reconciliation(id.ok_or(NONE)?).await?.ok_or(NONE)?;
    let begin = from.unwrap_or(0);
    let (mut at, mut found) = (begin, Vec::new());
    while found.len() < limit && at < record.findings && at - begin < MOST_READ {
        let some = ports.rosters.findings(&record, at, READ_AT_ONCE).await?;
        if some.is_empty() {
            break;
        }
        for finding in some {
            if found.len() == limit {
                break;
            }
            at += 1;
            if kind.is_none_or(|kind| finding.finding == kind) {
                found.push(finding);
            }
        }
    }
    let next_cursor = (at < record.findings).then(|| at.to_string());
    if wants_csv(exchange) {
        let rows = rows(exchange, record.org_id, &found).await?;
        let next = next_cursor.map(|cursor| super::next_query(exchange, &cursor));
        return csv::answer(&rows, style, next.flatten().as_deref());
    }
    let shown = |finding| Shown { finding, suggested_action: Finding::suggested_action(finding) };
    let view = View {
        id: &record.id,
        roster_id: &record.roster_id,
        audit_id: &record.audit_id,
        created_at: record.created_at,
        counts: &record.counts,
        findings: found.iter().map(shown).collect(),
        next_cursor,
    };
    Ok(Answer::json(StatusCode::OK, &view))
}

/// Findings as lines, with what is known of the members.
async fn rows(exchange: &Exchange<'_>, org: OrgId, findings: &[Finding]) -> Result<Vec<Row>, Problem> {
    let users: Vec<UserId> = findings.iter().filter_map(|finding| finding.user_id).collect();
    let members = exchange.ports.members.members_among(org, &users).await?;
    let now = exchange.ports.clock.now();
    let line = |finding: &Finding| {
        let member = finding.user_id.and_then(|user| members.get(&user));
        let known = member.map(|member| row(member, now)).unwrap_or_default();
        Row {
            user_id: finding.user_id.map(|user| user.to_string()).unwrap_or_default(),
            name: finding.name.clone().unwrap_or_default(),
            email: finding.email.clone().unwrap_or_default(),
            finding: finding.finding.name().to_owned(),
            matched_by: finding.matched_by.map(MatchedBy::name).unwrap_or_default().to_owned(),
            roster_status: finding.roster_status.map(|status| status.name()).unwrap_or_default().to_owned(),
            last_day: finding.last_day.map(|day| day.to_string()).unwrap_or_default(),
            suggested_action: finding.suggested_action().to_owned(),
            ..known
        }
    };
    Ok(findings.iter().map(line).collect())
}

/// The end of a day in UTC.
pub(super) fn end_of(day: Date) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(day.tomorrow().ok()?.to_datetime(Time::midnight())).ok()
}

/// What `offboard` asks for.
pub(super) struct Chosen {
    pub(super) users: Vec<UserId>,
    pub(super) require_approval: bool,
    /// The last days that are ahead.
    pub(super) last_days: BTreeMap<UserId, Date>,
}

/// Reads whom to off-board. Each must be a finding from which an offboarding may follow.
pub(super) async fn chosen(
    exchange: &Exchange<'_>,
    caller: &Caller<'_>,
    id: Option<&ReconciliationId>,
) -> Result<(Reconciliation, Chosen), Problem> {
    const MOST_AT_ONCE: usize = 100;
    let json = json::parse(exchange.body())?;
    let mut reader = Reader::default();
    let object = reader.object("", &json, &["user_ids", "require_approval"]);
    let mut chosen = Chosen { users: Vec::new(), require_approval: true, last_days: BTreeMap::new() };
    if let Some(object) = &object {
        chosen.require_approval = reader.bool(object, "require_approval").unwrap_or(true);
        match object.field("user_ids") {
            Some(json::Json::Array(users)) if (1..=MOST_AT_ONCE).contains(&users.len()) => {
                for (n, user) in users.iter().enumerate() {
                    match user {
                        json::Json::Integer(user @ 1..) => chosen.users.push(UserId(*user)),
                        _ => reader.error(format!("/user_ids/{n}"), "expected a positive integer"),
                    }
                }
            }
            _ => reader.error("/user_ids", "required: 1 to 100 ids of members"),
        }
    }
    reader.finish()?;
    caller.require(Role::Approver, "off-board what a reconciliation has found")?;
    let record = exchange.ports.rosters.reconciliation(id.ok_or(NONE)?).await?.ok_or(NONE)?;
    let mut may_leave = BTreeSet::new();
    let mut at = 0;
    while at < record.findings {
        let some = exchange.ports.rosters.findings(&record, at, READ_AT_ONCE).await?;
        if some.is_empty() {
            break;
        }
        at += u32::try_from(some.len()).unwrap_or(u32::MAX);
        for finding in some.iter().filter(|finding| finding.finding.may_be_offboarded()) {
            let Some(user) = finding.user_id else { continue };
            may_leave.insert(user);
            if let Some(day) = finding.last_day.filter(|_| finding.finding == FindingKind::Leaving) {
                chosen.last_days.insert(user, day);
            }
        }
    }
    let mut reader = Reader::default();
    let now = exchange.ports.clock.now();
    for (n, user) in chosen.users.iter().enumerate() {
        let end = chosen.last_days.get(user).and_then(|day| end_of(*day));
        if end.is_some_and(|end| end.duration_since(now) > FARTHEST) {
            reader.error(format!("/user_ids/{n}"), "the last day is more than 18 months ahead");
        }
        if !may_leave.contains(user) {
            reader.error(format!("/user_ids/{n}"), "no orphan, leaving or external finding of this reconciliation");
        }
    }
    reader.finish()?;
    Ok((record, chosen))
}
