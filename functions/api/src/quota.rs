//! `GET /quota`: what is used, what is free, and how long what is waiting will take.

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use podio_lifecycle::offboarding::State;
use serde::Serialize;

use crate::{Exchange, answer::Answer, eta, problem::Problem, snapshot};

/// Offboardings whose calls are counted. More than this at once is nothing that an organization lives through.
const MOST_ACTIVE: usize = 500;

#[derive(Serialize)]
struct Quota {
    limit: usize,
    window_seconds: i64,
    used: usize,
    free_now: usize,
    next_free_at: Timestamp,
    blocked_until: Option<Timestamp>,
    backlog: usize,
    drained_at: Option<Timestamp>,
    rejections: u64,
}

pub(crate) async fn get(exchange: &Exchange<'_>) -> Result<Answer, Problem> {
    let ports = exchange.ports;
    let now = ports.clock.now();
    let ceiling = exchange.settings.ceiling;
    let log = ports.quota.quota().await?;
    let mut backlog = 0;
    for offboarding in ports.read.active(MOST_ACTIVE).await? {
        // One whose time has not come waits for its time, not for the quota.
        if offboarding.state == State::Scheduled && offboarding.effective_at() > now {
            continue;
        }
        let batches = snapshot::batches(ports, &offboarding).await?;
        backlog += eta::calls_ahead(&offboarding, &batches);
    }
    let quota = Quota {
        limit: ceiling.limit(),
        window_seconds: ceiling.window().as_secs(),
        used: log.used(now, ceiling),
        free_now: log.free(now, ceiling),
        next_free_at: log.forecast(now, 1, ceiling),
        blocked_until: log.blocked_until().filter(|until| *until > now),
        backlog,
        drained_at: eta::drained(&log, backlog, now, ceiling),
        rejections: log.rejections(),
    };
    Ok(Answer::json(StatusCode::OK, &quota))
}
