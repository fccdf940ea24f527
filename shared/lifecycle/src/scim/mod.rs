//! Users as an identity provider sees them (SCIM 2.0, RFC 7643 and 7644).
//!
//! A [`ScimUser`] is the provider's *wish*; Podio holds the *fact*. The record is created, changed and deleted by the provider
//! alone, and answers are made of it and of nothing else. Where the wish turns from active to inactive, somebody leaves:
//! [`ScimUser::step`] says so, and the door starts the one offboarding that follows.
//!
//! [`grammar`] reads paths and filters, [`change`] reads what a request says of a user, [`filter`] what it asks for. All of it is
//! pure, takes any input without a panic, and changes nothing where any part of a request cannot be read.

mod change;
mod error;
mod filter;
mod grammar;
mod id;
mod leaving;
mod patch;
mod user;

pub use change::{create, replace};
pub use error::{Fault, Refused};
pub use filter::{Filter, Key};
pub use grammar::{Attribute, CORE_USER, Path};
pub use id::{NotAScimUserId, ScimUserId};
pub use leaving::{Stand, stand};
pub use patch::patch;
pub use user::{Changed, Departure, Email, Index, Name, ScimUser, Step, Wish, lower};
