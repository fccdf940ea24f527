//! What a sandbox starts with, and the development credentials that open it.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::clock::{Clock, SystemClock};
use crate::limiter::{Quota, WindowModel};
use crate::population::Population;
use crate::state::State;
use crate::switches::{Profile, Switches};

/// The API key's id. These five open nothing but a sandbox.
pub const CLIENT_ID: &str = "podio-lifecycle-development";
/// The API key's secret.
pub const CLIENT_SECRET: &str = "development-client-secret";
/// A refresh token of the acting admin.
pub const REFRESH_TOKEN: &str = "development-refresh-token";
/// The acting admin's user name.
pub const USERNAME: &str = crate::population::ACTING_ADMIN;
/// The acting admin's password.
pub const PASSWORD: &str = "development-password";
/// An authorization code of the acting admin, good once.
pub const AUTHORIZATION_CODE: &str = "development-authorization-code";

/// The API key and the ways to log in as the acting admin.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The API key's id.
    pub client_id: String,
    /// The API key's secret.
    pub client_secret: String,
    /// A refresh token.
    pub refresh_token: String,
    /// For the password grant.
    pub username: String,
    /// For the password grant.
    pub password: String,
    /// For the authorization code grant.
    pub authorization_code: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            refresh_token: REFRESH_TOKEN.to_owned(),
            username: USERNAME.to_owned(),
            password: PASSWORD.to_owned(),
            authorization_code: AUTHORIZATION_CODE.to_owned(),
        }
    }
}

/// What a sandbox starts with.
#[derive(Clone)]
pub struct Config {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// How Podio behaves.
    pub switches: Switches,
    /// The rate limit.
    pub quota: Quota,
    /// Who is there.
    pub population: Population,
    /// What opens it.
    pub credentials: Credentials,
    /// Where the state is kept over restarts; none forgets it.
    pub state_file: Option<PathBuf>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Config {
    /// The defaults of a profile, with the standard population.
    pub fn new(profile: Profile) -> Self {
        Self {
            port: 0,
            switches: Switches::of(profile),
            quota: Quota::of(profile),
            population: Population::standard(1),
            credentials: Credentials::default(),
            state_file: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// The state a new sandbox begins with.
    pub fn initial_state(&self, now: Timestamp) -> State {
        let mut state = State::empty(self.switches.clone(), self.quota.clone(), self.population.seed());
        let acting = self.population.settle(&mut state, now);
        let credentials = &self.credentials;
        state.tokens.add_client(&credentials.client_id, &credentials.client_secret);
        state.tokens.add_login(&credentials.username, &credentials.password, acting);
        state.tokens.add_code(&credentials.authorization_code, acting);
        state.tokens.add_refresh_token(now, &credentials.refresh_token, &credentials.client_id, acting);
        state.tokens.set_acting_user(acting);
        state
    }
}

impl Quota {
    /// One ceiling of 250 in the guide; 250 heavy and 1,000 general calls in the documentation. The sliding window is
    /// the default because it is the hardest to please.
    pub fn of(profile: Profile) -> Self {
        Self {
            limit: 250,
            general_limit: match profile {
                Profile::Guide => None,
                Profile::Documented => Some(1_000),
            },
            window_seconds: 3_600,
            model: WindowModel::Sliding,
            token_limit: 60,
            token_window_seconds: 300,
        }
    }
}
