//! Many users, and the function in front of them.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use axum::body::Bytes;
use door_table::door::Door;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use local_stack::{
    dynamodb,
    environment::{self, Caller, Places, Podio},
    queues,
    sqs::{self, Store},
};
use podio_aws::DynamoStore;
use podio_lifecycle::{
    ports::ScimUsers as _,
    scim::{Email, ScimUser, ScimUserId, Wish},
};
use serde_json::json;

use crate::bounds::Row;

const REGION: &str = "eu-central-1";
const TOKEN: &str = "a-token-that-is-measured-0001";
/// A key that signs nothing: PKCS#8 of a seed of zeros.
const EVIDENCE_KEY: &str = "MC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// How long the function may take for one step before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(60);
/// Users that are stored at the same time.
const AT_ONCE: usize = 16;
/// Answers that do not count.
const WARM_UP: usize = 20;

/// A caller who has set nothing: what is measured does not depend on who measures.
struct Nobody;

impl Caller for Nobody {
    fn get(&self, _: &str) -> Option<String> {
        None
    }
}

/// A path below the door's root, and a query.
type Asked = (String, Vec<(&'static str, String)>);
/// What is asked for by a number.
type Kind<'a> = dyn Fn(u32) -> anyhow::Result<Asked> + 'a;

/// The table with its users; it ends when this is dropped.
pub struct Crowd {
    dynamodb: dynamodb::Server,
    sqs: sqs::Server,
    users: u32,
}

/// The user of that number.
fn user(n: u32) -> anyhow::Result<ScimUser> {
    let created = Timestamp::from_second(1_790_000_000 + i64::from(n))?;
    let mut random = [0; 10];
    random[..4].copy_from_slice(&n.to_be_bytes());
    let work = Email { value: address(n), kind: Some("work".to_owned()), primary: Some(true) };
    let wish = Wish { external_id: Some(external(n)), emails: vec![work], ..Wish::named(address(n)) };
    Ok(ScimUser::new(ScimUserId::new(created, random), wish, created))
}

fn address(n: u32) -> String {
    format!("user{n}@example.com")
}

fn external(n: u32) -> String {
    format!("00u{n:08}")
}

impl Crowd {
    /// Starts an emulated DynamoDB and stores so many users.
    ///
    /// # Errors
    /// It does not start, or a user cannot be stored.
    pub async fn gather(users: u32) -> anyhow::Result<Self> {
        let [table, credentials, evidence] = environment::table_names(&Nobody);
        let dynamodb = dynamodb::Server::start(None, REGION).await?;
        dynamodb.create_tables(&table, &credentials, &evidence).await?;
        let queue = Arc::new(Store::in_memory(1));
        queues::create(&queue)?;
        let sqs = sqs::Server::start(queue, REGION).await?;
        let store = &DynamoStore::new(dynamodb.client(), table);
        let stored = stream::iter(0..users).map(|n| async move {
            store.create_scim_user(&user(n)?).await.with_context(|| format!("user {n} cannot be stored"))
        });
        stored.buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        Ok(Self { dynamodb, sqs, users })
    }

    /// Measures so many requests of each kind, each for another user.
    ///
    /// # Errors
    /// The function does not start, or does not answer 200.
    pub async fn measure(&self, binary: &Path, requests: u32) -> anyhow::Result<Vec<Row>> {
        let mut door = Door::open(&[binary], &self.variables(), PATIENCE).await?;
        // Spread over all users, and the same in each run.
        let whom = |request: u32| request.wrapping_mul(7_919) % self.users.max(1);
        let filter = |name: &str, value: String| vec![("filter", format!("{name} eq \"{value}\""))];
        let work = "emails[type eq \"work\"].value";
        let kinds: [(&str, bool, &Kind<'_>); 6] = [
            ("GET /Users?filter=userName eq …", true, &|n| Ok(("Users".into(), filter("userName", address(n))))),
            ("GET /Users?filter=externalId eq …", true, &|n| Ok(("Users".into(), filter("externalId", external(n))))),
            ("GET /Users?filter=emails[…].value eq …", true, &|n| Ok(("Users".into(), filter(work, address(n))))),
            ("GET /Users?filter=… of nobody", true, &|n| Ok(("Users".into(), filter("userName", format!("no{n}"))))),
            ("GET /Users/{id}", true, &|n| Ok((format!("Users/{}", user(n)?.id), vec![]))),
            ("GET /Users?startIndex=…&count=100", false, &|n| {
                Ok(("Users".into(), vec![("startIndex", n.to_string()), ("count", "100".into())]))
            }),
        ];
        let mut rows = Vec::new();
        for (name, is_look_up, kind) in kinds {
            // A page takes a hundred times as long as a look-up.
            let requests = if is_look_up { requests } else { requests.div_ceil(20) };
            let mut times = Vec::new();
            for request in 0..requests {
                let (path, query) = kind(whom(request))?;
                let answer = door.deliver(event(&path, &query)?).await?;
                anyhow::ensure!(answer.status == 200, "{name} is answered {}", answer.status);
                times.push(answer.after);
            }
            let warm = times.split_off(WARM_UP.min(times.len() / 2));
            rows.push(Row::of(name, is_look_up, warm));
        }
        Ok(rows)
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
        let podio = Podio::At("http://127.0.0.1:1".to_owned());
        let variables = environment::for_functions(&Nobody, &places, &podio, EVIDENCE_KEY, "info");
        let mut variables: BTreeMap<_, _> =
            variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        variables.insert("SCIM_TOKENS".to_owned(), format!("measured:{TOKEN}"));
        variables
    }
}

/// A GET as API Gateway hands it on.
fn event(path: &str, query: &[(&str, String)]) -> anyhow::Result<Bytes> {
    let query: BTreeMap<&str, &str> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let raw = format!("/scim/v2/{path}");
    let event = json!({
        "version": "2.0", "routeKey": "ANY /scim/v2/{path+}", "rawPath": raw, "isBase64Encoded": false,
        "rawQueryString": encoded(&query), "queryStringParameters": query, "pathParameters": {"path": path},
        "headers": {"host": "scim.example.com", "authorization": format!("Bearer {TOKEN}"), "accept": "application/scim+json"},
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "scim.example.com", "domainPrefix": "scim", "requestId": "r",
            "routeKey": "ANY /scim/v2/{path+}", "stage": "$default", "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1,
            "http": {"method": "GET", "path": raw, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "measured"},
        },
    });
    Ok(Bytes::from(serde_json::to_vec(&event)?))
}

fn encoded(query: &BTreeMap<&str, &str>) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let text = |text: &str| text.bytes().map(byte).collect::<String>();
    query.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect::<Vec<_>>().join("&")
}

/// Tells how long something took, on the standard error stream.
pub fn told(what: &str, since: Instant) {
    eprintln!("{what}: {:.1} s", since.elapsed().as_secs_f64());
}
