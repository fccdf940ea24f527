//! `GET /offboardings/{id}/evidence`: the record that an auditor reads.
//!
//! Everything readable in it is taken from the chain, so that what is shown is what was sealed. The chain is computed
//! from storage at each reading: `intact` says whether it still is the one that the worker sealed, and is null until
//! there is a seal. The seal's signature can be checked by whoever holds the worker's key, which this door does not.

mod html;

use jiff::Timestamp;
use lambda_http::http::{
    HeaderName, StatusCode,
    header::{CONTENT_SECURITY_POLICY, VARY},
};
use podio_lifecycle::{
    evidence::{self, Entry, Seal},
    ids::OffboardingId,
    offboarding::{Offboarding, Outcome, State},
    removal::SpaceRemoval,
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Exchange,
    answer::Answer,
    problem::Problem,
    snapshot,
    view::{self, Space},
};

/// The record.
#[derive(Serialize)]
struct Record<'a> {
    id: &'a OffboardingId,
    state: &'static str,
    request: Value,
    plan: Option<Value>,
    calls: Vec<Call>,
    spaces: Vec<Space<'a>>,
    verification: Option<Verification>,
    chain: Chain,
    seal: Option<&'a Seal>,
    intact: Option<bool>,
}

/// One call to Podio.
#[derive(Clone, Serialize)]
struct Call {
    time: Timestamp,
    method: String,
    path: String,
    status: Option<u16>,
    request_id: Option<String>,
}

/// What proves that the person is gone.
#[derive(Serialize)]
struct Verification {
    outcome: Outcome,
    completed_at: Option<Timestamp>,
    /// When Podio confirmed the end of the membership; none where there was none to end.
    organization_left_at: Option<Timestamp>,
    /// The read-backs, all of them newer than the last removal.
    read_backs: Vec<Call>,
}

#[derive(Serialize)]
struct Chain {
    algorithm: &'static str,
    entries: Vec<Entry>,
    head: Option<String>,
}

pub(crate) async fn get(exchange: &Exchange<'_>, id: &OffboardingId) -> Result<Answer, Problem> {
    let ports = exchange.ports;
    let offboarding = ports.read.load(id).await?.ok_or(Problem::NoSuchOffboarding)?;
    let spaces = snapshot::spaces(ports, &offboarding).await?;
    let calls = ports.calls.calls(id).await?;
    let record = Record::of(&offboarding, &spaces, evidence::chain(&offboarding, &spaces, &calls));
    if !wants_html(exchange.header("accept")) {
        return Ok(Answer::json(StatusCode::OK, &record).with(VARY, "accept"));
    }
    let page = html::page(&record);
    Ok(Answer::text("text/html; charset=utf-8", StatusCode::OK, page)
        .with(VARY, "accept")
        .with(CONTENT_SECURITY_POLICY, &html::content_security_policy())
        .with(HeaderName::from_static("x-frame-options"), "DENY"))
}

impl<'a> Record<'a> {
    fn of(offboarding: &'a Offboarding, spaces: &'a [SpaceRemoval], entries: Vec<Entry>) -> Self {
        let body = |kind: &str| entries.iter().find(|entry| entry.kind == kind).map(|entry| entry.body.clone());
        let calls: Vec<Call> =
            entries.iter().filter(|entry| entry.kind == "call").filter_map(|entry| Call::of(&entry.body)).collect();
        Self {
            id: &offboarding.id,
            state: offboarding.state.name(),
            request: body("request").unwrap_or(Value::Null),
            plan: body("plan"),
            spaces: view::spaces(offboarding, spaces),
            verification: Verification::of(offboarding, &calls),
            calls,
            seal: offboarding.seal.as_ref(),
            intact: offboarding.seal.as_ref().map(|seal| evidence::is_intact(&entries, seal)),
            chain: Chain { algorithm: "SHA-256", head: entries.last().map(|entry| entry.hash.clone()), entries },
        }
    }
}

impl Call {
    fn of(body: &Value) -> Option<Self> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            time: text("at")?.parse().ok()?,
            method: text("method")?,
            path: text("path")?,
            status: body.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok()),
            request_id: text("request_id"),
        })
    }
}

impl Verification {
    /// There is none before the end, nor for a dry run, which changes nothing that could be verified.
    fn of(offboarding: &Offboarding, calls: &[Call]) -> Option<Self> {
        let outcome = match offboarding.state {
            State::Completed { outcome: outcome @ (Outcome::Removed | Outcome::AlreadyGone) } => outcome,
            _ => return None,
        };
        let deleted = offboarding.last_delete_at;
        let proves = |call: &&Call| call.method == "GET" && deleted.is_none_or(|deleted| call.time >= deleted);
        Some(Self {
            outcome,
            completed_at: offboarding.completed_at,
            organization_left_at: deleted,
            read_backs: calls.iter().filter(proves).cloned().collect(),
        })
    }
}

/// Whether a browser asks: it names HTML, and does not like JSON better.
fn wants_html(accept: Option<&[u8]>) -> bool {
    let accept = accept.and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default().to_ascii_lowercase();
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
    let html = liking("text/html");
    html > 0.0 && html >= liking("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_a_page_and_programs_get_json() {
        for (accept, html) in [
            (None, false),
            (Some("*/*"), false),
            (Some("application/json"), false),
            (Some("application/json, text/html;q=0.5"), false),
            (Some("text/html;q=0"), false),
            (Some("text/html"), true),
            (Some("Text/HTML; charset=utf-8"), true),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), true),
            (Some("application/json;q=0.1, text/html ; q=0.9"), true),
            (Some(";;,,q=,text/htmlx"), false),
        ] {
            assert_eq!(wants_html(accept.map(str::as_bytes)), html, "{accept:?}");
        }
        assert!(!wants_html(Some(b"\xff")));
    }
}
