//! The function `worker`: wires [`worker::Worker`] to DynamoDB, SQS and Podio.

use std::{process::ExitCode, sync::Arc, time::Duration};

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use podio_aws::{
    DynamoCredentials, DynamoStore, EventBridge, config,
    metrics::EmbeddedMetrics,
    queue::SqsJobs,
    runtime::{self, SystemClock, SystemRandom},
    secrets,
    settings::Settings as Source,
};
use podio_client::Podio;
use podio_engine::ports::ReadQuota;
use podio_lifecycle::{evidence::Journal, ports::PublishEvents};
use worker::{
    Ports, Tokens, Worker,
    settings::{self, Settings},
};

/// How long the start waits for a first answer of DynamoDB's.
const WARM_UP: Duration = Duration::from_secs(1);

// A function has a part of one processor: threads would only make its start longer.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run(serve()).await
}

async fn serve() -> Result<(), Error> {
    let sdk = config::sdk_config();
    let source = secrets::overlay(Source::environment(), &sdk, &settings::SECRETS).await?;
    let settings = Settings::read(&source)?;
    let dynamodb = config::dynamodb(&sdk);
    let store = DynamoStore::new(dynamodb.clone(), source.text("TABLE_NAME")?);
    let store = Arc::new(store.with_evidence(source.text("EVIDENCE_TABLE_NAME")?));
    let credentials = Arc::new(DynamoCredentials::new(dynamodb, source.text("CREDENTIALS_TABLE_NAME")?));
    let jobs = Arc::new(SqsJobs::new(config::sqs(&sdk), source.text("QUEUE_URL")?));
    let events = source
        .find("EVENT_BUS_NAME")
        .map(|bus| -> Arc<dyn PublishEvents> { Arc::new(EventBridge::new(config::eventbridge(&sdk), bus)) });
    // The first call pays for the connection; the start is the cheap moment for it. Its answer does not matter.
    let _ = tokio::time::timeout(WARM_UP, store.quota()).await;
    let clock = Arc::new(SystemClock);
    let podio = Podio::new(&settings.podio_url).map_err(|error| format!("PODIO_API_URL: {error}"))?;
    let tokens =
        Tokens::new(credentials, clock.clone(), podio.clone(), settings.client, settings.grants, settings.origin);
    let ports = Ports {
        offboardings: store.clone(),
        changes: store.clone(),
        removals: store.clone(),
        turns: store.clone(),
        deliveries: store.clone(),
        events,
        removed: store.clone(),
        accept: store.clone(),
        leaver_items: store.clone(),
        record: Arc::new(Journal::new(
            store.clone(),
            settings.policy.evidence_key.clone(),
            settings.policy.evidence_retention,
        )),
        calls: store.clone(),
        audits: store.clone(),
        auditing: store.clone(),
        members: store.clone(),
        member_changes: store.clone(),
        evidence: store.clone(),
        quota: store.clone(),
        work: store.clone(),
        pause: store.clone(),
        capabilities: store,
        queue: jobs,
        metrics: Arc::new(EmbeddedMetrics),
        clock,
        random: Arc::new(SystemRandom),
    };
    let worker = &Worker::new(ports, settings.policy, podio, tokens);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        worker.handle_event(event.payload).await.map_err(Error::from)
    }))
    .await
}
