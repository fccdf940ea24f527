//! The job queue and its dead-letter queue: in SQS, and over an in-memory twin of it.

mod dead_letters;
mod jobs;
mod memory;
pub mod twin;

pub use dead_letters::SqsDeadLetters;
pub use jobs::SqsJobs;
pub use memory::{MemoryDeadLetters, MemoryJobs};
