//! The function `sweep`: wires [`sweep::Sweep`] to DynamoDB and SQS.

use std::{process::ExitCode, sync::Arc};

use jiff::SignedDuration;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use podio_aws::{
    DynamoStore, config,
    metrics::EmbeddedMetrics,
    queue::{SqsDeadLetters, SqsJobs},
    runtime::{self, SystemClock},
    settings::Settings,
};
use podio_lifecycle::hooks::HookList;
use serde_json::Value;
use sweep::{Ports, Sweep};

/// How long after the expected moment something counts as lost.
const PATIENCE: &str = "SWEEP_PATIENCE_SECONDS";

// A function has a part of one processor: threads would only make its start longer.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run(serve()).await
}

async fn serve() -> Result<(), Error> {
    let settings = Settings::environment();
    let patience = settings.seconds_or(PATIENCE, SignedDuration::from_mins(5))?;
    let hooks: HookList = settings.find_hooks("HOOKS")?.unwrap_or_default();
    let hooked = hooks.all().iter().map(|wanted| wanted.on.clone()).collect();
    let sdk = config::sdk_config();
    let store = Arc::new(DynamoStore::new(config::dynamodb(&sdk), settings.text("TABLE_NAME")?));
    let queues = config::sqs(&sdk);
    let ports = Ports {
        due: store.clone(),
        offboardings: store.clone(),
        changes: store.clone(),
        removals: store.clone(),
        due_deliveries: store.clone(),
        deliveries: store.clone(),
        kept: store,
        metrics: Arc::new(EmbeddedMetrics),
        jobs: Arc::new(SqsJobs::new(queues.clone(), settings.text("QUEUE_URL")?)),
        dead_letters: Arc::new(SqsDeadLetters::new(queues, settings.text("DEAD_LETTER_QUEUE_URL")?)),
        clock: Arc::new(SystemClock),
    };
    let sweep = &Sweep::new(ports, patience).keeping_hooks(hooked);
    lambda_runtime::run(service_fn(async |_: LambdaEvent<Value>| sweep.run().await.map_err(Error::from))).await
}
