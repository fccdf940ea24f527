//! Who did something.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How somebody is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// By an API token.
    Api,
    /// By the signature over what was sent.
    Sender,
    /// By the token of an identity provider.
    Scim,
    /// By having signed in to the console.
    Console,
    /// Podio, by one of its hooks.
    Podio,
    /// Nobody: the time had come.
    Schedule,
}

/// Who did something. Two with the same kind and name are the same actor.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// How they are known.
    pub kind: ActorKind,
    /// The name of the token, sender or provider, or what a person signed in as.
    pub name: String,
}

impl Actor {
    /// An actor of that kind and name.
    pub fn new(kind: ActorKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }

    /// The schedule, which starts what is due.
    pub fn schedule() -> Self {
        Self::new(ActorKind::Schedule, "sweep")
    }

    /// Podio, which tells by a hook what has happened there.
    pub fn podio() -> Self {
        Self::new(ActorKind::Podio, "hook")
    }
}

/// Names of people do not belong in logs.
impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_stored_by_kind_and_name_and_prints_no_name() {
        let actor = Actor::new(ActorKind::Console, "jane@example.com");
        let stored = serde_json::to_value(&actor).unwrap();
        assert_eq!(stored, serde_json::json!({"kind": "console", "name": "jane@example.com"}));
        assert_eq!(serde_json::from_value::<Actor>(stored).unwrap(), actor);
        assert!(!format!("{actor:?}").contains("jane"));
    }
}
