//! How much of Podio's quota a backlog uses, what it meets, and what a leaver costs: the worker next to what people do
//! without it, in one table and in virtual time.
//!
//! The worker is the real one, over [`stories::Fleet`] and the sandbox. The others are simple clients in front of the
//! sandbox's limiter ([`baseline`]), and the recipe of the integration guide, counted ([`cost`]). [`bounds`] says what
//! must hold of the worker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a measurement stops where its premise fails"
)]

pub mod baseline;
pub mod bounds;
pub mod burst;
pub mod cost;
pub mod measured;
pub mod product;
pub mod scene;
pub mod table;
pub mod waits;
