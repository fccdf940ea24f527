//! What a delivery of Podio's costs at the door: the `hooks` function next to minimal handlers in Python and Node.
//!
//! Each door is a process of its own on one core, under the same runtime interface ([`runtime_api`]), with a DynamoDB and
//! an SQS of its own ([`backend`]) on the other cores. It gets the same events, one after the other, and must answer and
//! keep all of them. [`bounds`] says how far ahead the function must be. The handlers are in `handlers/`; they use their
//! standard libraries alone, which is less than most such handlers do.

pub mod backend;
pub mod bounds;
pub mod contestant;
pub mod deliveries;
pub mod measured;
pub mod process;
pub mod runtime_api;
pub mod table;
