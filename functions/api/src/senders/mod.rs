//! `/senders/{name}`: HR systems and identity providers that sign and tell in ways of their own.
//!
//! In this order: is it a handshake, whom is it from, what does it say, is every part of it usable; and only then is anything
//! stored. From there on an event goes the way of `POST /offboardings`. A delivery that does not prove itself gets the one
//! answer, whether the name, the signature or the time is wrong.

mod handshake;
mod withdrawal;

use jiff::{SignedDuration, Timestamp};
use lambda_http::http::{Method, StatusCode};
use podio_lifecycle::{
    accepting::{Acceptance, Answer as Taken},
    ids::{OffboardingId, OrgId, UserId},
    offboarding::{Offboarding, Person, Request},
    ports::{IdempotencyKey, Metric},
    source::Source,
};
use podio_signatures::senders::{Delivery, Event, Moment, Sender, Unreadable, Who};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    Exchange,
    answer::Answer,
    change::sentence,
    offboardings::{leaver::FARTHEST, url},
    problem::{FieldError, Problem},
};

/// For longer than any sender repeats a delivery.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A delivery whose time is not signed can be sent again by whoever has seen it, at any time.
const REMEMBERED_WITHOUT_TIME: SignedDuration = SignedDuration::from_hours(400 * 24);

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Accepted,
    Repeated,
    Merged,
    UnderWay,
    Cancelled,
    /// There is nothing that a cancellation could withdraw.
    NothingToCancel,
}

#[derive(Serialize)]
struct Told {
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<OffboardingId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl Told {
    fn about(outcome: Outcome, offboarding: &Offboarding) -> Self {
        let id = offboarding.id.clone();
        Self { outcome, state: Some(offboarding.state.name()), url: Some(url(&id)), id: Some(id) }
    }

    fn nothing() -> Self {
        Self { outcome: Outcome::NothingToCancel, id: None, state: None, url: None }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    events: &'a [Told],
    ignored: usize,
}

/// An event of which every part is usable.
struct Wish {
    moment: Moment,
    org: OrgId,
    request: Request,
    key: IdempotencyKey,
}

/// Takes a delivery.
pub(crate) async fn take(exchange: &Exchange<'_>, name: &str) -> Result<Answer, Problem> {
    let Some(sender) = exchange.settings.directory.find(name) else {
        tracing::warn!("delivery of an unknown sender refused");
        return Err(Problem::Unauthorized { bad_token: false });
    };
    if let Some(answer) = handshake::answer(exchange, sender) {
        tracing::info!(sender = sender.name(), "handshake answered");
        return Ok(answer);
    }
    if *exchange.request.method() != Method::POST {
        return Err(Problem::MethodNotAllowed { allow: "POST" });
    }
    let now = exchange.ports.clock.now();
    let header = |name: &str| exchange.header(name);
    let delivery = Delivery { header: &header, body: exchange.body() };
    if let Err(reason) = sender.verify(delivery, now) {
        tracing::warn!(sender = sender.name(), %reason, "delivery refused");
        return Err(Problem::Unauthorized { bad_token: false });
    }
    let reading = sender.read(delivery).map_err(|error| refused(exchange, sender, error))?;
    if reading.ignored > 0 {
        exchange.ports.metrics.add(Metric::IgnoredEvents, u64::try_from(reading.ignored).unwrap_or(u64::MAX));
    }
    let wishes: Result<Vec<_>, _> = reading.events.iter().map(|event| wish(exchange, sender, event, now)).collect();
    let wishes = wishes.map_err(|problem| counted(exchange, sender, problem))?;
    let (mut told, mut conflict) = (Vec::new(), None);
    for wish in &wishes {
        match act(exchange, wish, now).await {
            Ok(one) => told.push(one),
            // The others are not held up by it. A repetition of the delivery changes nothing for them.
            Err(problem @ Problem::Conflict { .. }) => conflict = Some(problem),
            Err(problem) => return Err(problem),
        }
    }
    tracing::info!(sender = sender.name(), leavers = wishes.len(), ignored = reading.ignored, "delivery taken");
    if let Some(problem) = conflict {
        return Err(counted(exchange, sender, problem));
    }
    Ok(answer(&told, reading.ignored))
}

fn answer(told: &[Told], ignored: usize) -> Answer {
    let is_new = told.iter().any(|one| one.outcome == Outcome::Accepted);
    let status = if is_new { StatusCode::ACCEPTED } else { StatusCode::OK };
    let answer = Answer::json(status, &Body { events: told, ignored });
    match told {
        [Told { id: Some(id), .. }] => answer.located_at(&url(id)).about(id),
        _ => answer,
    }
}

async fn act(exchange: &Exchange<'_>, wish: &Wish, now: Timestamp) -> Result<Told, Problem> {
    match wish.moment {
        Moment::Announced | Moment::Effective => accept(exchange, wish, now).await,
        Moment::Cancelled | Moment::Rehired => withdrawal::withdraw(exchange, wish, now).await,
    }
}

/// As `POST /offboardings` does.
async fn accept(exchange: &Exchange<'_>, wish: &Wish, now: Timestamp) -> Result<Told, Problem> {
    let ports = exchange.ports;
    let id = OffboardingId::new(now, ports.random.bytes());
    let acceptance = Acceptance { accept: &*ports.accept, offboardings: &*ports.read, wake: Some(&*ports.wake) };
    let taken = acceptance.take(id, wish.org, &wish.request, Some(&wish.key), now).await?;
    let told = match &taken.answer {
        Taken::New(offboarding) => Told::about(Outcome::Accepted, offboarding),
        Taken::Repeated(offboarding) => Told::about(Outcome::Repeated, offboarding),
        Taken::UnderWay(offboarding) => Told::about(Outcome::UnderWay, offboarding),
        Taken::Merged(offboarding, _) => Told::about(Outcome::Merged, offboarding),
        Taken::Refused(offboarding, refusal) => {
            let effective_at = offboarding.effective_at();
            let detail = format!("{} The offboarding that stands takes effect at {effective_at}.", sentence(*refusal));
            return Err(Problem::Conflict { detail, offboarding: Some(offboarding.id.clone()) });
        }
        Taken::KeyReused => return Err(key_reused()),
    };
    if let Some(reason) = taken.left_to_sweep {
        let offboarding = told.id.as_ref().map(OffboardingId::as_str);
        tracing::error!(reason, offboarding, "the worker was not told; the sweep finds the job");
    }
    Ok(told)
}

fn key_reused() -> Problem {
    Problem::conflict("An earlier event with the same id said something else.")
}

/// What an event asks for, checked.
fn wish(exchange: &Exchange<'_>, sender: &Sender, event: &Event, now: Timestamp) -> Result<Wish, Problem> {
    let invalid = |pointer: &str, detail: String| {
        Problem::Invalid(vec![FieldError { pointer: pointer.to_owned(), detail: detail.into() }])
    };
    let person = match &event.who {
        Who::User(id) => Person::User(UserId(*id)),
        Who::Email(text) => {
            let email = text.parse().map_err(|error: podio_lifecycle::email::NotAnEmailAddress| {
                invalid(sender.email_place(), error.to_string())
            })?;
            Person::Email(email)
        }
    };
    if event.at.is_some_and(|at| at.duration_since(now) > FARTHEST) {
        return Err(invalid(sender.date_place(), "more than 18 months ahead".to_owned()));
    }
    let org = sender.org_id().map(OrgId).or_else(|| exchange.settings.organizations.first().copied());
    let request = Request {
        effective_at: event.at,
        require_approval: sender.require_approval(),
        ..Request::new(person, Source::Sender { name: sender.name().to_owned() })
    };
    let remembered = if sender.signs_time() { REMEMBERED } else { REMEMBERED_WITHOUT_TIME };
    let key = IdempotencyKey {
        // Neither a name nor a digest holds a colon.
        key: format!("senders:{}:{}", sender.name(), event.key),
        fingerprint: fingerprint(event),
        expires_at: now + remembered,
    };
    Ok(Wish { moment: event.moment, org: org.ok_or(Problem::Internal)?, request, key })
}

/// Of what an event means: its envelope may differ from one attempt to the next.
fn fingerprint(event: &Event) -> String {
    let who = match &event.who {
        Who::User(id) => format!("user {id}"),
        Who::Email(mail) => format!("email {}", mail.trim().to_lowercase()),
    };
    let at = event.at.map(|at| at.to_string()).unwrap_or_default();
    hex::encode(Sha256::digest(format!("{:?} {at} {who}", event.moment)))
}

fn refused(exchange: &Exchange<'_>, sender: &Sender, error: Unreadable) -> Problem {
    let problem = match error {
        Unreadable::Body => Problem::Malformed(format!("{}.", capital(&error.to_string())).into()),
        Unreadable::Unmapped { pointer, expected } => {
            Problem::Invalid(vec![FieldError { pointer, detail: expected.into() }])
        }
    };
    counted(exchange, sender, problem)
}

/// A leaver that somebody has told us of and that we do not remove is never passed over in silence.
fn counted(exchange: &Exchange<'_>, sender: &Sender, problem: Problem) -> Problem {
    exchange.ports.metrics.add(Metric::RefusedEvents, 1);
    let place = match &problem {
        Problem::Invalid(errors) => errors.first().map(|error| error.pointer.as_str()),
        _ => None,
    };
    tracing::error!(sender = sender.name(), place, "an authentic delivery could not be used");
    problem
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}
