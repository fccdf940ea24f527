//! A simulation of the whole product: the real handlers of all four functions over in-memory twins of table and queue,
//! against the sandbox's own state, in virtual time and on one thread. One seed is one story, the same in every run.
//!
//! [`scene`] draws the story, [`world`] lets it happen, [`oracles`] judge it by Podio's own log, and [`planted`] holds the
//! bugs that show that they can.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a simulation stops where its premise fails"
)]

pub mod dealings;
pub mod dice;
pub mod doors;
pub mod ears;
pub mod fate;
mod further;
mod house;
pub mod journal;
pub mod oracles;
mod people;
pub mod planted;
pub mod podio;
mod pool;
pub mod report;
pub mod run;
pub mod scene;
pub mod switches;
pub mod wiring;
pub mod world;

pub use run::{Run, Verdict};
