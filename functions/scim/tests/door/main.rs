//! The door for identity providers, as they find it, over the in-memory stand-ins of table and queue.

#![allow(clippy::unwrap_used, reason = "the helpers of tests are no test functions to clippy")]

mod entra;
mod faults;
mod hanging;
mod leaving;
mod listing;
mod okta;
mod privacy;
mod properties;
mod shapes;
mod wire;
mod world;
