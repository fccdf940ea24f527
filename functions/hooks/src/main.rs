//! The function `hooks`: wires [`hooks::answer`] to DynamoDB and SQS.

use std::{convert::Infallible, process::ExitCode, sync::Arc, time::Duration};

use hooks::{Event, Ports, Reply, SECRETS, Settings};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use podio_aws::{
    DynamoStore, config,
    queue::SqsJobs,
    runtime::{self, SystemClock},
    secrets,
    settings::Settings as Source,
};
use podio_lifecycle::ports::ReadQuota;

/// How long the start waits for a first answer of DynamoDB's.
const WARM_UP: Duration = Duration::from_secs(1);

// One delivery at a time: a second thread would only be woken and put to sleep again, several times for each of them.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // A task is woken by a place in a line; the first future of a runtime by a call of the kernel, at each answer that arrives.
    runtime::run(async { tokio::spawn(serve()).await.map_err(Error::from).flatten() }).await
}

async fn serve() -> Result<(), Error> {
    let sdk = config::sdk_config();
    let source = secrets::overlay(Source::environment(), &sdk, &SECRETS).await?;
    let settings = Settings::read(&source)?;
    let store = Arc::new(DynamoStore::new(config::dynamodb(&sdk), source.text("TABLE_NAME")?));
    let jobs = SqsJobs::new(config::sqs(&sdk), source.text("QUEUE_URL")?);
    // The first call pays for the connection; the start is the cheap moment for it. Its answer does not matter: this
    // function's role may not even read.
    let _ = tokio::time::timeout(WARM_UP, store.quota()).await;
    let ports = Ports { accept: store, jobs: Arc::new(jobs), clock: Arc::new(SystemClock) };
    let door = Arc::new((ports, settings));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| {
        let door = Arc::clone(&door);
        async move {
            let (ports, settings) = &*door;
            let answer = hooks::answer(ports, settings, &event.payload.into_posted()).await;
            Ok::<_, Infallible>(Reply::from(answer))
        }
    }))
    .await
}
