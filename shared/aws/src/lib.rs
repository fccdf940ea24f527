//! DynamoDB, SQS and EventBridge behind the ports that the domain declares, their in-memory twins, and what every function's `main`
//! needs: configuration, secrets, the clock.
//!
//! One suite of tests, in `tests/`, runs against adapters and twins alike.

mod aws_error;
pub mod config;
mod credentials;
pub mod deadline;
mod events;
mod http;
pub mod metrics;
pub mod queue;
mod rules;
pub mod runtime;
pub mod secrets;
pub mod settings;
mod table;
pub mod tables;
pub mod twin;

pub use credentials::DynamoCredentials;
pub use events::EventBridge;
pub use table::DynamoStore;
