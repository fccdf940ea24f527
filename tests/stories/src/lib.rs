//! The real handlers of worker and sweep, over the in-memory twins of table and queue, against the sandbox Podio over
//! HTTP; all of them share one clock, which jumps to the next moment at which anything can happen.
//!
//! So an hour's wait for the quota takes no time, and a story can be told from the leaver's announcement to the proof.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a story stops where its premise fails"
)]

mod clock;
mod fleet;
mod gateway;
mod hooking;
mod queue;
mod wiring;
mod world;

pub use clock::{SkewedClock, Sleep, VirtualClock};
pub use fleet::{Fleet, Staff};
pub use world::{Leaver, Setup, World, plan_of, settled_of};
