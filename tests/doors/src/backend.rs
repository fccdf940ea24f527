//! The table and the queue behind one door.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use aws_sdk_dynamodb::types::{AttributeValue, Select};
use local_stack::{
    dynamodb,
    environment::{self, Caller, Places, Podio},
    queues,
    sqs::{self, Store},
};

use crate::{deliveries::APP, measured::Kept};

const REGION: &str = "eu-central-1";
/// The index that is the work table.
const WORK_INDEX: &str = "work";
/// A key that signs nothing but what is measured: PKCS#8 of a seed of zeros.
const EVIDENCE_KEY: &str = "MC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// DynamoDB and SQS of one door; they end when this is dropped.
pub struct Backend {
    dynamodb: dynamodb::Server,
    sqs: sqs::Server,
    store: Arc<Store>,
    table: String,
}

/// A caller who has set nothing: what is measured does not depend on who measures.
struct Nobody;

impl Caller for Nobody {
    fn get(&self, _: &str) -> Option<String> {
        None
    }
}

impl Backend {
    /// Starts empty ones.
    ///
    /// # Errors
    /// They do not start.
    pub async fn start() -> anyhow::Result<Self> {
        let [table, credentials, evidence] = environment::table_names(&Nobody);
        let dynamodb = dynamodb::Server::start(None, REGION).await?;
        dynamodb.create_tables(&table, &credentials, &evidence).await?;
        let store = Arc::new(Store::in_memory(1));
        queues::create(&store)?;
        let sqs = sqs::Server::start(Arc::clone(&store), REGION).await?;
        Ok(Self { dynamodb, sqs, store, table })
    }

    /// The environment of a function, as the local stack has it.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let places = Places {
            api: "http://127.0.0.1:1".to_owned(),
            region: REGION.to_owned(),
            dynamodb: self.dynamodb.url(),
            sqs: self.sqs.url(),
            queue_url: self.sqs.queue_url(queues::JOBS),
            dead_letter_queue_url: self.sqs.queue_url(queues::DEAD_LETTERS),
        };
        // As much log as a function writes when all is well.
        let variables = environment::for_functions(
            &Nobody,
            &places,
            &Podio::At("http://127.0.0.1:1".to_owned()),
            EVIDENCE_KEY,
            "info",
        );
        let mut variables: BTreeMap<_, _> =
            variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        // An app of leavers: each event of it is something to do, so that each delivery becomes a job.
        variables.insert("LEAVERS_APP_ID".to_owned(), APP.to_owned());
        variables
    }

    /// What is in the table, in the work table and in the queue.
    ///
    /// # Errors
    /// DynamoDB does not answer, or there is no queue; that is a bug here.
    pub async fn kept(&self) -> anyhow::Result<Kept> {
        let jobs = self.items(Some(WORK_INDEX)).await?;
        Ok(Kept { stored: self.items(None).await?, jobs, queued: self.messages()? })
    }

    /// The items of the table.
    ///
    /// # Errors
    /// DynamoDB does not answer.
    pub async fn records(&self) -> anyhow::Result<Vec<HashMap<String, AttributeValue>>> {
        let client = self.dynamodb.client();
        let pages = client.scan().table_name(&self.table).into_paginator().items();
        Ok(pages.send().collect::<Result<_, _>>().await?)
    }

    /// How many items there are in the table, or in one of its indexes.
    async fn items(&self, index: Option<&str>) -> anyhow::Result<u64> {
        let client = self.dynamodb.client();
        let (mut items, mut from) = (0, None);
        loop {
            let scan = client.scan().table_name(&self.table).set_index_name(index.map(str::to_owned));
            let page = scan.select(Select::Count).set_exclusive_start_key(from).send().await?;
            items += u64::try_from(page.count())?;
            from = page.last_evaluated_key().cloned();
            if from.is_none() {
                return Ok(items);
            }
        }
    }

    fn messages(&self) -> anyhow::Result<u64> {
        let counts = self.store.read(|sqs, now| sqs.counts(queues::JOBS, now))?;
        Ok(u64::try_from(counts.visible + counts.in_flight + counts.delayed)?)
    }
}
