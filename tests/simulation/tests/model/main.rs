//! Two small worlds explored to the last state: the offboarding's state machine and the lease on the credential, each with
//! two workers, by the product's own pure functions.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a model stops where its premise fails")]

mod lease;
mod offboarding;
mod record;
