//! What the door for identity providers may do about its users.

use async_trait::async_trait;

use super::StoreError;
use crate::scim::{Index, ScimUser, ScimUserId};

/// Some of the users, in the order of their creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimPage {
    /// Those that were asked for.
    pub users: Vec<ScimUser>,
    /// How many there are in all.
    pub total: usize,
}

/// A write of a user that did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScimUserNotSaved {
    /// Somebody else wrote since: read again and decide anew.
    #[error("somebody else has written since")]
    Conflict,
    /// Another user has that `userName`.
    #[error("another user has that userName")]
    NameTaken,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeping the users of identity providers. No two share a `userName`, compared as [`crate::scim::lower`] makes it.
#[async_trait]
pub trait ScimUsers: Send + Sync {
    /// One user, read consistently.
    async fn scim_user(&self, id: &ScimUserId) -> Result<Option<ScimUser>, StoreError>;
    /// Those that are found by this, a hundred at most, in the order of their creation.
    async fn scim_users_by(&self, index: &Index) -> Result<Vec<ScimUser>, StoreError>;
    /// Up to `count` of all users (of the active or inactive ones alone, where that is asked for) after the first `skip`.
    async fn scim_page(&self, active: Option<bool>, skip: usize, count: usize) -> Result<ScimPage, StoreError>;
    /// Stores a new user.
    async fn create_scim_user(&self, user: &ScimUser) -> Result<(), ScimUserNotSaved>;
    /// Stores `after`, with the revision after that of `before`, if `before` is what is stored.
    async fn save_scim_user(&self, before: &ScimUser, after: &ScimUser) -> Result<(), ScimUserNotSaved>;
    /// Deletes a user, if this is what is stored. Its name is free from then on.
    async fn delete_scim_user(&self, user: &ScimUser) -> Result<(), ScimUserNotSaved>;
}
