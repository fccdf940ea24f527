//! What people do without the worker: one client that goes through the leavers one after the other.
//!
//! It sends the same calls as the worker, never crashes, never loses an answer, and every strategy but the back-off waits
//! for as long as a refusal says.

use jiff::{SignedDuration, Timestamp};
use podio_sandbox::{Bucket, Limiter, Profile, Switches, UserId, Verdict, config::CLIENT_ID};

use crate::{
    measured::{Events, Row, alone},
    scene::{CALLS, LATENCY, Scene, spend},
};

/// The longest pause of the back-off.
const LONGEST: SignedDuration = SignedDuration::from_mins(1);
const SELF: UserId = UserId(1);

/// How a client paces itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// One call after the other; a refusal is waited out as it says.
    AsFastAsPossible,
    /// The same, but a refusal is answered with pauses that double, from a second to a minute.
    BackOff,
    /// As many calls at once as the limit allows, refilled evenly over the window.
    TokenBucket,
    /// The limit's calls evenly over the window.
    Spacing,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AsFastAsPossible, Self::BackOff, Self::TokenBucket, Self::Spacing];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsFastAsPossible => "as fast as possible, Retry-After",
            Self::BackOff => "exponential back-off",
            Self::TokenBucket => "token bucket",
            Self::Spacing => "fixed spacing",
        }
    }
}

/// A client at work.
struct Client {
    strategy: Strategy,
    /// From one call to the next, where they are even.
    step: SignedDuration,
    /// How much the bucket holds.
    depth: i32,
    /// When the bucket would be full, or when the next even call is due.
    full_at: Timestamp,
    refused: u32,
}

impl Client {
    /// When the next call goes out.
    fn pace(&mut self, now: Timestamp) -> Timestamp {
        let at = match self.strategy {
            Strategy::AsFastAsPossible | Strategy::BackOff => return now,
            Strategy::TokenBucket => now.max(self.full_at - self.step * (self.depth - 1)),
            Strategy::Spacing => now.max(self.full_at),
        };
        self.full_at = self.full_at.max(at) + self.step;
        at
    }

    /// When to go on after a refusal.
    fn refused(&mut self, now: Timestamp, wait: SignedDuration) -> Timestamp {
        self.refused += 1;
        match self.strategy {
            Strategy::BackOff => now + SignedDuration::from_secs(1 << (self.refused - 1).min(10)).min(LONGEST),
            _ => now + wait,
        }
    }
}

/// Goes through the scene's leavers; the last call but one of each is the removal from the organization.
pub fn events(strategy: Strategy, scene: &Scene, leavers: usize, start: Timestamp) -> Events {
    let switches = Switches::of(Profile::Documented);
    let mut limiter = Limiter::new(scene.quota());
    let mut foreign = scene.foreign_calls(start).into_iter().peekable();
    let step = scene.window / i32::try_from(scene.limit).unwrap();
    let depth = i32::try_from(scene.limit).unwrap();
    let mut client = Client { strategy, step, depth, full_at: start, refused: 0 };
    let mut events = Events::default();
    let mut now = start;
    for call in 0..leavers * CALLS {
        loop {
            let arrived = client.pace(now) + LATENCY / 2;
            while let Some((at, calls)) = foreign.next_if(|(at, _)| *at <= arrived) {
                let spent = spend(&mut limiter, &switches, SELF, at, calls);
                events.others.extend(spent.into_iter().map(|admitted| (at, admitted)));
            }
            now = arrived + LATENCY / 2;
            match limiter.admit(arrived, CLIENT_ID, SELF, Bucket::General, &switches) {
                Verdict::Admitted { .. } => {
                    events.admitted.push(arrived);
                    client.refused = 0;
                    break;
                }
                Verdict::Rejected { wait_seconds, .. } => {
                    events.rejected.push(arrived);
                    now = client.refused(now, SignedDuration::from_secs(i64::try_from(wait_seconds).unwrap()));
                }
            }
        }
        if call % CALLS == CALLS - 2 {
            events.removed.push(*events.admitted.last().unwrap());
        }
    }
    events
}

/// The row of one strategy.
pub fn row(strategy: Strategy, name: String, scene: &Scene, start: Timestamp) -> Row {
    let quiet = Scene { foreign: crate::scene::Foreign::Nobody, ..*scene };
    let lone = alone(start, &events(strategy, &quiet, 1, start));
    Row { alone: lone, ..Row::of(name, scene, start, &events(strategy, scene, scene.leavers(), start)) }
}
