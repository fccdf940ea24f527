//! `GET /offboardings/{id}/evidence`: the record that an auditor reads.
//!
//! Of an offboarding that is over, everything readable in it is taken from the text that the worker has signed, and
//! `integrity` is `verified` only where the signature is that text's, the entries are chained, and the calls that are stored
//! one by one are those of the record. Of one that is not over the record is made anew at each reading, and is `unsigned`.

mod accept;
mod html;

use jiff::Timestamp;
use lambda_http::http::{
    HeaderName, StatusCode,
    header::{CONTENT_SECURITY_POLICY, VARY},
};
use podio_lifecycle::{
    evidence::{
        Chain, Integrity, Record as Signed, StoredSeal,
        check::Stored,
        envelope,
        record::{Facts, Previous},
    },
    ids::OffboardingId,
};
use serde::Serialize;
use serde_json::Value;

use self::accept::Form;
use crate::{Exchange, answer::Answer, problem::Problem, snapshot};

/// The record.
#[derive(Serialize)]
struct Record<'a> {
    id: &'a OffboardingId,
    state: &'a str,
    integrity: Integrity,
    request: Option<&'a Value>,
    plan: Option<&'a Value>,
    calls: Vec<Call<'a>>,
    spaces: Vec<&'a Value>,
    history: Vec<&'a Value>,
    verification: Option<Verification<'a>>,
    outcome: Option<&'a Value>,
    chain: &'a Chain,
    seal: Option<Seal<'a>>,
}

/// One call to Podio.
#[derive(Serialize)]
struct Call<'a> {
    time: &'a Value,
    method: &'a Value,
    path: &'a Value,
    status: &'a Value,
    request_id: &'a Value,
}

/// What proves that the person is gone.
#[derive(Serialize)]
struct Verification<'a> {
    outcome: &'a Value,
    completed_at: &'a Value,
    /// When Podio confirmed the end of the membership; none where there was none to end.
    organization_left_at: &'a Value,
    /// The read-backs, all of them newer than the last removal.
    read_backs: Vec<Call<'a>>,
}

/// How the record is signed.
#[derive(Serialize)]
struct Seal<'a> {
    number: u64,
    head: Option<&'a str>,
    entries: usize,
    sha256: &'a str,
    algorithm: &'static str,
    keyid: &'a str,
    signature: &'a str,
    sealed_at: Timestamp,
    kept_until: Option<Timestamp>,
    previous: Option<&'a Previous>,
}

pub(crate) async fn get(exchange: &Exchange<'_>, id: &OffboardingId) -> Result<Answer, Problem> {
    let ports = exchange.ports;
    let offboarding = ports.read.load(id).await?.ok_or(Problem::NoSuchOffboarding)?;
    let sealed = offboarding.state.closing().map(|closing| &closing.seal);
    let stored = Stored::read(&*ports.evidence, id, sealed).await?;
    let form = Form::wanted(exchange.header("accept"));
    if form == Form::Envelope {
        let (Some(seal), Some(text)) = (&stored.seal, &stored.text) else {
            return Err(Problem::conflict(NOT_SIGNED.to_owned()));
        };
        let envelope = seal.envelope(text);
        return Ok(Answer::json_as(envelope::MEDIA_TYPE, StatusCode::OK, &envelope).with(VARY, "accept"));
    }
    let integrity = stored.judge(id, sealed, ports.clock.now());
    let signed = stored.readable();
    let chain = match &signed {
        Some(signed) => signed.chain.clone(),
        None => {
            let spaces = snapshot::spaces(ports, &offboarding).await?;
            let facts = Facts {
                offboarding: &offboarding,
                spaces: &spaces,
                calls: &stored.calls,
                statement: stored.statement.as_deref(),
                keys: &stored.keys,
            };
            facts.chain()
        }
    };
    let state = signed.as_ref().map_or(offboarding.state.name(), |signed| &signed.state);
    let record = Record::of(id, state, integrity, &chain, stored.seal.as_ref().zip(signed.as_ref()));
    if form == Form::Json {
        return Ok(Answer::json(StatusCode::OK, &record).with(VARY, "accept"));
    }
    let page = html::page(&record);
    Ok(Answer::text("text/html; charset=utf-8", StatusCode::OK, page)
        .with(VARY, "accept")
        .with(CONTENT_SECURITY_POLICY, &html::content_security_policy())
        .with(HeaderName::from_static("x-frame-options"), "DENY"))
}

const NOT_SIGNED: &str =
    "There is no signed record: the offboarding is not over, or the worker has not sealed its evidence yet.";

impl<'a> Record<'a> {
    fn of(
        id: &'a OffboardingId,
        state: &'a str,
        integrity: Integrity,
        chain: &'a Chain,
        seal: Option<(&'a StoredSeal, &'a Signed)>,
    ) -> Self {
        let body = |kind: &'static str| chain.bodies(kind).next();
        Self {
            id,
            state,
            integrity,
            request: body("request"),
            plan: body("plan"),
            calls: chain.bodies("call").map(Call::of).collect(),
            spaces: chain.bodies("space").collect(),
            history: chain.bodies("history").collect(),
            verification: body("verification").map(Verification::of),
            outcome: body("outcome"),
            chain,
            seal: seal.map(|(seal, signed)| Seal::of(seal, signed)),
        }
    }
}

impl<'a> Call<'a> {
    fn of(body: &'a Value) -> Self {
        Self {
            time: &body["at"],
            method: &body["method"],
            path: &body["path"],
            status: &body["status"],
            request_id: &body["request_id"],
        }
    }
}

impl<'a> Verification<'a> {
    fn of(body: &'a Value) -> Self {
        let read_backs = body["read_backs"].as_array().map(Vec::as_slice).unwrap_or_default();
        Self {
            outcome: &body["outcome"],
            completed_at: &body["completed_at"],
            organization_left_at: &body["organization_left_at"],
            read_backs: read_backs.iter().map(Call::of).collect(),
        }
    }
}

impl<'a> Seal<'a> {
    fn of(seal: &'a StoredSeal, signed: &'a Signed) -> Self {
        Self {
            number: seal.number,
            head: signed.chain.head.as_deref(),
            entries: signed.chain.entries.len(),
            sha256: &seal.sha256,
            algorithm: "Ed25519",
            keyid: &seal.keyid,
            signature: &seal.sig,
            sealed_at: seal.sealed_at,
            kept_until: seal.kept_until,
            previous: signed.seal.previous.as_ref(),
        }
    }
}
