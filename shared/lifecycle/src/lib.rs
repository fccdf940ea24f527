//! The domain of Podio Lifecycle: offboardings, space removals, work that waits, holds, evidence.
//!
//! Nothing here does I/O, reads a clock, an environment variable or a random number: time and randomness are passed in,
//! and what must be stored, sent or called is returned to the caller or named as a port.

pub mod accepting;
pub mod actor;
pub mod capability;
pub mod credentials;
pub mod email;
pub mod evidence;
pub mod hold;
pub mod hooks;
pub mod ids;
pub mod leavers_app;
pub mod ledger;
pub mod offboarding;
pub mod pause;
pub mod people;
pub mod ports;
pub mod removal;
pub mod retry;
pub mod scim;
pub mod source;
pub mod work;
