//! The door for HR systems, identity providers and admins.
//!
//! It checks what comes in, writes it down, tells the worker and answers. It holds no credential of Podio's and never
//! waits for Podio. What it has accepted is durable: when the queue is down the answer is still yes, and the sweep finds
//! what waits; when the table is down the answer is 503 and nothing has happened. Storage that hangs counts as down after
//! four seconds, the queue after two, and the answer always comes before Lambda would end the function.
//!
//! [`handle`] is the whole function, over [`Ports`] and [`Settings`]; `main.rs` only wires it to AWS. Each route has a
//! file of its own.

mod answer;
mod auth;
mod change;
mod eta;
mod evidence_keys;
mod health;
mod json;
mod offboardings;
mod pause;
mod people;
mod problem;
mod query;
mod quota;
mod route;
mod senders;
pub mod settings;
mod snapshot;
mod view;

use std::{sync::Arc, time::Duration};

use lambda_http::{Body, Request, Response, http::Method};
use podio_aws::deadline;
use podio_door::{path::Path, time};
use podio_engine::ports::{LookAhead, ReadQuota};
use podio_lifecycle::{
    ids::OffboardingId,
    pause::PauseEvent,
    ports::{
        AcceptOffboardings, Audits, Clock, CompareRosters, Metrics, Random, ReadCalls, ReadEvidence, ReadMembers,
        ReadOffboardings, WakeWorker, WriteOffboardings, WritePause,
    },
};

pub use crate::settings::Settings;
use crate::{answer::Answer, problem::Problem, route::Route};

/// The largest body that is read.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// Everything outside that this function touches: what its role must allow, and no more.
#[derive(Clone)]
pub struct Ports {
    /// Storing new offboardings.
    pub accept: Arc<dyn AcceptOffboardings>,
    /// Reading them.
    pub read: Arc<dyn ReadOffboardings>,
    /// Changing them: approve, cancel, retry.
    pub write: Arc<dyn WriteOffboardings>,
    /// Counting the recorded calls.
    pub calls: Arc<dyn ReadCalls>,
    /// Reading the evidence.
    pub evidence: Arc<dyn ReadEvidence>,
    /// Reading the quota.
    pub quota: Arc<dyn ReadQuota>,
    /// Looking at what waits.
    pub work: Arc<dyn LookAhead>,
    /// Pausing all removals.
    pub pause: Arc<dyn WritePause>,
    /// Beginning audits, and reading them.
    pub audits: Arc<dyn Audits>,
    /// Reading members and their changes.
    pub members: Arc<dyn ReadMembers>,
    /// Keeping rosters, and comparing them with the members.
    pub rosters: Arc<dyn CompareRosters>,
    /// Telling the worker that something waits.
    pub wake: Arc<dyn WakeWorker>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for ids.
    pub random: Arc<dyn Random>,
    /// Counting what operators watch.
    pub metrics: Arc<dyn Metrics>,
}

/// What every route is given.
struct Exchange<'a> {
    ports: &'a Ports,
    settings: &'a Settings,
    request: &'a Request,
}

impl Exchange<'_> {
    fn body(&self) -> &[u8] {
        self.request.body()
    }

    fn header(&self, name: &str) -> Option<&[u8]> {
        self.request.headers().get(name).map(|value| value.as_bytes())
    }
}

/// Answers one request. Never panics, and never fails otherwise than by an answer.
pub async fn handle(ports: &Ports, settings: &Settings, request: Request) -> Response<Body> {
    let started = ports.clock.now();
    let path = Path::of(&request, &route::ROOTS);
    let route = Route::parse(&path.route);
    let exchange = Exchange { ports, settings, request: &request };
    let left = time::left(&request, started.as_millisecond()).unwrap_or(Duration::MAX);
    let mut answer = match deadline::within(left, dispatch(&exchange, &route)).await {
        Ok(answer) => answer,
        Err(problem) => problem.answer(),
    }
    .below(path.base);
    if request.method() == Method::HEAD {
        answer = answer.without_body();
    }
    let offboarding = answer.offboarding.as_ref().or(route.offboarding());
    tracing::info!(
        route = route.template(),
        method = known_method(request.method()),
        status = answer.status().as_u16(),
        offboarding = offboarding.map(OffboardingId::as_str),
        duration_ms = u64::try_from(ports.clock.now().duration_since(started).as_millis()).unwrap_or(0),
        "answered"
    );
    answer.into_response()
}

/// In this order: is the route there, who asks, is the query understood. Then, in each route: the body, the caller's role,
/// and last what the record says.
async fn dispatch(exchange: &Exchange<'_>, route: &Route) -> Result<Answer, Problem> {
    if exchange.body().len() > route.largest_body() {
        return Err(Problem::TooLarge { kib: route.largest_body() / 1024 });
    }
    if !route.allows(exchange.request.method()) {
        return Err(Problem::MethodNotAllowed { allow: route.allow() });
    }
    // The routes that need no token come first; everything after the check below does.
    match route {
        Route::Unknown => return Err(Problem::NoSuchRoute),
        Route::Health => {
            query::expect_declared(exchange, route)?;
            return Ok(health::get());
        }
        Route::EvidenceKeys => {
            query::expect_declared(exchange, route)?;
            return evidence_keys::get(exchange).await;
        }
        Route::Offboardings if exchange.request.method() == Method::POST => {
            let caller = auth::sender(exchange)?;
            query::expect_declared(exchange, route)?;
            return offboardings::post::post(exchange, &caller).await;
        }
        // The query is the maker's.
        Route::Sender(name) => return senders::take(exchange, name).await,
        _ => {}
    }
    let caller = auth::token(exchange)?;
    query::expect_declared(exchange, route)?;
    match route {
        Route::Offboardings => offboardings::list::list(exchange).await,
        Route::Offboarding(id) => offboardings::get::get(exchange, known(id)?).await,
        Route::Approve(id) => offboardings::approve::approve(exchange, &caller, id).await,
        Route::Cancel(id) => offboardings::cancel::cancel(exchange, &caller, id).await,
        Route::Retry(id) => offboardings::retry::retry(exchange, &caller, id).await,
        Route::Evidence(id) => offboardings::evidence::get(exchange, known(id)?).await,
        Route::Quota => quota::get(exchange).await,
        Route::Pause if exchange.request.method() == Method::POST => {
            pause::decide(exchange, &caller, PauseEvent::Paused).await
        }
        Route::Pause => pause::get(exchange).await,
        Route::Resume => pause::decide(exchange, &caller, PauseEvent::Resumed).await,
        Route::People(route) => people::answer(exchange, &caller, route).await,
        Route::Health | Route::EvidenceKeys | Route::Sender(_) | Route::Unknown => Err(Problem::NoSuchRoute),
    }
}

/// An id that cannot be one of ours is an id that is not known.
fn known(id: &Option<OffboardingId>) -> Result<&OffboardingId, Problem> {
    id.as_ref().ok_or(Problem::NoSuchOffboarding)
}

/// A caller can make up methods, and what a caller makes up does not belong into a log.
fn known_method(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH | Method::DELETE | Method::OPTIONS => {
            method.as_str()
        }
        _ => "other",
    }
}
