//! The functions.

use std::{fmt, time::Duration};

/// One Lambda function: a binary of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// HR, identity provider, admin.
    Api,
    /// Podio's hooks.
    Hooks,
    /// Identity providers.
    Scim,
    /// What the clock starts.
    Sweep,
    /// What the queue feeds.
    Worker,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Api, Self::Hooks, Self::Scim, Self::Sweep, Self::Worker];

    /// The name of its binary.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Hooks => "hooks",
            Self::Scim => "scim",
            Self::Sweep => "sweep",
            Self::Worker => "worker",
        }
    }

    /// The function whose binary is called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    /// How long one invocation may take: as in template.yaml, but for the worker, whose messages a developer does not want
    /// to wait for after a crash ([`crate::queues`]).
    pub fn timeout(self) -> Duration {
        Duration::from_secs(match self {
            Self::Api | Self::Hooks | Self::Scim => 15,
            Self::Sweep => 60,
            Self::Worker => 45,
        })
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
