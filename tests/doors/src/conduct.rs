//! That doors do the same: what each says and keeps in the cases that matter, whatever it is written in.

use std::collections::BTreeMap;

use anyhow::Context as _;
use axum::body::Bytes;

use crate::{backend::Backend, contestant::Contestant, deliveries, measured::Kept};

/// What leads to the table, and where nobody listens.
const TABLE: &[(&str, &str)] = &[("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")];
/// The same of the queue. Some SDKs go by its URL.
const QUEUE: &[(&str, &str)] =
    &[("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1"), ("QUEUE_URL", "http://127.0.0.1:1/000000000000/jobs")];

/// What came of one POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was posted.
    pub case: &'static str,
    /// The answer.
    pub status: u16,
    /// What was kept of it.
    pub kept: Kept,
}

/// How a door has to behave, in the order of [`observe`].
pub const EXPECTED: [Outcome; 10] = [
    outcome("an event", 200, AS_A_JOB),
    outcome("the same event again", 200, NOTHING),
    outcome("a verification", 200, AND_WAKES),
    outcome("the same verification again", 200, NOTHING),
    outcome("a key with another last digit", 404, NOTHING),
    outcome("a part of the key", 404, NOTHING),
    outcome("another door", 404, NOTHING),
    outcome("a body without a type", 400, NOTHING),
    outcome("an event while the table is down", 503, NOTHING),
    outcome("a verification while the queue is down", 200, AS_A_JOB),
];

const NOTHING: Kept = Kept { stored: 0, jobs: 0, queued: 0 };
/// Stored once, where the next sweep finds what is to be done.
const AS_A_JOB: Kept = Kept { stored: 1, jobs: 1, queued: 0 };
/// Podio waits for the answer to a verification, so the worker is told at once.
const AND_WAKES: Kept = Kept { queued: 1, ..AS_A_JOB };

const fn outcome(case: &'static str, status: u16, kept: Kept) -> Outcome {
    Outcome { case, status, kept }
}

/// Tries a door in every case.
///
/// # Errors
/// It does not start, or does not answer.
pub async fn observe(contestant: &Contestant) -> anyhow::Result<Vec<Outcome>> {
    let cases: Vec<&str> = EXPECTED.iter().map(|outcome| outcome.case).collect();
    let secret = Backend::start().await?.variables().remove("HOOK_SECRET").context("there is no HOOK_SECRET")?;
    let (key, item, verification) =
        (deliveries::key(&secret), deliveries::item(1)?, deliveries::verification("b9079247")?);
    let mut other_key = key.clone();
    let last = if other_key.pop() == Some('0') { '1' } else { '0' };
    other_key.push(last);
    let post = |key: &str, body: &str| deliveries::event(&format!("{}/{key}", deliveries::door()), body);
    let posts = [
        post(&key, &item)?,
        post(&key, &item)?,
        post(&key, &verification)?,
        post(&key, &verification)?,
        post(&other_key, &deliveries::item(2)?)?,
        post(&key[..8], &deliveries::item(3)?)?,
        deliveries::event(&format!("/hooks/other/app/{}/{key}", deliveries::APP), &deliveries::item(4)?)?,
        post(&key, "hook_id=77&item_id=1")?,
    ];
    let mut outcomes = try_each(contestant, &cases[..8], &posts, &[]).await?;
    outcomes.extend(try_each(contestant, &cases[8..9], &posts[..1], TABLE).await?);
    outcomes.extend(try_each(contestant, &cases[9..], &posts[2..3], QUEUE).await?);
    Ok(outcomes)
}

/// Posts to a door with a table and a queue of its own, except for what is `down`.
async fn try_each(
    contestant: &Contestant,
    cases: &[&'static str],
    posts: &[Bytes],
    down: &[(&str, &str)],
) -> anyhow::Result<Vec<Outcome>> {
    let backend = Backend::start().await?;
    let mut variables: BTreeMap<String, String> = backend.variables();
    variables.extend(down.iter().map(|(name, nowhere)| ((*name).to_owned(), (*nowhere).to_owned())));
    let mut door = contestant.open(&variables).await.context(contestant.name)?;
    let mut outcomes = Vec::new();
    for (case, post) in cases.iter().zip(posts) {
        let before = backend.kept().await?;
        let status = door.deliver(post.clone()).await.with_context(|| format!("{}: {case}", contestant.name))?.status;
        outcomes.push(Outcome { case, status, kept: backend.kept().await?.since(before) });
    }
    door.process.stop().await?;
    Ok(outcomes)
}

/// In which cases a door behaves otherwise than expected.
pub fn deviations(name: &str, outcomes: &[Outcome]) -> Vec<String> {
    let said = |outcome: &Outcome| {
        let Kept { stored, jobs, queued } = outcome.kept;
        format!("{}, {stored} stored, {jobs} jobs, {queued} queued", outcome.status)
    };
    let differs = |expected: &&Outcome| !outcomes.contains(expected);
    let found = |case| outcomes.iter().find(|outcome| outcome.case == case).map_or("not tried".to_owned(), said);
    EXPECTED
        .iter()
        .filter(differs)
        .map(|expected| format!("{name}: {}: {}, not {}", expected.case, found(expected.case), said(expected)))
        .collect()
}
