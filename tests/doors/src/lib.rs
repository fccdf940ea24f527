//! What a delivery of Podio's costs at the door: the `hooks` function next to handlers in Python and Node.
//!
//! Each door is a process of its own on one core, under the same runtime interface ([`runtime_api`]), with a DynamoDB and
//! an SQS of its own ([`backend`]) on the other cores. All must behave alike ([`conduct`]). Then each gets the same events,
//! one after the other, and must answer and keep all of them ([`mod@bench`]). [`bounds`] says how far ahead the function must
//! be of the handlers on AWS's SDKs, which is how people write them. Handlers without any library are shown beside them.

pub mod backend;
pub mod bench;
pub mod bounds;
pub mod conduct;
pub mod contestant;
pub mod deliveries;
pub mod door;
pub mod install;
pub mod measured;
pub mod process;
pub mod runtime_api;
pub mod table;
