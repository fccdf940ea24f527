//! What bodies of identity providers make of a user, in all the ways in which they say the same.

#![allow(clippy::unwrap_used, reason = "the helpers of tests are no test functions to clippy")]

mod changing;
mod properties;
