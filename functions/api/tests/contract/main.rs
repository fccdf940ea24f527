//! The contract, row by row, through [`api::handle`] over in-memory twins.

#![allow(clippy::unwrap_used, reason = "the helpers of tests are no test functions to clippy")]

mod accepting;
mod deciding;
mod evidence;
mod evidence_altered;
mod hanging;
mod merging;
mod mounted;
mod pausing;
mod people;
mod properties;
mod reading;
mod reconciling;
mod refusing;
mod roles;
mod sending;
mod world;
