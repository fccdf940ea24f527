//! The product from outside: `cargo local up` as a process, spoken to over HTTP as an HR system and an operator do, and
//! judged by the sandbox Podio's own log.
//!
//! Nothing here knows how the product works inside. What is known is the contract: the ready line, the routes, the
//! variables.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test stops where its premise fails"
)]

mod caller;
mod local;
mod podio;

pub use caller::{Answer, Caller};
pub use local::{Local, without_the_tests_package, workspace};
pub use podio::PodioLog;
