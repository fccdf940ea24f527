//! Every unknown of Podio with every other one, pairwise, each row lived end to end: the real function binaries, the AWS
//! SDK over HTTP to the emulators, and a sandbox Podio that behaves as the row says.
//!
//! [`factors`] takes the switches from the sandbox, [`cover`] makes rows in which every two values meet, [`life`] lets
//! people leave in one row, [`ending`] says what may come of it by that row, and [`judge`] asks Podio's own log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test stops where its premise fails"
)]

pub mod cast;
pub mod cover;
pub mod ending;
pub mod factors;
pub mod judge;
pub mod life;
pub mod people;
pub mod planted;
pub mod report;
pub mod row;

pub use row::Row;
