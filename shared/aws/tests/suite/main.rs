//! What adapters and twins must have in common, and what only AWS does.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod emulator;
mod events;
mod faults;
mod hanging;
mod ports;
mod queue;
mod scripted;
mod sqs_wire;
mod store;
