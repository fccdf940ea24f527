//! A typed client of the Podio REST API.
//!
//! A call is a value: a small pure function in the module of its area builds a [`Request`], and [`Podio::send`] puts it
//! on the wire exactly once. Nothing here retries, refreshes a token or waits, because each HTTP request is charged to
//! a quota and only the caller counts the calls. Every attempt, failed or not, yields a [`Receipt`].
//!
//! Answers are read with distrust: Podio's documentation and its behaviour differ in places, so models accept every
//! known shape, while whatever could be mistaken for "nothing left to remove" is an error.
//!
//! Tokens, mail addresses, names and Podio's free-text messages never appear in a `Debug` or `Display` of this crate.

pub mod answer;
mod client;
pub mod date;
mod error;
pub mod hook;
pub mod item;
pub mod mail;
mod meaning;
mod member;
pub mod oauth;
pub mod org;
pub mod org_member;
pub mod profile;
mod receipt;
mod request;
mod role;
mod secret;
mod space;
pub mod space_member;
mod tolerant;
pub mod transport;
pub mod user;
pub mod wait;

pub use client::{BuildError, Podio, Timeouts};
pub use error::{Complaint, DecodeError, DecodeFault, Error, NotFoundKind};
pub use http::Method;
pub use meaning::{Denial, Doubt, Meaning};
pub use receipt::{Exchange, RateHeaders, Receipt};
pub use request::{Page, Request};
pub use role::Role;
pub use secret::{AccessToken, AuthorizationCode, ClientSecret, Password, RefreshToken};
pub use space::{Space, SpaceMembership};
