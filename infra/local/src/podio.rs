//! Podio, as the stack sees it: the sandbox, or one that is there already.

use std::path::Path;

use anyhow::Context as _;
use podio_sandbox::{
    Config, Running, Sandbox,
    config::{CLIENT_ID, CLIENT_SECRET, PASSWORD, REFRESH_TOKEN, USERNAME},
    population::ORG_ID,
};

use crate::environment;

/// Which Podio to use.
#[derive(Clone)]
pub enum Choice {
    /// A sandbox of our own.
    Sandbox(Box<Config>),
    /// The one at this URL.
    At(String),
}

/// The Podio in use.
pub enum Podio {
    /// Our own sandbox.
    Sandbox(Running),
    /// Somebody else's.
    At(String),
}

impl Podio {
    /// Starts the sandbox, if that is the choice; `data` keeps its state.
    ///
    /// # Errors
    /// The sandbox does not start.
    pub async fn start(choice: Choice, data: Option<&Path>) -> anyhow::Result<Self> {
        match choice {
            Choice::At(url) => Ok(Self::At(url)),
            Choice::Sandbox(mut config) => {
                config.state_file = data.map(|folder| folder.join("podio.json"));
                Ok(Self::Sandbox(Sandbox::start(*config).await.context("the sandbox Podio does not start")?))
            }
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        match self {
            Self::Sandbox(running) => running.url(),
            Self::At(url) => url.clone(),
        }
    }

    /// The sandbox, when it is one.
    pub fn sandbox(&self) -> Option<&Running> {
        match self {
            Self::Sandbox(running) => Some(running),
            Self::At(_) => None,
        }
    }

    /// What the functions are to know of it.
    pub(crate) fn for_functions(&self) -> environment::Podio {
        match self {
            Self::At(url) => environment::Podio::At(url.clone()),
            Self::Sandbox(running) => {
                let variables = [
                    ("PODIO_API_URL", Some(running.url())),
                    ("PODIO_ORG_ID", Some(ORG_ID.to_string())),
                    ("PODIO_CLIENT_ID", Some(CLIENT_ID.to_owned())),
                    ("PODIO_CLIENT_SECRET", Some(CLIENT_SECRET.to_owned())),
                    ("PODIO_REFRESH_TOKEN", Some(REFRESH_TOKEN.to_owned())),
                    ("PODIO_USERNAME", Some(USERNAME.to_owned())),
                    ("PODIO_PASSWORD", Some(PASSWORD.to_owned())),
                ];
                let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                environment::Podio::Sandbox(variables)
            }
        }
    }

    /// Stops the sandbox and writes its state down.
    pub async fn stop(self) {
        if let Self::Sandbox(running) = self {
            running.stop().await;
        }
    }
}
