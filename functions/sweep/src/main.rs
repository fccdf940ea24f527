//! The function `sweep`: wires [`sweep::Sweep`] to DynamoDB and SQS.

use std::{process::ExitCode, sync::Arc};

use jiff::SignedDuration;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use podio_aws::{
    DynamoStore, config,
    metrics::EmbeddedMetrics,
    queue::{SqsDeadLetters, SqsJobs},
    runtime::{self, SystemClock, SystemRandom},
    settings::{Problem, SettingError, Settings},
};
use podio_engine::quota::{Ceiling, PATIENCE};
use podio_lifecycle::{
    credentials::kept_alive,
    hooks::{HookList, kept},
    ports::Clock,
};
use serde_json::Value;
use sweep::{Ports, Sweep};

// A function has a part of one processor: threads would only make its start longer.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run(serve()).await
}

async fn serve() -> Result<(), Error> {
    let settings = Settings::environment();
    let window = settings.seconds_or("QUOTA_WINDOW_SECONDS", SignedDuration::from_hours(1))?;
    let configured = Ceiling::new(settings.integer_or("QUOTA_LIMIT", 250)?, window)
        .ok_or_else(|| SettingError::new("QUOTA_LIMIT", Problem::Malformed("at least 1")))?;
    let patience = settings.seconds_or("SWEEP_PATIENCE_SECONDS", PATIENCE)?.min(PATIENCE);
    let hooks: HookList = settings.find_hooks("HOOKS")?.unwrap_or_default();
    let clock = Arc::new(SystemClock);
    let mut standing: Vec<_> = hooks.all().iter().map(|wanted| kept(&wanted.on, clock.now())).collect();
    standing.push(kept_alive(clock.now()));
    let organizations = settings.organizations("PODIO_ORG_ID")?;
    let audits = settings.audit_schedule("AUDIT_SCHEDULE")?;
    let sdk = config::sdk_config();
    let store = Arc::new(DynamoStore::new(config::dynamodb(&sdk), settings.text("TABLE_NAME")?));
    let queues = config::sqs(&sdk);
    let ports = Ports {
        due: store.clone(),
        audits: store.clone(),
        quota: store.clone(),
        work: store.clone(),
        pause: store,
        metrics: Arc::new(EmbeddedMetrics),
        queue: Arc::new(SqsJobs::new(queues.clone(), settings.text("QUEUE_URL")?)),
        dead_letters: Arc::new(SqsDeadLetters::new(queues, settings.text("DEAD_LETTER_QUEUE_URL")?)),
        clock,
        random: Arc::new(SystemRandom),
    };
    let sweep = &Sweep::new(ports, configured, patience).with_standing(standing);
    let sweep = &sweep.clone().with_audits(audits, organizations);
    lambda_runtime::run(service_fn(async |_: LambdaEvent<Value>| sweep.run().await.map_err(Error::from))).await
}
