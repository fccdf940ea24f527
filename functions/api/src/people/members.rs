//! `GET /members` and `GET /members/{user_id}`: who is a member, as last audited.

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use podio_lifecycle::{
    ids::UserId,
    people::{Member, MemberStatus, MemberType},
};
use serde::Serialize;

use super::{
    csv::{self, BETWEEN, Row, Style},
    flag, limit, next_query, org, understood, wants_csv,
};
use crate::{Exchange, answer::Answer, problem::Problem, query::Query};

/// Stored members that are looked through for one answer.
const MOST_READ: usize = 10_000;
/// Stored members that are read at once.
const READ_AT_ONCE: usize = 1_000;
/// No filter is longer.
const LONGEST_FILTER: usize = 200;

/// A member as the contract shows one.
#[derive(Serialize)]
pub(super) struct View<'a> {
    user_id: UserId,
    name: Option<&'a str>,
    email: Option<&'a str>,
    other_emails: &'a [String],
    role: Option<&'a str>,
    #[serde(rename = "type")]
    kind: Option<MemberType>,
    status: MemberStatus,
    spaces: Option<u32>,
    last_seen_at: Option<Timestamp>,
    invited_at: Option<Timestamp>,
    first_listed_at: Timestamp,
    last_listed_at: Option<Timestamp>,
    left_at: Option<Timestamp>,
    stale: bool,
}

impl<'a> View<'a> {
    /// `audited_at` is when the last audit ended, which has listed everybody who is a member.
    fn of(member: &'a Member, audited_at: Option<Timestamp>) -> Self {
        let last = audited_at.filter(|_| member.is_current()).map(|at| at.max(member.first_listed_at));
        Self {
            user_id: member.user_id,
            name: member.name.as_deref(),
            email: member.email(),
            other_emails: member.emails.get(1..).unwrap_or_default(),
            role: member.role.as_deref(),
            kind: member.kind,
            status: member.status,
            spaces: member.spaces,
            last_seen_at: member.last_seen_at,
            invited_at: member.invited_at,
            first_listed_at: member.first_listed_at,
            last_listed_at: member.last_listed_at.or(last).or(Some(member.first_listed_at)),
            left_at: member.left_at,
            stale: member.stale,
        }
    }
}

#[derive(Serialize)]
struct Listing<'a> {
    members: Vec<View<'a>>,
    audited_at: Option<Timestamp>,
    next_cursor: Option<String>,
}

/// Who is asked for. Without a status: everybody who is a member now.
#[derive(Default)]
struct Filter {
    status: Option<Option<MemberStatus>>,
    role: Option<String>,
    kind: Option<MemberType>,
    stale: Option<bool>,
    words: Option<String>,
}

impl Filter {
    fn read(query: &mut Query) -> Self {
        let short = |value: &str| (value.chars().count() <= LONGEST_FILTER).then(|| value.to_lowercase());
        Self {
            status: query.get("status", "expected active, inactive, left or all", |value| match value {
                "all" => Some(None),
                name => MemberStatus::ALL.into_iter().find(|status| status.name() == name).map(Some),
            }),
            role: query.get("role", "expected a role such as admin", short),
            kind: query.get("type", "expected employee, external, guest or service", |value| {
                MemberType::ALL.into_iter().find(|kind| kind.name() == value)
            }),
            stale: flag(query, "stale"),
            words: query.get("q", "expected at most 200 characters", short),
        }
    }

    fn fits(&self, member: &Member) -> bool {
        let status = match self.status {
            None => member.is_current(),
            Some(wanted) => wanted.is_none_or(|status| member.status == status),
        };
        let contains = |words: &String| {
            let mut texts = member.name.iter().chain(&member.emails);
            texts.any(|text| text.to_lowercase().contains(words))
        };
        let role = |role: &String| member.role.as_ref().is_some_and(|own| own.to_lowercase() == *role);
        status
            && self.role.as_ref().is_none_or(role)
            && self.kind.is_none_or(|kind| member.kind == Some(kind))
            && self.stale.is_none_or(|stale| member.stale == stale)
            && self.words.as_ref().is_none_or(contains)
    }
}

pub(super) async fn list(exchange: &Exchange<'_>) -> Result<Answer, Problem> {
    let mut query = Query::of(exchange);
    let filter = Filter::read(&mut query);
    let limit = limit(&mut query);
    let mut cursor: Option<UserId> =
        query.get("cursor", "expected the next_cursor of an earlier answer", |value| value.parse().ok());
    let style = Style { bom: flag(&mut query, "bom").unwrap_or(false), raw: flag(&mut query, "raw").unwrap_or(false) };
    let named = org(exchange, &mut query);
    let org = understood(query, named)?;

    let ports = exchange.ports;
    let audited_at = ports.audits.audited(org).await?.and_then(|audited| audited.completed).map(|(_, at)| at);
    let (mut members, mut read) = (Vec::new(), 0);
    while members.len() < limit && read < MOST_READ {
        let part = ports.members.members(org, cursor, READ_AT_ONCE.min(MOST_READ)).await?;
        read += READ_AT_ONCE;
        cursor = part.next;
        let mut found = part.items.into_iter().filter(|member| filter.fits(member));
        members.extend(found.by_ref().take(limit - members.len()));
        if found.next().is_some() {
            cursor = members.last().map(|member: &Member| member.user_id);
            break;
        }
        if cursor.is_none() {
            break;
        }
    }
    if wants_csv(exchange) {
        let now = ports.clock.now();
        let rows: Vec<Row> = members.iter().map(|member| row(member, now)).collect();
        return csv::answer(&rows, style, cursor.and_then(|user| next_query(exchange, &user.to_string())).as_deref());
    }
    let listing = Listing {
        members: members.iter().map(|member| View::of(member, audited_at)).collect(),
        audited_at,
        next_cursor: cursor.map(|user| user.to_string()),
    };
    Ok(Answer::json(StatusCode::OK, &listing))
}

pub(super) async fn get(exchange: &Exchange<'_>, user: Option<UserId>) -> Result<Answer, Problem> {
    const NONE: Problem = Problem::NoSuch("member");
    let mut query = Query::of(exchange);
    let named = org(exchange, &mut query);
    let org = understood(query, named)?;
    let user = user.ok_or(NONE)?;
    let ports = exchange.ports;
    let member = ports.members.members_among(org, &[user]).await?.remove(&user).ok_or(NONE)?;
    let audited_at = ports.audits.audited(org).await?.and_then(|audited| audited.completed).map(|(_, at)| at);
    Ok(Answer::json(StatusCode::OK, &View::of(&member, audited_at)))
}

/// A member as a line; what a comparison finds is left blank.
pub(super) fn row(member: &Member, now: Timestamp) -> Row {
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    Row {
        user_id: member.user_id.to_string(),
        name: member.name.clone().unwrap_or_default(),
        email: member.email().unwrap_or_default().to_owned(),
        other_emails: member.emails.get(1..).unwrap_or_default().join(BETWEEN),
        kind: member.kind.map(MemberType::name).unwrap_or_default().to_owned(),
        role: member.role.clone().unwrap_or_default(),
        spaces: member.spaces.map(|spaces| spaces.to_string()).unwrap_or_default(),
        last_seen_at: text(member.last_seen_at),
        days_unseen: member.days_unseen(now).map(|days| days.to_string()).unwrap_or_default(),
        invited_at: text(member.invited_at),
        status: member.status.name().to_owned(),
        ..Row::default()
    }
}
