//! `GET /quota`: what is used, what is free, and how long what is waiting will take.

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use podio_lifecycle::{
    offboarding::State,
    quota::{Ceiling, Quota as Shared, ReservationLog},
};
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
    foreign_calls: u64,
    ceilings: Vec<Bucket>,
}

/// One ceiling that Podio has shown.
#[derive(Serialize)]
struct Bucket {
    limit: usize,
    used: usize,
    waiting: usize,
    free_now: usize,
    routes: Vec<String>,
}

pub(crate) async fn get(exchange: &Exchange<'_>) -> Result<Answer, Problem> {
    let ports = exchange.ports;
    let now = ports.clock.now();
    let configured = exchange.settings.ceiling;
    let quota = ports.quota.quota().await?;
    let ceiling = quota.removal_ceiling(configured);
    let log = quota.log(ceiling);
    let blocked_until = quota.blocked_until.filter(|until| *until > now);
    let from = blocked_until.unwrap_or(now);
    let (mut backlog, mut left) = (0, Vec::new());
    for offboarding in ports.read.active(MOST_ACTIVE).await? {
        // One whose time has not come waits for its time, not for the quota.
        if offboarding.state == State::Scheduled && offboarding.effective_at() > now {
            continue;
        }
        let batches = snapshot::batches(ports, &offboarding).await?;
        backlog += eta::calls_ahead(&offboarding, &batches);
        if offboarding.is_read_back_with_others() {
            left.push(eta::left_at(&offboarding, &quota, configured));
        }
    }
    let drained = eta::drained(&log, backlog, from, ceiling);
    // Some are looked for once more some time after their last call.
    let drained = drained.map(|last| {
        let left = left.iter().filter(|_| log.is_scarce(now, ceiling)).map(|left| left.unwrap_or(last));
        left.map(|left| eta::read_back_at(left, &quota, configured)).fold(last, Timestamp::max)
    });
    let shown = Quota {
        limit: ceiling.limit(),
        window_seconds: ceiling.window().as_secs(),
        used: log.used(now, ceiling),
        free_now: if blocked_until.is_some() { 0 } else { log.free(now, ceiling) },
        next_free_at: log.forecast(from, 1, ceiling),
        blocked_until,
        backlog,
        drained_at: drained,
        rejections: quota.rejections,
        foreign_calls: quota.foreign,
        ceilings: buckets(&quota, now, configured),
    };
    Ok(Answer::json(StatusCode::OK, &shown))
}

fn buckets(quota: &Shared, now: Timestamp, configured: Ceiling) -> Vec<Bucket> {
    let bucket = |(limit, log): (&u32, &ReservationLog)| {
        let ceiling = configured.with_limit(*limit);
        let under = quota.routes.iter().filter(|(_, lesson)| lesson.limit == *limit);
        Bucket {
            limit: ceiling.limit(),
            used: log.used(now, ceiling),
            waiting: log.waiting(now),
            free_now: log.free(now, ceiling),
            routes: under.map(|(route, _)| route.clone()).collect(),
        }
    };
    quota.logs.iter().map(bucket).collect()
}
