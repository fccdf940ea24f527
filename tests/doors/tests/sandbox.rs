//! Podio's own deliveries come to the real binary of the function, under the runtime interface: each of them twice, and in
//! no order. Each event is kept once, and makes one job; a verification wakes the worker, once.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::StatusCode,
};
use door_table::{backend::Backend, contestant, door::Door};
use jiff::Timestamp;
use local_stack::{
    functions::Function,
    gateway::{event::http_event, routes::Routes},
    host::build,
    stack::workspace,
};
use podio_sandbox::{
    AppId, Config, HookId, ItemId, Population, Profile, Running, Sandbox, UserId,
    population::ORG_ID,
    state::{FieldKind, HookRef, NewField},
    switches::{DeliveryCopies, DeliveryOrder},
};
use podio_signatures::hook_key;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Mutex as Turn, time::sleep};

/// Items that are made; each is changed twice, and deleted.
const ITEMS: usize = 10;
/// Hooks, one for each type of event.
const HOOKS: usize = 3;
/// What Podio tells of: the hooks' verifications and the items' four events.
const EVENTS: usize = HOOKS + 4 * ITEMS;
const PATIENCE: Duration = Duration::from_secs(60);

/// What Podio posts, and how it is answered.
type Posts = Arc<Mutex<Vec<(String, u16)>>>;

/// The door, its address, and what came to it.
struct Receiver {
    backend: Backend,
    posts: Posts,
    url: String,
    secret: String,
}

#[derive(Clone)]
struct Front {
    door: Arc<Turn<Door>>,
    posts: Posts,
}

impl Receiver {
    /// The real function, for the items of that app.
    async fn start(app: AppId) -> Self {
        let folder = build::some(&workspace(), false, &[Function::Hooks]).await.unwrap();
        let backend = Backend::start().await.unwrap();
        let mut variables = backend.variables();
        variables.insert("LEAVERS_APP_ID".to_owned(), app.to_string());
        let secret = variables["HOOK_SECRET"].clone();
        let door = contestant::function(&folder).open(&variables).await.unwrap();
        let posts = Posts::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let front = Front { door: Arc::new(Turn::new(door)), posts: Arc::clone(&posts) };
        tokio::spawn(axum::serve(listener, Router::new().fallback(post).with_state(front)).into_future());
        Self { backend, posts, url, secret }
    }

    fn address(&self, on: &HookRef) -> String {
        let HookRef { ref_type, ref_id } = on;
        let key = hook_key::make(&self.secret.as_str().into(), ref_type, &ref_id.to_string());
        format!("{}/hooks/podio/{ref_type}/{ref_id}/{key}", self.url)
    }

    /// Waits until Podio has posted so often.
    async fn posted(&self, times: usize) {
        let wait = async {
            while self.posts.lock().unwrap().len() < times {
                sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("Podio posts in time");
    }

    /// Who the records and the jobs stand for: the records' ids and what they tell of, the jobs' ids.
    async fn kept(&self) -> (Vec<(String, Value)>, Vec<String>) {
        let records = self.backend.records().await.unwrap();
        let text = |value: &aws_sdk_dynamodb::types::AttributeValue| value.as_s().unwrap().clone();
        let id = |record: &std::collections::HashMap<String, _>| {
            text(&record["pk"]).strip_prefix("DELIVERY#").unwrap().to_owned()
        };
        // A record is its own job: it lies in the work table's index.
        let jobs = records.iter().filter(|record| record.contains_key("work_queue")).map(id).collect();
        let told = |record| (id(record), serde_json::from_str(&text(&record["body"])).unwrap());
        (records.iter().map(told).collect(), jobs)
    }
}

async fn post(State(front): State<Front>, request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let route = Routes::of(&workspace()).unwrap().choose("POST", parts.uri.path()).unwrap();
    let event = http_event(&parts, &body, IpAddr::V4(Ipv4Addr::LOCALHOST), &route, Timestamp::now());
    let answer = front.door.lock().await.deliver(Bytes::from(event.to_string())).await.unwrap();
    front.posts.lock().unwrap().push((String::from_utf8(body.to_vec()).unwrap(), answer.status));
    StatusCode::from_u16(answer.status).unwrap()
}

/// A small organization whose Podio delivers everything twice.
async fn podio(order: DeliveryOrder) -> (Running, AppId) {
    let mut config = Config::new(Profile::Documented);
    config.population = Population::new(7).members(5).spaces(1);
    config.switches.delivery_copies = DeliveryCopies::Two;
    config.switches.delivery_order = order;
    let podio = Sandbox::start(config).await.unwrap();
    let app = podio.with_state(|state| {
        let space = state.spaces_of_org(ORG_ID).next().unwrap().0;
        state.create_app(Timestamp::now(), space, "Leavers", vec![NewField::new("reason", FieldKind::Text)])
    });
    (podio, app)
}

/// Registers a hook for each event, and sends the codes back that the door has taken down, as the worker does.
async fn register(podio: &Running, app: AppId, receiver: &Receiver) {
    let on = HookRef { ref_type: "app".to_owned(), ref_id: app.0 };
    let url = receiver.address(&on);
    let events: [&str; HOOKS] = ["item.create", "item.update", "item.delete"];
    let hooks: Vec<HookId> = podio.with_state(|state| {
        let now = Timestamp::now();
        let hooks = events.map(|event| state.create_hook(now, on.clone(), &url, event, UserId(1)));
        hooks.iter().for_each(|hook| state.request_verification(now, *hook));
        hooks.to_vec()
    });
    receiver.posted(2 * hooks.len()).await;
    let records = receiver.backend.records().await.unwrap();
    for hook in hooks {
        let is_of = |body: &str| serde_json::from_str::<Value>(body).unwrap()["hook"] == json!(hook.0);
        let record = records.iter().find(|record| is_of(record["body"].as_s().unwrap())).unwrap();
        assert!(podio.with_state(|state| state.validate_hook(hook, record["code"].as_s().unwrap())));
    }
}

/// Items come, change and go, all at one moment.
fn change(podio: &Running, app: AppId) {
    podio.with_state(|state| {
        let now = Timestamp::now();
        let items: Vec<ItemId> =
            (0..ITEMS).map(|_| state.create_item(now, app, None, &json!({"reason": "a"})).unwrap()).collect();
        for reason in ["b", "c"] {
            for item in &items {
                state.update_item(now, *item, &json!({"reason": reason})).unwrap();
            }
        }
        items.into_iter().for_each(|item| state.delete_item(now, item).unwrap());
    });
}

/// Each event is delivered twice, and leaves one record and one job.
async fn each_event_has_one_effect(order: DeliveryOrder) -> Vec<String> {
    let (podio, app) = podio(order).await;
    let receiver = Receiver::start(app).await;
    register(&podio, app, &receiver).await;
    change(&podio, app);
    receiver.posted(2 * EVENTS).await;

    assert_eq!(podio.with_state(|state| state.hooks.next_due()), None, "nothing is left to deliver");
    let posts = receiver.posts.lock().unwrap().clone();
    assert_eq!(posts.iter().filter(|(_, status)| *status == 200).count(), 2 * EVENTS, "{posts:?}");
    let bodies: Vec<String> = posts.into_iter().map(|(body, _)| body).collect();
    for body in &bodies {
        assert_eq!(bodies.iter().filter(|other| *other == body).count(), 2, "{body}");
    }
    let (records, jobs) = receiver.kept().await;
    let told: BTreeSet<String> = records.iter().map(|(_, body)| without_time(body)).collect();
    assert_eq!((records.len(), told.len()), (EVENTS, EVENTS), "one record for each event: {told:?}");
    let ids: BTreeSet<&String> = records.iter().map(|(id, _)| id).collect();
    assert_eq!(jobs.len(), EVENTS, "one job for each event");
    assert_eq!(jobs.iter().collect::<BTreeSet<_>>(), ids, "each record has its job");
    let queued = receiver.backend.kept().await.unwrap().queued;
    assert_eq!(queued, HOOKS as u64, "each verification wakes the worker, once, and no other event does");
    bodies
}

fn without_time(body: &Value) -> String {
    let mut body = body.clone();
    body.as_object_mut().unwrap().remove("received_at");
    body.to_string()
}

#[tokio::test]
async fn podio_delivers_twice_and_out_of_order_and_each_event_has_one_record_and_one_job() {
    let bodies = each_event_has_one_effect(DeliveryOrder::Shuffled).await;
    let of_items: Vec<&String> = bodies.iter().filter(|body| !body.contains("hook.verify")).collect();
    let first_deleted = of_items.iter().position(|body| body.contains("item.delete")).unwrap();
    let last_created = of_items.iter().rposition(|body| body.contains("item.create")).unwrap();
    assert!(first_deleted < last_created, "the order was another one");
}

#[tokio::test]
async fn podio_delivers_both_at_once_and_each_event_has_one_record_and_one_job() {
    each_event_has_one_effect(DeliveryOrder::AtOnce).await;
}
