//! What an offboarding began from.
//!
//! A source is set by the door that took the request, from what the caller has proved. It is never read out of what a
//! caller wrote, such as `requested_by`.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    actor::{Actor, ActorKind},
    ids::{ItemId, OffboardingId},
};

/// What an offboarding began from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// A request with an API token.
    Api {
        /// The token's name.
        name: String,
    },
    /// A signed request.
    Sender {
        /// The sender's name.
        name: String,
    },
    /// An identity provider.
    Scim {
        /// The name of its token.
        name: String,
    },
    /// A person in the console.
    Console {
        /// What they signed in as.
        name: String,
    },
    /// An item of the leavers app.
    LeaversApp {
        /// The item.
        item: ItemId,
        /// The revision that was read.
        revision: u64,
    },
    /// Somebody who was removed came back.
    Returned {
        /// The offboarding that had removed them.
        offboarding: OffboardingId,
    },
    /// A comparison with the people who should have access.
    Reconciliation {
        /// Its id.
        id: String,
        /// Who asked for it.
        by: Actor,
    },
}

impl Source {
    /// Who asked.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Api { name } => Actor::new(ActorKind::Api, name),
            Self::Sender { name } => Actor::new(ActorKind::Sender, name),
            Self::Scim { name } => Actor::new(ActorKind::Scim, name),
            Self::Console { name } => Actor::new(ActorKind::Console, name),
            Self::LeaversApp { .. } | Self::Returned { .. } => Actor::podio(),
            Self::Reconciliation { by, .. } => by.clone(),
        }
    }

    /// Its name, which tells it from others of its kind.
    pub fn name(&self) -> String {
        match self {
            Self::Api { name } | Self::Sender { name } | Self::Scim { name } | Self::Console { name } => name.clone(),
            Self::LeaversApp { item, .. } => format!("item {item}"),
            Self::Returned { offboarding } => offboarding.to_string(),
            Self::Reconciliation { id, .. } => id.clone(),
        }
    }

    /// Whether the same one asks again, who may then correct what they asked for. A later revision of an item of the
    /// leavers app is the same item.
    pub fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::LeaversApp { item: one, .. }, Self::LeaversApp { item: other, .. }) => one == other,
            _ => self == other,
        }
    }

    /// As the API and the evidence show it: kind, name, and what else it consists of.
    pub fn to_json(&self) -> Value {
        let mut shown = json!(self);
        shown["name"] = self.name().into();
        shown
    }
}

/// Names of people do not belong in logs.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = json!(self)["kind"].as_str().unwrap_or_default().to_owned();
        f.debug_struct("Source").field("kind", &kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(item: u64, revision: u64) -> Source {
        Source::LeaversApp { item: ItemId(item), revision }
    }

    #[test]
    fn a_source_shows_its_kind_and_name() {
        let hr = Source::Sender { name: "hr".into() };
        assert_eq!(hr.to_json(), json!({"kind": "sender", "name": "hr"}));
        assert_eq!(item(5, 2).to_json(), json!({"kind": "leavers_app", "name": "item 5", "item": 5, "revision": 2}));
        assert_eq!(serde_json::from_value::<Source>(json!(item(5, 2))).unwrap(), item(5, 2));
    }

    #[test]
    fn a_token_and_a_sender_of_one_name_are_two() {
        let (api, sender) = (Source::Api { name: "hr".into() }, Source::Sender { name: "hr".into() });
        assert!(!api.is_same_as(&sender));
        assert_ne!(api.actor(), sender.actor());
        assert!(item(5, 2).is_same_as(&item(5, 3)), "a revision is no other item");
        assert!(!item(5, 2).is_same_as(&item(6, 2)));
    }

    #[test]
    fn no_name_is_printed() {
        assert!(!format!("{:?}", Source::Console { name: "jane@example.com".into() }).contains("jane"));
    }
}
