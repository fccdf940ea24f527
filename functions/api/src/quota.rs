//! `GET /quota`: what is used, what is free, and how long what is waiting will take.

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use podio_engine::quota::{Ceiling, Moments, Quota as Shared};
use serde::Serialize;

use crate::{
    Exchange,
    answer::Answer,
    eta::{self, Outlook},
    problem::Problem,
};

/// Offboardings whose records are looked at. More than this at once is nothing that an organization lives through.
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
    other_calls: u64,
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
    let ceiling = quota.ceiling(podio_lifecycle::removal::ROUTE, configured);
    let active = ports.read.active(MOST_ACTIVE).await?;
    let active: Vec<_> = active.iter().collect();
    let outlook = Outlook::new(quota.clone(), eta::line(ports).await, &active, now, configured);
    let shown = Quota {
        limit: ceiling.limit(),
        window_seconds: ceiling.window().as_secs(),
        used: quota.under(ceiling).used(now, ceiling),
        free_now: quota.free_now(now, ceiling),
        next_free_at: quota.forecast(now, 1, ceiling),
        blocked_until: quota.blocked_until.filter(|until| *until > now),
        backlog: outlook.backlog,
        drained_at: outlook.drained_at(),
        rejections: quota.rejections,
        other_calls: quota.others.calls,
        ceilings: buckets(&quota, now, configured),
    };
    Ok(Answer::json(StatusCode::OK, &shown))
}

fn buckets(quota: &Shared, now: Timestamp, configured: Ceiling) -> Vec<Bucket> {
    let bucket = |(limit, moments): (&u32, &Moments)| {
        let ceiling = configured.with_limit(*limit);
        let under = quota.routes.iter().filter(|(_, learned)| learned.limit == *limit);
        Bucket {
            limit: ceiling.limit(),
            used: moments.used(now, ceiling),
            waiting: moments.between(now, Timestamp::MAX),
            free_now: quota.free_now(now, ceiling),
            routes: under.map(|(route, _)| route.clone()).collect(),
        }
    };
    quota.moments.iter().map(bucket).collect()
}
