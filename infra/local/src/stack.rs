//! The whole stack: what starts first, what it tells when it is ready, and what ends it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    client,
    clock::{self, Clock},
    data::Folder,
    dynamodb,
    environment::{self, Caller, Places, Variables},
    evidence_key,
    functions::Function,
    gateway::{Doorway, Gateway},
    host::{self, Host, InvokeError, Supervisor},
    podio::{Choice, Podio},
    pump::{Pump, Source},
    queues,
    running::Running,
    sqs,
};

/// Two instances of each function: enough that parallel requests meet.
const CONCURRENCY: usize = 2;

/// How long a function may take to its first answer.
const STARTING: Duration = Duration::from_secs(30);

/// How to start a stack.
#[derive(Clone)]
pub struct Options {
    /// The folder with the root Cargo.toml.
    pub workspace: PathBuf,
    /// Which Podio to use.
    pub podio: Choice,
    /// The gateway's port; 0 takes a free one.
    pub port: u16,
    /// The path that the API is served under, such as `/podio`, as behind a custom domain; empty for none.
    pub base_path: String,
    /// Keeps the data for the next run.
    pub data: Option<PathBuf>,
    /// Run the release profile's binaries.
    pub release: bool,
    /// How often the sweep runs.
    pub sweep_pace: Duration,
    /// What the functions log, unless `RUST_LOG` says otherwise.
    pub log: &'static str,
    /// The hooks that are kept registered, in place of the caller's `HOOKS`.
    pub hooks: Option<String>,
}

impl Options {
    /// A stack on free ports that keeps nothing and runs the workspace it was built in.
    pub fn new(podio: Choice) -> Self {
        Self {
            workspace: workspace(),
            podio,
            port: 0,
            base_path: String::new(),
            data: None,
            release: false,
            sweep_pace: Duration::from_secs(60),
            log: "info",
            hooks: None,
        }
    }
}

/// The workspace that this was built in.
pub fn workspace() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own).to_owned()
}

/// A running stack. [`Stack::stop`] ends it in order; dropping it ends it, too, but waits for nothing.
pub struct Stack {
    gateway: Gateway,
    clock: Clock,
    pump: Pump,
    supervisor: Supervisor,
    host: Host,
    sqs: sqs::Server,
    store: Arc<sqs::Store>,
    dynamodb: dynamodb::Server,
    podio: Podio,
    folder: Option<Folder>,
    variables: Variables,
}

impl Stack {
    /// Builds the functions, starts everything, and returns when everything answers.
    ///
    /// # Errors
    /// A part does not start; the sentence says which.
    pub async fn start(options: Options, caller: &impl Caller) -> anyhow::Result<Self> {
        let workspace = options.workspace;
        let cache = workspace.join(".cache");
        let cargo_lambda = host::install::cargo_lambda(&cache).await?;
        let binaries = host::build::functions(&workspace, options.release).await?;

        let folder = options.data.as_deref().map(Folder::take).transpose()?;
        let data = folder.as_ref().map(Folder::path);
        let region = environment::region(caller);
        let podio = Podio::start(options.podio, data).await?;

        let [table, credentials_table, evidence_table] = environment::table_names(caller);
        let dynamodb =
            dynamodb::Server::start(data.map(|data| data.join("dynamodb.sqlite")).as_deref(), &region).await?;
        dynamodb
            .create_tables(&table, &credentials_table, &evidence_table)
            .await
            .context("the tables cannot be created")?;

        let store = Arc::new(open_queues(data)?);
        let sqs = sqs::Server::start(Arc::clone(&store), &region).await?;
        let doorway = Doorway::take(options.port, &options.base_path).await?;
        let places = Places {
            api: doorway.url(),
            region: region.clone(),
            dynamodb: dynamodb.url(),
            sqs: sqs.url(),
            queue_url: sqs.queue_url(queues::JOBS),
            dead_letter_queue_url: sqs.queue_url(queues::DEAD_LETTERS),
        };
        let evidence_key = evidence_key::own(data)?;
        let mut variables =
            environment::for_functions(caller, &places, &podio.for_functions(), &evidence_key, options.log);
        variables.extend(options.hooks.map(|hooks| ("HOOKS".to_owned(), Some(hooks))));
        let (host, supervisor) = host::start(host::Config {
            workspace: workspace.clone(),
            cargo_lambda,
            binaries,
            cache,
            concurrency: CONCURRENCY,
            environment: variables.clone(),
        })
        .await?;

        let gateway = Gateway::start(host.clone(), doorway, &workspace)?;
        warm(&host, &gateway, &region).await?;
        let source =
            Source { queue: queues::JOBS.to_owned(), arn: sqs.queue_arn(queues::JOBS), region: region.clone() };
        let pump = Pump::start(&store, &host, &source);
        let clock = Clock::start(host.clone(), region, options.sweep_pace);
        Ok(Self { gateway, clock, pump, supervisor, host, sqs, store, dynamodb, podio, folder, variables })
    }

    /// The address that callers see.
    pub fn api(&self) -> String {
        self.gateway.url()
    }

    /// Podio.
    pub fn podio(&self) -> &Podio {
        &self.podio
    }

    /// The queues.
    pub fn queues(&self) -> &sqs::Store {
        &self.store
    }

    /// The functions.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// What it runs with. What it logs is left to who runs a function by hand: cargo-lambda goes by the same variable.
    pub fn running(&self) -> Running {
        let data =
            self.folder.as_ref().map(Folder::path).map(|path| path.canonicalize().unwrap_or_else(|_| path.to_owned()));
        let mut variables = self.variables.clone();
        variables.remove("RUST_LOG");
        Running { since: Timestamp::now(), port: self.gateway.port(), data, variables }
    }

    /// What `up` prints when everything answers.
    pub fn ready_line(&self) -> Value {
        json!({
            "ready": true,
            "api": self.api(),
            "podio": self.podio.url(),
            "dynamodb": self.dynamodb.url(),
            "sqs": self.sqs.url(),
        })
    }

    /// Ends everything: the doors first, then the functions, then what they use.
    pub async fn stop(self) {
        self.gateway.stop().await;
        self.clock.stop().await;
        self.pump.stop().await;
        self.supervisor.stop().await;
        self.sqs.stop().await;
        self.dynamodb.stop().await;
        self.podio.stop().await;
        if let Err(error) = self.store.flush() {
            tracing::error!(%error, "the queue's file could not be written");
        }
    }
}

fn open_queues(data: Option<&Path>) -> anyhow::Result<sqs::Store> {
    // Different in each run, so that ids of two runs never meet.
    let seed = u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default();
    let store = match data {
        Some(data) => sqs::Store::kept_in(&data.join("sqs.json"), seed)?,
        None => sqs::Store::in_memory(seed),
    };
    queues::create(&store).context("the queues cannot be created")?;
    Ok(store)
}

/// Starts a process of each function, so that the first caller does not wait for it. The sweep's first run is a real one.
async fn warm(host: &Host, gateway: &Gateway, region: &str) -> anyhow::Result<()> {
    let sweep = clock::scheduled_event(region, Timestamp::now());
    let no_messages = json!({"Records": []});
    let hooks = json!({
        "version": "2.0", "rawPath": "/hooks/podio", "rawQueryString": "", "headers": {}, "isBase64Encoded": false,
        "requestContext": {"http": {"method": "GET", "path": "/hooks/podio"}},
    });
    let scim = json!({
        "version": "2.0", "rawPath": "/scim/v2", "rawQueryString": "", "headers": {}, "isBase64Encoded": false,
        "requestContext": {"http": {"method": "GET", "path": "/scim/v2"}},
    });
    tokio::try_join!(
        healthy(gateway),
        answers(host, Function::Scim, &scim),
        answers(host, Function::Hooks, &hooks),
        answers(host, Function::Worker, &no_messages),
        answers(host, Function::Sweep, &sweep),
    )?;
    Ok(())
}

async fn answers(host: &Host, function: Function, event: &Value) -> anyhow::Result<()> {
    match timeout(STARTING, host.invoke(function, event)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(InvokeError::Function(_))) => anyhow::bail!("the function {function} fails; its log above says why"),
        Ok(Err(InvokeError::Unreachable)) | Err(_) => {
            anyhow::bail!("the function {function} does not start; its own words are above")
        }
    }
}

async fn healthy(gateway: &Gateway) -> anyhow::Result<()> {
    let url = format!("{}/health", gateway.url());
    let answer = client::loopback()?.get(url).timeout(STARTING).send().await;
    let status = answer.context("the function api does not start; its own words are above")?.status();
    anyhow::ensure!(status.is_success(), "the function api is not healthy ({status}); its log is above");
    Ok(())
}
