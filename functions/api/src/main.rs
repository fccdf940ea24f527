//! The function `api`: wires [`api::handle`] to DynamoDB and SQS.

use std::{process::ExitCode, sync::Arc, time::Duration};

use api::{Ports, Settings, settings};
use lambda_http::{Error, Request, service_fn};
use podio_aws::{
    DynamoStore,
    config::{self, DOOR_QUEUE, DOOR_STORAGE},
    metrics::EmbeddedMetrics,
    queue::SqsJobs,
    runtime::{self, SystemClock, SystemRandom},
    secrets,
    settings::Settings as Source,
};
use podio_engine::ports::ReadQuota;

/// How long the start waits for a first answer of DynamoDB's.
const WARM_UP: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> ExitCode {
    runtime::run(serve()).await
}

async fn serve() -> Result<(), Error> {
    let sdk = config::sdk_config();
    let source = secrets::overlay(Source::environment(), &sdk, &settings::SECRETS).await?;
    let settings = Settings::read(&source)?;
    let store = DynamoStore::new(config::dynamodb(&config::hurried(&sdk, DOOR_STORAGE)), source.text("TABLE_NAME")?);
    let store = Arc::new(store.with_evidence(source.text("EVIDENCE_TABLE_NAME")?));
    let jobs = SqsJobs::new(config::sqs(&config::hurried(&sdk, DOOR_QUEUE)), source.text("QUEUE_URL")?);
    // The first call pays for the connection; the start is the cheap moment for it. Its answer does not matter.
    let _ = tokio::time::timeout(WARM_UP, store.quota()).await;
    let ports = Ports {
        accept: store.clone(),
        read: store.clone(),
        write: store.clone(),
        calls: store.clone(),
        evidence: store.clone(),
        quota: store.clone(),
        audits: store.clone(),
        members: store.clone(),
        rosters: store.clone(),
        work: store.clone(),
        pause: store,
        wake: Arc::new(jobs.within(DOOR_QUEUE)),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        metrics: Arc::new(EmbeddedMetrics),
    };
    let (ports, settings) = (&ports, &settings);
    lambda_http::run(service_fn(async |request: Request| Ok::<_, Error>(api::handle(ports, settings, request).await)))
        .await
}
