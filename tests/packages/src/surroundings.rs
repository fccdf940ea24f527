//! DynamoDB, SQS and Podio for functions that are measured, and one of these as a process.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use door_table::process::Process;
use local_stack::{
    dynamodb,
    environment::{self, Caller, Places, Podio},
    queues,
    sqs::{self, Store},
};
use podio_aws::DynamoStore;
use podio_sandbox::{Config, Population, Profile, Quota, Running, Sandbox};

use crate::runtime::Runtime;

/// Where everything is.
pub const REGION: &str = "eu-central-1";
/// More calls than any measurement takes.
const CALLS: u32 = 5_000;

/// A caller who has set nothing: what is measured does not depend on who measures.
struct Nobody;

impl Caller for Nobody {
    fn get(&self, _: &str) -> Option<String> {
        None
    }
}

/// Everything around a function; it ends when this is dropped.
pub struct Surroundings {
    /// Podio.
    pub podio: Running,
    /// The queues.
    pub queues: Arc<Store>,
    dynamodb: dynamodb::Server,
    sqs: sqs::Server,
    table: String,
}

impl Surroundings {
    /// Starts empty ones.
    ///
    /// # Errors
    /// They do not start.
    pub async fn start() -> anyhow::Result<Self> {
        let quota = Quota { limit: CALLS, general_limit: None, ..Quota::of(Profile::Documented) };
        let population = Population::new(3).members(40).spaces(10);
        let podio = Sandbox::start(Config { population, quota, ..Config::new(Profile::Documented) }).await?;
        let (table, credentials) = environment::table_names(&Nobody);
        let dynamodb = dynamodb::Server::start(None, REGION).await?;
        dynamodb.create_tables(&table, &credentials).await?;
        let queues = Arc::new(Store::in_memory(1));
        queues::create(&queues)?;
        let sqs = sqs::Server::start(Arc::clone(&queues), REGION).await?;
        Ok(Self { podio, queues, dynamodb, sqs, table })
    }

    /// The state table.
    pub fn store(&self) -> DynamoStore {
        DynamoStore::new(self.dynamodb.client(), &self.table)
    }

    /// The ARN of the job queue.
    pub fn jobs_arn(&self) -> String {
        self.sqs.queue_arn(queues::JOBS)
    }

    fn variables(&self, runtime: &str) -> BTreeMap<String, String> {
        let places = Places {
            api: "http://127.0.0.1:1".to_owned(),
            region: REGION.to_owned(),
            dynamodb: self.dynamodb.url(),
            sqs: self.sqs.url(),
            queue_url: self.sqs.queue_url(queues::JOBS),
            dead_letter_queue_url: self.sqs.queue_url(queues::DEAD_LETTERS),
        };
        let variables = environment::for_functions(&Nobody, &places, &Podio::At(self.podio.url()), "info");
        let mut variables: BTreeMap<_, _> =
            variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let calls = CALLS.to_string();
        let own = [
            ("QUOTA_LIMIT", calls.as_str()),
            ("MASS_OFFBOARDING_THRESHOLD", "10000"),
            ("AWS_LAMBDA_RUNTIME_API", runtime),
            ("AWS_LAMBDA_FUNCTION_NAME", "measured"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/measured"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ];
        variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        variables
    }

    /// Starts a function; how long it took until it asked for work.
    ///
    /// # Errors
    /// It does not start.
    pub async fn function(&self, binary: &Path) -> anyhow::Result<(Runtime, Process, Duration)> {
        let mut runtime = Runtime::start().await?;
        let variables = self.variables(runtime.address());
        let variables = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let process = Process::start(&[binary], variables)?;
        let asked = runtime.asked().await?;
        let took = asked.duration_since(process.started);
        Ok((runtime, process, took))
    }
}
