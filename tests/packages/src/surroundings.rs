//! DynamoDB, SQS and Podio for functions that are measured, and one of these as a process.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use door_table::door::Door;
use local_stack::{
    dynamodb,
    environment::{self, Caller, Places, Podio},
    queues,
    sqs::{self, Store},
};
use podio_aws::DynamoStore;
use podio_sandbox::{Config, Population, Profile, Quota, Running, Sandbox};

/// A key that signs nothing but what is measured: PKCS#8 of a seed of zeros.
const EVIDENCE_KEY: &str = "MC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// Where everything is.
pub const REGION: &str = "eu-central-1";
/// How long a function may take for one step before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(60);
/// More calls than any measurement takes.
const CALLS: u32 = 5_000;
/// So short a window that nothing is waited for: removals keep a pace that is a part of it (ten calls in four seconds of an hour).
const WINDOW_SECONDS: u32 = 60;

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
        let quota = Quota {
            limit: CALLS,
            general_limit: None,
            window_seconds: WINDOW_SECONDS,
            ..Quota::of(Profile::Documented)
        };
        let population = Population::new(3).members(40).spaces(10);
        let podio = Sandbox::start(Config { population, quota, ..Config::new(Profile::Documented) }).await?;
        let [table, credentials, evidence] = environment::table_names(&Nobody);
        let dynamodb = dynamodb::Server::start(None, REGION).await?;
        dynamodb.create_tables(&table, &credentials, &evidence).await?;
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

    fn variables(&self) -> BTreeMap<String, String> {
        let places = Places {
            api: "http://127.0.0.1:1".to_owned(),
            region: REGION.to_owned(),
            dynamodb: self.dynamodb.url(),
            sqs: self.sqs.url(),
            queue_url: self.sqs.queue_url(queues::JOBS),
            dead_letter_queue_url: self.sqs.queue_url(queues::DEAD_LETTERS),
        };
        let variables =
            environment::for_functions(&Nobody, &places, &Podio::At(self.podio.url()), EVIDENCE_KEY, "info");
        let mut variables: BTreeMap<_, _> =
            variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let (calls, window) = (CALLS.to_string(), WINDOW_SECONDS.to_string());
        let own = [
            ("QUOTA_LIMIT", calls.as_str()),
            ("QUOTA_WINDOW_SECONDS", &window),
            ("MASS_OFFBOARDING_THRESHOLD", "10000"),
        ];
        variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        variables
    }

    /// Starts a function.
    ///
    /// # Errors
    /// It does not start.
    pub async fn function(&self, binary: &Path) -> anyhow::Result<Door> {
        Door::open(&[binary], &self.variables(), PATIENCE).await
    }
}
