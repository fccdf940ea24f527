//! API keys, logins and tokens.
//!
//! Rule: an access token lives 8 hours and a refresh token 28 days, by the clock that is passed in.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::State;
use crate::ids::UserId;
use crate::switches::RefreshRotation;

/// How long an access token lives.
pub const ACCESS_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(8);
/// How long a refresh token lives.
pub const REFRESH_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(28 * 24);

/// What an access token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The API key.
    pub client: String,
    /// The acting user.
    pub user: UserId,
    /// When it dies.
    pub expires_at: Timestamp,
}

/// What a refresh token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// The API key.
    pub client: String,
    /// The acting user.
    pub user: UserId,
    /// When it dies.
    pub expires_at: Timestamp,
}

/// A user's login for the password grant.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Login {
    password: String,
    user: UserId,
}

/// What an authorization code stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Code {
    user: UserId,
    /// Where the browser was sent with it; the exchange must name the same. None for a code from outside.
    redirect_uri: Option<String>,
}

/// Who may come in, and with what.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tokens {
    clients: BTreeMap<String, String>,
    logins: BTreeMap<String, Login>,
    codes: BTreeMap<String, Code>,
    access: BTreeMap<String, Access>,
    refresh: BTreeMap<String, Refresh>,
    /// Whom client credentials act as.
    acting: Option<UserId>,
}

/// A pair of tokens as the token endpoint hands it out.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    pub(crate) user: UserId,
}

impl Tokens {
    /// Registers an API key.
    pub fn add_client(&mut self, client: &str, secret: &str) {
        self.clients.insert(client.to_owned(), secret.to_owned());
    }

    /// Lets a user log in with a password.
    pub fn add_login(&mut self, username: &str, password: &str, user: UserId) {
        self.logins.insert(username.to_owned(), Login { password: password.to_owned(), user });
    }

    /// Registers an authorization code, good for one exchange.
    pub fn add_code(&mut self, code: &str, user: UserId) {
        self.codes.insert(code.to_owned(), Code { user, redirect_uri: None });
    }

    /// Registers a refresh token from outside.
    pub fn add_refresh_token(&mut self, now: Timestamp, token: &str, client: &str, user: UserId) {
        let refresh = Refresh { client: client.to_owned(), user, expires_at: later(now, REFRESH_TOKEN_LIFE) };
        self.refresh.insert(token.to_owned(), refresh);
    }

    /// Says whom the client credentials grant acts as.
    pub fn set_acting_user(&mut self, user: UserId) {
        self.acting = Some(user);
    }

    /// Whom the client credentials grant acts as: the acting admin.
    pub fn acting_user(&self) -> Option<UserId> {
        self.acting
    }

    /// Ends every access token, as a revocation does.
    pub fn revoke_access_tokens(&mut self) {
        self.access.clear();
    }

    /// Ends every refresh token.
    pub fn revoke_refresh_tokens(&mut self) {
        self.refresh.clear();
    }

    /// The good access token of that text.
    pub fn access(&self, now: Timestamp, token: &str) -> Option<&Access> {
        self.access.get(token).filter(|access| access.expires_at > now)
    }

    pub(crate) fn secret_of(&self, client: &str) -> Option<&str> {
        self.clients.get(client).map(String::as_str)
    }

    pub(crate) fn password_of(&self, username: &str) -> Option<(&str, UserId)> {
        self.logins.get(username).map(|login| (login.password.as_str(), login.user))
    }

    /// The user of a code, which is spent whether or not the redirect is the one that it was given for.
    pub(crate) fn spend_code(&mut self, code: &str, redirect_uri: Option<&str>) -> Option<UserId> {
        let code = self.codes.remove(code)?;
        let right = code.redirect_uri.as_deref().is_none_or(|uri| redirect_uri == Some(uri));
        right.then_some(code.user)
    }

    pub(crate) fn refresh_user(&self, now: Timestamp, token: &str, client: &str) -> Option<UserId> {
        let refresh = self.refresh.get(token)?;
        (refresh.client == client && refresh.expires_at > now).then_some(refresh.user)
    }
}

impl State {
    /// Issues an access token, and a refresh token as the rotation says; `used` is the refresh token that paid for it.
    pub(crate) fn issue_tokens(&mut self, now: Timestamp, client: &str, user: UserId, used: Option<&str>) -> Grant {
        let access_token = self.rng.hex(128);
        let access = Access { client: client.to_owned(), user, expires_at: later(now, ACCESS_TOKEN_LIFE) };
        self.tokens.access.retain(|_, old| old.expires_at > now);
        self.tokens.access.insert(access_token.clone(), access);
        let refresh_token = match (used, self.switches.refresh_rotation) {
            (Some(_), RefreshRotation::NoneReturned) => None,
            (Some(same), RefreshRotation::Same) => Some(same.to_owned()),
            (used, rotation) => {
                if let (Some(old), RefreshRotation::NewOldInvalid) = (used, rotation) {
                    self.tokens.refresh.remove(old);
                }
                Some(self.rng.hex(128))
            }
        };
        if let Some(token) = &refresh_token {
            self.tokens.add_refresh_token(now, token, client, user);
        }
        Grant { access_token, refresh_token, user }
    }

    /// The code that a browser is sent back with when the acting user has consented; none for an unknown API key.
    pub(crate) fn consent(&mut self, client: &str, redirect_uri: &str) -> Option<String> {
        self.tokens.secret_of(client)?;
        let user = self.tokens.acting_user()?;
        let code = self.rng.hex(32);
        self.tokens.codes.insert(code.clone(), Code { user, redirect_uri: Some(redirect_uri.to_owned()) });
        Some(code)
    }

    /// An access token without a call, for tests that are about something else.
    pub fn access_token(&mut self, now: Timestamp, client: &str, user: UserId) -> String {
        self.issue_tokens(now, client, user, None).access_token
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}
