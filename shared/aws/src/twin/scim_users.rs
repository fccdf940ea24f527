//! SCIM users.

use async_trait::async_trait;
use podio_lifecycle::{
    ports::{ScimPage, ScimUserNotSaved, ScimUsers, StoreError},
    scim::{Index, ScimUser, ScimUserId, lower},
};

use super::{MemoryStore, Tables};

/// As many as the table finds.
const FOUND: usize = 100;

fn is_taken(tables: &Tables, user: &ScimUser) -> bool {
    let name = lower(&user.wish.user_name);
    tables.scim_users.values().any(|other| other.id != user.id && lower(&other.wish.user_name) == name)
}

/// The user as it is stored, if it is as it was read.
fn expected(tables: &Tables, user: &ScimUser) -> Result<(), ScimUserNotSaved> {
    let stored = tables.scim_users.get(&user.id).filter(|stored| stored.revision == user.revision);
    stored.map(|_| ()).ok_or(ScimUserNotSaved::Conflict)
}

#[async_trait]
impl ScimUsers for MemoryStore {
    async fn scim_user(&self, id: &ScimUserId) -> Result<Option<ScimUser>, StoreError> {
        self.run("scim_user", |tables| Ok(tables.scim_users.get(id).cloned())).await
    }

    async fn scim_users_by(&self, index: &Index) -> Result<Vec<ScimUser>, StoreError> {
        self.run("scim_users_by", |tables| {
            let found = tables.scim_users.values().filter(|user| user.wish.is_found_by(index));
            Ok(found.take(FOUND).cloned().collect())
        })
        .await
    }

    async fn scim_page(&self, active: Option<bool>, skip: usize, count: usize) -> Result<ScimPage, StoreError> {
        self.run("scim_page", |tables| {
            let is_meant = |user: &&ScimUser| active.is_none_or(|active| user.wish.active == active);
            let meant = || tables.scim_users.values().filter(is_meant);
            Ok(ScimPage { users: meant().skip(skip).take(count).cloned().collect(), total: meant().count() })
        })
        .await
    }

    async fn create_scim_user(&self, user: &ScimUser) -> Result<(), ScimUserNotSaved> {
        self.run("create_scim_user", |tables| {
            if tables.scim_users.contains_key(&user.id) {
                return Err(ScimUserNotSaved::Conflict);
            }
            if is_taken(tables, user) {
                return Err(ScimUserNotSaved::NameTaken);
            }
            tables.scim_users.insert(user.id.clone(), user.clone());
            Ok(())
        })
        .await
    }

    async fn save_scim_user(&self, before: &ScimUser, after: &ScimUser) -> Result<(), ScimUserNotSaved> {
        self.run("save_scim_user", |tables| {
            expected(tables, before)?;
            if is_taken(tables, after) {
                return Err(ScimUserNotSaved::NameTaken);
            }
            let stored = ScimUser { revision: before.revision + 1, ..after.clone() };
            tables.scim_users.insert(before.id.clone(), stored);
            Ok(())
        })
        .await
    }

    async fn delete_scim_user(&self, user: &ScimUser) -> Result<(), ScimUserNotSaved> {
        self.run("delete_scim_user", |tables| {
            expected(tables, user)?;
            tables.scim_users.remove(&user.id);
            Ok(())
        })
        .await
    }
}
