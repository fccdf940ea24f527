//! `GET /pause`, `POST /pause`, `POST /resume`: a person stops all removals, and lets them go on.
//!
//! The worker looks right before each removal, so nothing is sent to Podio once this has answered; what was sent in the same
//! second may still take effect. Everything else goes on: what is posted meanwhile is planned, and waits.

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use podio_lifecycle::{
    pause::{Decided, Pause, PauseEvent},
    ports::SaveError,
};
use podio_signatures::Role;
use serde::Serialize;

use crate::{
    Exchange,
    answer::Answer,
    auth::Caller,
    json::{self, Reader},
    problem::Problem,
};

const LONGEST_REASON: usize = 500;
/// Decisions at the same moment that this one comes behind.
const CONTENDED: usize = 5;

#[derive(Serialize)]
struct View<'a> {
    paused: bool,
    since: Option<Timestamp>,
    /// Newest last.
    history: &'a [Decided],
}

/// Whether removals are paused, and what was decided before.
pub(crate) async fn get(exchange: &Exchange<'_>) -> Result<Answer, Problem> {
    Ok(shown(&exchange.ports.pause.pause().await?))
}

/// Pauses or resumes. One who asks for what holds already is told so, and nothing changes.
pub(crate) async fn decide(exchange: &Exchange<'_>, caller: &Caller<'_>, event: PauseEvent) -> Result<Answer, Problem> {
    let reason = reason(exchange.body())?;
    let what = match event {
        PauseEvent::Paused => "pause the service",
        PauseEvent::Resumed => "resume the service",
    };
    caller.require(Role::Approver, what)?;
    let ports = exchange.ports;
    for _ in 0..CONTENDED {
        let stored = ports.pause.pause().await?;
        let Some(decided) = stored.decided(event, caller.actor(), reason.clone(), ports.clock.now()) else {
            return Ok(shown(&stored));
        };
        match ports.pause.save_pause(&decided).await {
            Ok(()) => {
                tracing::warn!(?event, "removals are paused or go on");
                if event == PauseEvent::Resumed
                    && let Err(error) = ports.wake.wake().await
                {
                    tracing::error!(%error, "the worker was not told; the sweep finds what waits");
                }
                return Ok(shown(&decided));
            }
            Err(SaveError::Conflict | SaveError::PersonTaken(_)) => {}
            Err(SaveError::Store(error)) => return Err(error.into()),
        }
    }
    Err(Problem::Unavailable)
}

/// Reads `{"reason": "…"}`, or nothing.
fn reason(body: &[u8]) -> Result<Option<String>, Problem> {
    let json = json::parse_optional(body)?;
    let mut reader = Reader::default();
    let read = reader.object("", &json, &["reason"]);
    let reason = read.and_then(|object| reader.text(&object, "reason", LONGEST_REASON).map(str::to_owned));
    reader.finish()?;
    Ok(reason)
}

fn shown(pause: &Pause) -> Answer {
    let view = View { paused: pause.is_on(), since: pause.since, history: &pause.history };
    Answer::json(StatusCode::OK, &view)
}
