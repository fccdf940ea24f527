//! The whole of Podio Lifecycle on one machine: `cargo local up`, `cargo local demo` and `cargo local env`; and `cargo local
//! authorize`, which lets a deployed stack into Podio.
//!
//! ```text
//!      gateway ──▶ api, hooks, scim ─┐
//!   clock ─▶ sweep ──────────────────┼─▶ DynamoDB (dynoxide, in process)
//!   pump ──▶ worker ─────────────────┘   SQS (our twin, over the wire)
//!     ▲                                  Podio (the sandbox, or the one you name)
//!     └── SQS
//! ```
//!
//! The functions are the real binaries under cargo-lambda; what AWS would put around them is here: [`gateway`] is API
//! Gateway, [`pump`] the event source of the queue, [`clock`] EventBridge, [`sqs`] and [`dynamodb`] the services that the
//! AWS SDK calls. Every port is free-picked and on loopback; two stacks side by side share nothing but Cargo's folder.

pub mod authorize;
pub mod client;
pub mod clock;
pub mod data;
pub mod demo;
pub mod dynamodb;
pub mod environment;
pub mod evidence_key;
pub mod functions;
pub mod gateway;
pub mod host;
pub mod log;
pub mod podio;
pub mod pump;
pub mod queues;
pub mod running;
pub mod sqs;
pub mod stack;
mod task;

pub use stack::{Options, Stack};
