//! Some leavers, from the POST to the proof, and all requests that their offboardings cause.
//!
//! Each leaves spaces that nobody else leaves meanwhile, so that no call and no write serves two of them.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use anyhow::Context as _;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use jiff::SignedDuration;
use lambda_http::{Body, http};
use local_stack::dynamodb;
use podio_aws::{
    DynamoCredentials, DynamoStore,
    queue::{
        MemoryDeadLetters, MemoryJobs,
        twin::{Receive, Settings, Sqs},
    },
    twin::Moment,
};
use podio_client::{
    ClientSecret, Podio, RefreshToken,
    oauth::{ClientCredentials, Grant},
};
use podio_engine::{
    Message,
    quota::{Ceiling, PATIENCE},
};
use podio_lifecycle::{
    credentials::kept_alive,
    evidence::{Journal, SigningKey},
    ids::OrgId,
    ports::{Clock as _, Metric, Metrics, Random},
};
use podio_sandbox::{
    Config, Population, Profile, Running, Sandbox, config,
    population::ORG_ID,
    state::{SpaceKind, SpaceRole},
};
use podio_signatures::bearer::Tokens as Bearers;
use serde_json::{Value, json};
use stories::VirtualClock;
use sweep::Sweep;
use worker::{HookPolicy, Policy, Tokens, Worker};

use crate::{
    meter::{Consumed, Meter},
    prices::{AWS_SECONDS, PODIO_MILLIS},
};

const REGION: &str = "eu-central-1";
const JOBS: &str = "jobs";
const DEAD: &str = "dead";
const TOKEN: &str = "a-token-for-the-table-0001";
/// More turns than any run takes.
const TURNS: usize = 10_000;

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counted {
    /// Leavers.
    pub leavers: u32,
    /// Spaces of all of them.
    pub spaces: u32,
    /// What DynamoDB was asked, and what that consumed.
    pub dynamodb: Consumed,
    /// Requests that send messages, up to ten with each.
    pub sends: u64,
    /// Batches that were received, and handed to the worker.
    pub batches: u64,
    /// Requests that delete what is done.
    pub deletes: u64,
    /// Other requests of the sweep's.
    pub looks: u64,
    /// Requests to the API.
    pub api_requests: u64,
    /// Milliseconds that the worker waited for Podio, or for a moment that was near.
    pub waited_millis: i64,
}

impl Counted {
    /// Requests to SQS.
    pub fn sqs_requests(&self) -> u64 {
        self.sends + self.batches + self.deletes + self.looks
    }

    /// Requests to AWS that a function waits for; the event source's own are none of them.
    pub fn aws_requests(&self) -> u64 {
        self.dynamodb.requests + self.sends + self.looks
    }

    /// Invocations of functions.
    pub fn invocations(&self) -> f64 {
        (self.batches + self.api_requests) as f64
    }

    /// The time that functions are billed for.
    pub fn seconds(&self) -> f64 {
        self.waited_millis as f64 / 1e3 + self.aws_requests() as f64 * AWS_SECONDS
    }
}

struct Counting(AtomicU64);

impl Random for Counting {
    fn bytes(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[2..].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        bytes
    }
}

struct Uncounted;

impl Metrics for Uncounted {
    fn add(&self, _: Metric, _: u64) {}
}

/// The product with a meter in it.
pub struct Product {
    clock: Arc<VirtualClock>,
    podio: Running,
    _dynamodb: dynamodb::Server,
    meter: Meter,
    sqs: Arc<Mutex<Sqs>>,
    /// Requests that send messages.
    asked: Arc<AtomicU64>,
    /// Why people leave: the one part of a request that may be long.
    pub reason: String,
    api: (api::Ports, api::Settings),
    worker: Worker,
    sweep: Sweep,
    counted: Counted,
}

impl Product {
    /// One that has done nothing yet.
    ///
    /// # Errors
    /// A part does not start.
    pub async fn start() -> anyhow::Result<Self> {
        let clock = Arc::new(VirtualClock::new("2026-12-01T08:00:00Z".parse()?));
        clock.slow_down(SignedDuration::from_millis(PODIO_MILLIS));
        let population = Population::new(3).members(40).spaces(10);
        let podio = Config { population, clock: clock.clone(), ..Config::new(Profile::Documented) };
        let podio = Sandbox::start(podio).await?;
        let server = dynamodb::Server::start(None, REGION).await?;
        server.create_tables("state", "credentials", "evidence").await?;
        let meter = Meter::before(server.url()).await?;
        let client = client(meter.url());
        let store = Arc::new(DynamoStore::new(client.clone(), "state").with_evidence("evidence"));
        let credentials = Arc::new(DynamoCredentials::new(client, "credentials"));

        let sqs = Arc::new(Mutex::new(Sqs::new(1)));
        for queue in [JOBS, DEAD] {
            lock(&sqs).create_queue(queue, Settings::default())?;
        }
        let jobs = Arc::new(MemoryJobs::new(Arc::clone(&sqs), JOBS, clock.clone()));
        let asked: Arc<AtomicU64> = Arc::default();
        let counter = Arc::clone(&asked);
        jobs.faults().decided_by(move |_, moment| {
            if moment == Moment::Before {
                counter.fetch_add(1, Ordering::Relaxed);
            }
            false
        });

        let random: Arc<dyn Random> = Arc::new(Counting(AtomicU64::new(1)));
        let ceiling = Ceiling::new(250, SignedDuration::from_hours(1)).context("a ceiling")?;
        let podio_client = Podio::new(&podio.url())?;
        let tokens = Tokens::new(
            credentials,
            clock.clone(),
            podio_client.clone(),
            ClientCredentials {
                client_id: config::CLIENT_ID.to_owned(),
                client_secret: ClientSecret::new(config::CLIENT_SECRET),
            },
            vec![Grant::Refresh(RefreshToken::new(config::REFRESH_TOKEN))],
            "cost table".to_owned(),
        );
        let evidence_key = SigningKey::from_seed(&[7; 32])?;
        let ports = worker::Ports {
            offboardings: store.clone(),
            changes: store.clone(),
            removals: store.clone(),
            turns: store.clone(),
            deliveries: store.clone(),
            events: None,
            removed: store.clone(),
            accept: store.clone(),
            leaver_items: store.clone(),
            record: Arc::new(Journal::new(store.clone(), evidence_key.clone(), None)),
            pause: store.clone(),
            calls: store.clone(),
            audits: store.clone(),
            auditing: store.clone(),
            members: store.clone(),
            member_changes: store.clone(),
            evidence: store.clone(),
            quota: store.clone(),
            work: store.clone(),
            capabilities: store.clone(),
            queue: jobs.clone(),
            metrics: Arc::new(Uncounted),
            clock: clock.clone(),
            random: random.clone(),
        };
        let policy = Policy {
            ceiling,
            patience: PATIENCE,
            mass_threshold: 25,
            mass_share: 10,
            hold_unknown: false,
            evidence_key,
            evidence_retention: None,
            organizations: vec![OrgId(ORG_ID.0)],
            hooks: HookPolicy::default(),
            registration: None,
            audit_schedule: podio_lifecycle::people::AuditSchedule::NEVER,
            stale_after: SignedDuration::from_hours(24 * 90),
        };
        let api_ports = api::Ports {
            accept: store.clone(),
            read: store.clone(),
            write: store.clone(),
            pause: store.clone(),
            calls: store.clone(),
            evidence: store.clone(),
            quota: store.clone(),
            work: store.clone(),
            audits: store.clone(),
            members: store.clone(),
            rosters: store.clone(),
            wake: jobs.clone(),
            clock: clock.clone(),
            random: random.clone(),
            metrics: Arc::new(Uncounted),
        };
        let settings = api::Settings {
            organizations: vec![OrgId(ORG_ID.0)],
            senders: podio_signatures::standard_webhooks::Senders::default(),
            api_tokens: Bearers::parse([TOKEN]).expect("tokens"),
            directory: podio_signatures::senders::Directory::default(),
            two_person_approval: false,
            ceiling,
        };
        let sweep_ports = sweep::Ports {
            pause: store.clone(),
            due: store.clone(),
            audits: store.clone(),
            quota: store.clone(),
            work: store,
            queue: jobs,
            metrics: Arc::new(Uncounted),
            dead_letters: Arc::new(MemoryDeadLetters::new(Arc::clone(&sqs), DEAD, clock.clone())),
            clock: clock.clone(),
            random,
        };
        Ok(Self {
            worker: Worker::new(ports, policy, podio_client, tokens),
            sweep: Sweep::new(sweep_ports, ceiling, PATIENCE)
                .with_standing(vec![kept_alive(clock.now())])
                .with_audits(podio_lifecycle::people::AuditSchedule::default(), vec![OrgId(ORG_ID.0)]),
            api: (api_ports, settings),
            clock,
            podio,
            _dynamodb: server,
            meter,
            sqs,
            asked,
            reason: "end of contract".to_owned(),
            counted: Counted::default(),
        })
    }

    /// Off-boards so many leavers, each from so many spaces of their own, one hour after the other, and counts.
    ///
    /// # Errors
    /// One of them is not removed in the end.
    pub async fn offboard(&mut self, leavers: u32, spaces: u32) -> anyhow::Result<Counted> {
        let before = self.counted();
        for leaver in 0..leavers {
            let mail = format!("leaver{spaces}.{leaver}@example.com");
            self.settle(&mail, spaces);
            let location = self.post(&mail).await?;
            self.work().await?;
            let state = self.api("GET", &format!("{location}?fields=summary"), String::new()).await?;
            anyhow::ensure!(state["outcome"] == "removed", "{location} is {}", state["state"]);
            // The next one finds the whole quota again.
            self.clock.reach(self.clock.read() + SignedDuration::from_hours(1));
        }
        let all = self.counted();
        Ok(Counted {
            leavers,
            spaces: leavers * spaces,
            dynamodb: all.dynamodb.since(before.dynamodb),
            sends: all.sends - before.sends,
            batches: all.batches - before.batches,
            deletes: all.deletes - before.deletes,
            looks: 0,
            api_requests: all.api_requests - before.api_requests,
            waited_millis: all.waited_millis - before.waited_millis,
        })
    }

    /// One sweep that finds nothing to do, after a first one that has put the job into the table that is always there.
    ///
    /// # Errors
    /// Storage fails.
    pub async fn sweep(&mut self) -> anyhow::Result<Counted> {
        self.sweep.run().await?;
        let before = self.meter.read();
        self.sweep.run().await?;
        // It looks into the dead-letter queue once.
        Ok(Counted { dynamodb: self.meter.read().since(before), looks: 1, ..Counted::default() })
    }

    fn counted(&self) -> Counted {
        let sends = self.asked.load(Ordering::Relaxed);
        Counted { dynamodb: self.meter.read(), sends, ..self.counted }
    }

    /// Somebody in spaces that others run.
    fn settle(&self, mail: &str, spaces: u32) {
        let now = self.clock.read();
        self.podio.with_state(|state| {
            let admins: Vec<_> = state.org_members(ORG_ID).into_iter().take(3).collect();
            let user = state.create_person(now, "Somebody", mail);
            state.join_org(now, ORG_ID, user);
            for n in 0..spaces {
                let space =
                    state.create_space(now, ORG_ID, &format!("Marketing and sales, team {n}"), SpaceKind::Regular);
                for admin in &admins {
                    state.add_to_space(now, space, *admin, SpaceRole::Admin);
                }
                state.add_to_space(now, space, user, SpaceRole::Regular);
            }
        });
    }

    async fn post(&mut self, mail: &str) -> anyhow::Result<String> {
        let body = json!({"user": {"email": mail}, "reason": self.reason, "requested_by": "HR"}).to_string();
        let answer = self.api("POST", "/offboardings", body).await?;
        Ok(answer["url"].as_str().context("an answer without a url")?.to_owned())
    }

    async fn api(&mut self, method: &str, path: &str, body: String) -> anyhow::Result<Value> {
        self.counted.api_requests += 1;
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {TOKEN}"))
            .body(Body::from(body))?;
        let answer = api::handle(&self.api.0, &self.api.1, request).await;
        anyhow::ensure!(answer.status().is_success(), "{method} {path} is answered {}", answer.status());
        Ok(serde_json::from_slice(answer.body())?)
    }

    /// Hands messages to the worker, as Lambda does, until there are no more.
    async fn work(&mut self) -> anyhow::Result<()> {
        for _ in 0..TURNS {
            let now = self.clock.read();
            let received = lock(&self.sqs).receive(JOBS, &Receive::up_to(10), now)?;
            if received.is_empty() {
                let Some(next) = lock(&self.sqs).next_visible(JOBS, now)? else { return Ok(()) };
                self.clock.reach(next.max(now + SignedDuration::from_millis(1)));
                continue;
            }
            let messages = received.iter().map(|message| Message::decode(&message.body)).collect::<Result<_, _>>()?;
            self.worker.handle(messages).await;
            self.counted.batches += 1;
            self.counted.waited_millis += i64::try_from(self.clock.read().duration_since(now).as_millis())?;
            self.counted.deletes += 1;
            for message in received {
                lock(&self.sqs).delete(JOBS, &message.receipt_handle, self.clock.read())?;
            }
        }
        anyhow::bail!("there is no end to it")
    }
}

fn client(url: &str) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(url)
        .credentials_provider(Credentials::new("local", "local", None, None, "cost table"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

fn lock(sqs: &Mutex<Sqs>) -> std::sync::MutexGuard<'_, Sqs> {
    sqs.lock().unwrap_or_else(PoisonError::into_inner)
}
