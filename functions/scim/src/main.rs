//! The function `scim`: wires [`scim::handle`] to DynamoDB and SQS.

use std::{process::ExitCode, sync::Arc, time::Duration};

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
use scim::{Ports, SECRETS, Settings};

/// How long the start waits for a first answer of DynamoDB's.
const WARM_UP: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> ExitCode {
    runtime::run(serve()).await
}

async fn serve() -> Result<(), Error> {
    let sdk = config::sdk_config();
    let source = secrets::overlay(Source::environment(), &sdk, &SECRETS).await?;
    let settings = Settings::read(&source)?;
    let store = DynamoStore::new(config::dynamodb(&config::hurried(&sdk, DOOR_STORAGE)), source.text("TABLE_NAME")?);
    let store = Arc::new(store);
    let jobs = SqsJobs::new(config::sqs(&config::hurried(&sdk, DOOR_QUEUE)), source.text("QUEUE_URL")?);
    // The first call pays for the connection; the start is the cheap moment for it. Its answer does not matter.
    let _ = tokio::time::timeout(WARM_UP, store.quota()).await;
    let ports = Ports {
        users: store.clone(),
        accept: store.clone(),
        read: store.clone(),
        write: store,
        wake: Arc::new(jobs.within(DOOR_QUEUE)),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        metrics: Arc::new(EmbeddedMetrics),
    };
    let (ports, settings) = (&ports, &settings);
    lambda_http::run(service_fn(async |request: Request| Ok::<_, Error>(scim::handle(ports, settings, request).await)))
        .await
}
