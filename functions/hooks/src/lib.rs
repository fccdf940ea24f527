//! The door for Podio: `POST /hooks/podio/{ref_type}/{ref_id}/{key}`.
//!
//! It checks the key, reads what happened, writes it down, and answers with nothing. It never waits for Podio and holds no
//! credential of Podio's. The delivery is written once, and that one item is its own job: where there is something to do
//! about it, it waits in the work table from then on. The next sweep finds it there; the worker is told at once of a
//! verification only, so that a flood of events wakes nobody.
//!
//! Whatever was answered 200 is durable: when the queue is down the answer is still yes, and the sweep finds the job; when
//! the table is down the answer is 503, which asks Podio to send it again, and nothing has happened. Storage that hangs
//! counts as down after four seconds, the queue after two, and the answer always comes before Lambda would end the function.
//!
//! A wrong key gets the same 404 as a route that does not exist, and nothing is read before the key is right.

mod address;
mod body;
mod settings;
mod verdict;

use std::{sync::Arc, time::Duration};

use lambda_http::{Body, Request, Response, http::Method};
use podio_aws::deadline;
use podio_door::{path::Path, time};
use podio_lifecycle::{
    hooks::{Delivery, EventType},
    ports::{AcceptDeliveries, Accepted, Clock, WakeWorker},
};
use podio_signatures::hook_key;

pub use self::settings::{SECRETS, Settings};
use self::{address::Address, verdict::Verdict};

/// The largest body that is read.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// Everything outside that this function touches: what its role must allow, and no more.
#[derive(Clone)]
pub struct Ports {
    /// Storing deliveries.
    pub accept: Arc<dyn AcceptDeliveries>,
    /// Telling the worker that something waits.
    pub wake: Arc<dyn WakeWorker>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Answers one request. Never fails otherwise than by an answer.
pub async fn handle(ports: &Ports, settings: &Settings, request: &Request) -> Response<Body> {
    let started = ports.clock.now();
    let delivery = read(ports, settings, request);
    let verdict = match &delivery {
        Ok(delivery) => {
            let left = time::left(request, started.as_millisecond()).unwrap_or(Duration::MAX);
            deadline::within(left, accept(ports, delivery)).await
        }
        Err(verdict) => *verdict,
    };
    let answer = verdict.answer();
    let delivery = delivery.as_ref().ok();
    tracing::info!(
        route = "/hooks/podio/{ref_type}/{ref_id}/{key}",
        verdict = verdict.name(),
        status = answer.status().as_u16(),
        delivery = delivery.map(|delivery| delivery.id.as_str()),
        event = delivery.map(|delivery| delivery.event.kind.log_name()),
        duration_ms = u64::try_from(ports.clock.now().duration_since(started).as_millis()).unwrap_or(0),
        "answered"
    );
    answer
}

/// The delivery that a request brings, if it is one and came through the right door.
fn read(ports: &Ports, settings: &Settings, request: &Request) -> Result<Delivery, Verdict> {
    let path = Path::of(request, &[address::ROOT]);
    let Address { on, key } = Address::parse(&path.route).ok_or(Verdict::NotFound)?;
    if request.method() != Method::POST {
        return Err(Verdict::MethodNotAllowed);
    }
    if request.body().len() > MAX_BODY_BYTES {
        return Err(Verdict::TooLarge);
    }
    if !hook_key::verify(&settings.hook_secret, on.ref_type.as_str(), &on.ref_id.to_string(), key) {
        return Err(Verdict::NotFound);
    }
    let fields = body::fields(request.body()).ok_or(Verdict::Malformed)?;
    Delivery::read(on, &fields, ports.clock.now(), settings.interest).map_err(|_| Verdict::Malformed)
}

async fn accept(ports: &Ports, delivery: &Delivery) -> Verdict {
    let accepted = match (ports.accept.accept(delivery).await, delivery.anew()) {
        // Somebody is added, leaves, and is added again: the first look cannot have seen that.
        (Ok(Accepted::Ended), Some(anew)) => ports.accept.accept(&anew).await,
        (accepted, _) => accepted,
    };
    match accepted {
        Ok(Accepted::New) => {}
        Ok(Accepted::Repeated | Accepted::Ended) => return Verdict::Repeated,
        Err(error) => {
            tracing::error!(%error, delivery = %delivery.id, "storage failed");
            return Verdict::Unavailable;
        }
    }
    // Podio waits for the answer to a verification. For everything else the next sweep is early enough.
    if delivery.event.kind == EventType::Verify
        && let Err(error) = ports.wake.wake().await
    {
        tracing::warn!(%error, delivery = %delivery.id, "the worker was not told; the sweep finds the job");
    }
    Verdict::Stored
}
