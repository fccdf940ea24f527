//! The door for identity providers: SCIM 2.0 (RFC 7643, RFC 7644) under `/scim/v2`.
//!
//! Its users are what the provider wants ([`podio_lifecycle::scim`]). They are answered from the table alone; the function holds no
//! credential of Podio's and never waits for Podio. A user who is made inactive, in whichever way, or deleted, starts one
//! offboarding, which is accepted as `POST /offboardings` accepts it; whatever was answered 2xx is durable.
//!
//! [`handle`] is the whole function, over [`Ports`] and [`Settings`]; `main.rs` only wires it to AWS. Without tokens no route
//! exists. Every answer, 401 included, is `application/scim+json`.

mod answer;
mod discovery;
mod json;
mod parameters;
mod problem;
mod resource;
mod route;
mod settings;
mod users;

use std::{sync::Arc, time::Duration};

use lambda_http::{Body, Request, Response, http::Method};
use podio_aws::deadline;
use podio_door::{path::Path, time};
use podio_lifecycle::{
    ports::{
        AcceptOffboardings, Clock, Metrics, Random, ReadOffboardings, ScimUsers, StoreError, WakeWorker,
        WriteOffboardings,
    },
    source::Source,
};
use podio_signatures::bearer::Rejection;

pub use crate::settings::{SECRETS, Settings};
use crate::{answer::Answer, problem::Problem, route::Route};

/// The largest body that is read.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// Everything outside that this function touches: what its role must allow, and no more.
#[derive(Clone)]
pub struct Ports {
    /// Keeping users.
    pub users: Arc<dyn ScimUsers>,
    /// Storing new offboardings.
    pub accept: Arc<dyn AcceptOffboardings>,
    /// Reading them.
    pub read: Arc<dyn ReadOffboardings>,
    /// Calling them off.
    pub write: Arc<dyn WriteOffboardings>,
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
    /// What the door's addresses begin with, such as `https://hr.example.com/podio/scim/v2`.
    root: String,
    /// Who asks, once they have shown a token.
    source: Source,
}

impl Exchange<'_> {
    fn body(&self) -> &[u8] {
        self.request.body()
    }

    fn method(&self) -> &Method {
        self.request.method()
    }
}

/// Answers one request. Never panics, and never fails otherwise than by an answer.
pub async fn handle(ports: &Ports, settings: &Settings, request: Request) -> Response<Body> {
    let started = ports.clock.now();
    let path = Path::of(&request, &[route::ROOT]);
    let route = Route::parse(&path.route);
    let left = time::left(&request, started.as_millisecond()).unwrap_or(Duration::MAX);
    let work = async {
        let source = authenticated(settings, &request)?;
        let root = resource::root(&request, path.base);
        dispatch(&Exchange { ports, settings, request: &request, root, source }, &route).await
    };
    let mut answer = match deadline::within(left, work).await {
        Ok(answer) => answer,
        Err(problem) => problem.answer(),
    };
    if request.method() == Method::HEAD {
        answer = answer.without_body();
    }
    tracing::info!(
        route = route.template(),
        method = known_method(request.method()),
        status = answer.status().as_u16(),
        user = answer.user.as_ref().map(|user| user.as_str()),
        offboarding = answer.offboarding.as_ref().map(|offboarding| offboarding.as_str()),
        duration_ms = u64::try_from(ports.clock.now().duration_since(started).as_millis()).unwrap_or(0),
        "answered"
    );
    answer.into_response()
}

/// Who asks. Where the door is shut there is nothing to ask for.
fn authenticated(settings: &Settings, request: &Request) -> Result<Source, Problem> {
    let Some(tokens) = &settings.tokens else { return Err(Problem::NoSuchRoute) };
    let shown = request.headers().get("authorization").map(|value| value.as_bytes());
    match tokens.verify(shown) {
        Ok(caller) => Ok(Source::Scim { name: caller.name.clone() }),
        Err(reason) => {
            tracing::warn!(%reason, "refused");
            Err(Problem::Unauthorized { bad_token: reason != Rejection::Missing })
        }
    }
}

async fn dispatch(exchange: &Exchange<'_>, route: &Route) -> Result<Answer, Problem> {
    if exchange.body().len() > MAX_BODY_BYTES {
        return Err(Problem::TooLarge);
    }
    let method = exchange.method();
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    match route {
        Route::Unknown => return Err(Problem::NoSuchRoute),
        Route::Groups if is_read => return users::list::nobody(exchange),
        Route::Group if is_read => return Err(Problem::NoSuchResource),
        Route::Groups | Route::Group | Route::Bulk | Route::Me => return Err(Problem::NotImplemented),
        _ => {}
    }
    if !route.allows(method) {
        return Err(Problem::MethodNotAllowed { allow: route.allow() });
    }
    match (route, method) {
        (Route::Config, _) => Ok(discovery::config(exchange)),
        (Route::ResourceTypes, _) => Ok(discovery::resource_types(exchange)),
        (Route::ResourceType(name), _) => discovery::resource_type(exchange, name),
        (Route::Schemas, _) => Ok(discovery::schemas(exchange)),
        (Route::Schema(urn), _) => discovery::schema(exchange, urn),
        (Route::Search, _) => users::list::search(exchange).await,
        (Route::Users, &Method::POST) => users::create::create(exchange).await,
        (Route::Users, _) => users::list::list(exchange).await,
        (Route::User(id), &Method::PUT) => users::update::replace(exchange, id).await,
        (Route::User(id), &Method::PATCH) => users::update::patch(exchange, id).await,
        (Route::User(id), &Method::DELETE) => users::delete::delete(exchange, id).await,
        (Route::User(id), _) => users::get::get(exchange, id).await,
        (Route::Groups | Route::Group | Route::Bulk | Route::Me | Route::Unknown, _) => Err(Problem::NoSuchRoute),
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "storage failed");
        match error {
            StoreError::Unavailable(_) => Self::Unavailable,
            StoreError::Corrupt(_) => Self::Internal,
        }
    }
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
