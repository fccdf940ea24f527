//! The worker at work: a thousand space removals and what belongs to them, one batch after the other.

use std::{collections::BTreeSet, path::Path, time::Duration};

use anyhow::Context as _;
use jiff::Timestamp;
use local_stack::{pump::event::sqs_event, queues::JOBS};
use podio_aws::queue::twin::{Entry, NewMessage, Receive};
use podio_engine::Message;
use podio_lifecycle::{
    ids::{OffboardingId, OrgId},
    offboarding::{End, Offboarding, Person, Request, State},
    ports::{AcceptOffboardings, ReadOffboardings},
};
use podio_sandbox::{
    population::ORG_ID,
    state::{SpaceKind, SpaceRole},
};
use serde_json::Value;

use crate::surroundings::{REGION, Surroundings};

/// Each leaves twelve spaces: a thousand removals and eight.
const LEAVERS: u16 = 84;
const SPACES: u16 = 12;
/// More batches than it takes.
const BATCHES: usize = 5_000;
const WAIT: Duration = Duration::from_secs(1);

/// What draining took.
#[derive(Debug, Clone, Copy)]
pub struct Drained {
    /// Messages that were done.
    pub jobs: u64,
    /// Memory of the process at its peak, in bytes.
    pub peak: u64,
}

/// Lets the worker drain its queue.
///
/// # Errors
/// It fails, or somebody is not removed in the end.
pub async fn drain(worker: &Path) -> anyhow::Result<Drained> {
    let around = Surroundings::start().await?;
    let ids = post(&around).await?;
    let mut function = around.function(worker).await?;
    let (arn, mut jobs) = (around.jobs_arn(), 0);
    for _ in 0..BATCHES {
        let batch = around.queues.receive(JOBS, &Receive::up_to(10), WAIT).await?;
        if batch.is_empty() {
            if all_removed(&around, &ids).await? {
                let peak = function.process.peak_memory()? * 1024;
                function.process.stop().await?;
                return Ok(Drained { jobs, peak });
            }
            continue;
        }
        let answer = function.invoke(sqs_event(&batch, &arn, REGION).to_string().into()).await?;
        let failed = failures(&answer)?;
        let done = batch.iter().filter(|message| !failed.contains(message.message_id.as_str()));
        let entries: Vec<_> =
            done.map(|message| Entry::new(message.message_id.as_str(), message.receipt_handle.clone())).collect();
        jobs += entries.len() as u64;
        if !entries.is_empty() {
            around.queues.write(|sqs, now| sqs.delete_batch(JOBS, entries, now))?;
        }
    }
    anyhow::bail!("there is no end to it")
}

fn failures(answer: &[u8]) -> anyhow::Result<BTreeSet<String>> {
    let answer: Value = serde_json::from_slice(answer)?;
    let items = answer["batchItemFailures"].as_array().cloned().unwrap_or_default();
    let id = |item: Value| item["itemIdentifier"].as_str().map(str::to_owned).context("a failure without a message");
    items.into_iter().map(id).collect()
}

/// Leavers in spaces that others run, accepted as the API accepts them.
async fn post(around: &Surroundings) -> anyhow::Result<Vec<OffboardingId>> {
    let (store, now) = (around.store(), Timestamp::now());
    around.podio.with_state(|state| {
        let admin = state.org_members(ORG_ID).into_iter().next();
        for leaver in 0..LEAVERS {
            let user = state.create_person(now, "Somebody", &mail(leaver));
            state.join_org(now, ORG_ID, user);
            for n in 0..SPACES {
                let space = state.create_space(now, ORG_ID, &format!("Team {leaver}.{n}"), SpaceKind::Regular);
                if let Some(admin) = admin {
                    state.add_to_space(now, space, admin, SpaceRole::Admin);
                }
                state.add_to_space(now, space, user, SpaceRole::Regular);
            }
        }
    });
    let mut ids = Vec::new();
    for leaver in 0..LEAVERS {
        let mut random = [0; 10];
        random[8..].copy_from_slice(&leaver.to_be_bytes());
        let id = OffboardingId::new(now, random);
        let request = Request::new(
            Person::Email(mail(leaver).parse()?),
            podio_lifecycle::source::Source::Api { name: "hr".to_owned() },
        );
        let offboarding = Offboarding::accept(id.clone(), OrgId(ORG_ID.0), request, now);
        store.create(&offboarding, None).await?;
        let body = Message::Wake.encode();
        around.queues.write(|sqs, now| sqs.send(JOBS, NewMessage::new(body), now))?;
        ids.push(id);
    }
    Ok(ids)
}

fn mail(leaver: u16) -> String {
    format!("leaver{leaver}@example.com")
}

async fn all_removed(around: &Surroundings, ids: &[OffboardingId]) -> anyhow::Result<bool> {
    let store = around.store();
    for id in ids {
        let offboarding = store.load(id).await?.context("an offboarding is lost")?;
        match &offboarding.state {
            State::Completed { end: End::Removed { .. }, .. } => {}
            State::Held { .. } | State::Failed { .. } | State::Cancelled { .. } | State::Completed { .. } => {
                anyhow::bail!("an offboarding is {}", offboarding.state.name())
            }
            _ => return Ok(false),
        }
    }
    Ok(true)
}
