//! What the packages weigh, how fast their functions start, and what the worker needs at most, beside a function that does
//! nothing (`tests/bare`).
//!
//! Each function is a process of its own on one core under a runtime API ([`door_table::door`]), with DynamoDB, SQS and Podio of this
//! machine behind it ([`surroundings`]). [`bounds`] says what is too much.

pub mod bounds;
pub mod drain;
pub mod size;
pub mod surroundings;
