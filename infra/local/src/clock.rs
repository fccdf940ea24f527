//! EventBridge: starts the sweep at a steady pace. The stack itself runs the first one, to see that it answers.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::{
    functions::Function,
    host::{Host, InvokeError},
    sqs::ACCOUNT,
    task::Task,
};

/// The running clock; it ends when this is dropped.
pub struct Clock {
    ticking: Task,
}

impl Clock {
    /// Starts the sweep every `pace` from now on. A sweep that is late delays the next one: two never overlap.
    pub fn start(host: Host, region: String, pace: Duration) -> Self {
        Self { ticking: Task::spawn("clock", tick(host, region, pace)) }
    }

    /// Ends it.
    pub async fn stop(self) {
        self.ticking.stop().await;
    }
}

async fn tick(host: Host, region: String, pace: Duration) {
    let pace = pace.max(Duration::from_millis(100));
    let mut beat = interval_at(Instant::now() + pace, pace);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        host.ready().await;
        match host.invoke(Function::Sweep, &scheduled_event(&region, Timestamp::now())).await {
            Ok(_) => {}
            // The function's own log says why; its message may hold anything and is not repeated here.
            Err(InvokeError::Function(_)) => tracing::warn!("the sweep failed; the next one tries again"),
            Err(error @ InvokeError::Unreachable) => tracing::warn!(%error, "a sweep was skipped"),
        }
    }
}

/// The event of a schedule, as EventBridge sends it.
pub fn scheduled_event(region: &str, now: Timestamp) -> Value {
    let mut random = [0; 16];
    // The id is for the log only; zeros serve as well.
    let _ = getrandom::fill(&mut random);
    json!({
        "version": "0",
        "id": uuid::Builder::from_random_bytes(random).into_uuid().to_string(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": region,
        "resources": [format!("arn:aws:events:{region}:{ACCOUNT}:rule/sweep")],
        "detail": {},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sweep_gets_eventbridges_event() {
        let now = Timestamp::from_millisecond(1_800_000_000_999).unwrap();
        let event = scheduled_event("eu-central-1", now);
        assert_eq!(event["time"], "2027-01-15T08:00:00Z");
        assert_eq!((&event["source"], &event["detail-type"]), (&json!("aws.events"), &json!("Scheduled Event")));
        assert_ne!(event["id"], scheduled_event("eu-central-1", now)["id"]);
    }
}
