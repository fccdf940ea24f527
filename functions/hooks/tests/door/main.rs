//! Podio's door, as Podio and strangers find it, over the in-memory twins of table and queue.

#![allow(clippy::unwrap_used, reason = "the helpers of tests are no test functions to clippy")]

mod corpus;
mod durable;
mod hanging;
mod mounted;
mod properties;
mod strangers;
mod world;
