//! The client against servers that answer what they are told to.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod answers;
mod any_input;
mod calls;
mod items;
mod privacy;
mod shapes;
mod stub;
mod token;
mod wire;
