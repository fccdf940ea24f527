//! The user whom the token acts for.

use std::fmt;

use podio_lifecycle::ids::UserId;
use serde::Deserialize;

use crate::{member::RawMember, request::Request};

/// The acting user's account: `GET /user/`.
///
/// Source: developers.podio.com/doc/users/get-user-22378. A bare object with `user_id`, `mail`, `status` and more.
pub fn own() -> Request<Account> {
    Request::get("/user/", &[])
}

/// The acting user's account with what surrounds it, of which only the account is read: `GET /user/status`.
///
/// Source: developers.podio.com/doc/users/get-user-status-22480. The account is nested in `user`; the answer also holds
/// `calendar_code`, a secret, which is never read.
pub fn status() -> Request<Account> {
    Request::get("/user/status", &[])
}

/// A Podio account. `Debug` shows the id only.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawMember")]
pub struct Account {
    /// The id.
    pub user_id: UserId,
    /// The addresses that it signs in with.
    pub mails: Vec<String>,
    /// The person's name.
    pub name: Option<String>,
    /// `active`, `inactive`, `blacklisted` or something newer.
    pub status: Option<String>,
}

impl TryFrom<RawMember> for Account {
    type Error = &'static str;

    fn try_from(raw: RawMember) -> Result<Self, Self::Error> {
        Ok(Self { user_id: raw.user_id()?, mails: raw.account_mails(), name: raw.name(), status: raw.status() })
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("user_id", &self.user_id).field("status", &self.status).finish_non_exhaustive()
    }
}
