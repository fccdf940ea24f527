//! Podio's integer ids, one type for each kind of thing, so that a space is never taken for a person.

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+ };
}

ids! {
    /// A person's Podio account.
    UserId
    /// An organization.
    OrgId
    /// A workspace.
    SpaceId
    /// An app of a space.
    AppId
    /// A field of an app.
    FieldId
    /// An item of an app.
    ItemId
    /// A hook.
    HookId
}
