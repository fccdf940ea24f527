//! SCIM users: the record, its name, its place in the listing, and what else it is found by; changed together or not at all.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, Select},
};
use podio_lifecycle::{
    ports::{ScimPage, ScimUserNotSaved, ScimUsers, StoreError},
    scim::{Index, ScimUser, ScimUserId, Wish, lower},
};

use super::{
    BODY, DynamoStore, Item, Rejected, VERSION, in_the_way,
    item::{Read, item, json, number, text},
    keys::{self, Key, SCIM_LISTING},
    names,
    read::GET_AT_ONCE,
    transaction::{Cancelled, Part, TRIES, Transaction, give_way},
    unavailable, values,
};
use crate::tables::{PARTITION_KEY, SORT_KEY};

/// Attribute: the user that has a name.
const USER: &str = "user";
/// Attribute: whether a listed user is active.
const ACTIVE: &str = "active";
/// What is read of the entries of the listing: the sort key.
const SHOWN: &str = "#sk";

#[async_trait]
impl ScimUsers for DynamoStore {
    async fn scim_user(&self, id: &ScimUserId) -> Result<Option<ScimUser>, StoreError> {
        self.get(&Key::scim_user(id)).await?.as_ref().map(decode).transpose()
    }

    async fn scim_users_by(&self, index: &Index) -> Result<Vec<ScimUser>, StoreError> {
        let users = match index {
            Index::UserName(name) => match self.get(&Key::scim_name(name)).await? {
                Some(holder) => self.scim_user(&holder.parsed(USER)?).await?.into_iter().collect(),
                None => Vec::new(),
            },
            index => {
                let condition = format!("#{PARTITION_KEY} = :index");
                let query = self.query(&condition, values([(":index", text(keys::scim_index(index)))]));
                let limit = i32::try_from(GET_AT_ONCE).unwrap_or(i32::MAX);
                let answer = query.consistent_read(true).limit(limit).send().await;
                let answer = answer.map_err(|error| unavailable(&error))?;
                let ids: Result<Vec<ScimUserId>, _> = answer.items().iter().map(|item| item.parsed(SORT_KEY)).collect();
                self.load_scim_users(&ids?).await?
            }
        };
        // The record is read after the entry, and may have changed in between.
        Ok(users.into_iter().filter(|user| user.wish.is_found_by(index)).collect())
    }

    async fn scim_page(&self, active: Option<bool>, skip: usize, count: usize) -> Result<ScimPage, StoreError> {
        let mut listing = Listing::new(active);
        if active.is_none() {
            // Entries that are only counted need not be sent. A page that is limited to what is still missing ends where the next
            // part begins; behind a filter it would hold fewer, and the parts would be many.
            while listing.total < skip && listing.counts(self, Some(skip - listing.total)).await? {}
            while listing.ids.len() < count && listing.reads(self, 0, count, Some(count - listing.ids.len())).await? {}
            while listing.counts(self, None).await? {}
        } else {
            while listing.reads(self, skip, count, None).await? {}
        }
        Ok(ScimPage { users: self.load_scim_users(&listing.ids).await?, total: listing.total })
    }

    async fn create_scim_user(&self, user: &ScimUser) -> Result<(), ScimUserNotSaved> {
        self.change_scim_user(None, Some(user)).await
    }

    async fn save_scim_user(&self, before: &ScimUser, after: &ScimUser) -> Result<(), ScimUserNotSaved> {
        self.change_scim_user(Some(before), Some(after)).await
    }

    async fn delete_scim_user(&self, user: &ScimUser) -> Result<(), ScimUserNotSaved> {
        self.change_scim_user(Some(user), None).await
    }
}

/// A walk through the listing of all users, in the order of their creation.
struct Listing {
    active: Option<bool>,
    /// Those that are asked for.
    ids: Vec<ScimUserId>,
    /// Those that were passed, all told.
    total: usize,
    /// Where it goes on; none before the beginning.
    after: Option<Item>,
    is_over: bool,
}

impl Listing {
    fn new(active: Option<bool>) -> Self {
        Self { active, ids: Vec::new(), total: 0, after: None, is_over: false }
    }

    fn query(&self, store: &DynamoStore, limit: Option<usize>) -> QueryFluentBuilder {
        let condition = format!("#{PARTITION_KEY} = :listing");
        let filter = self.active.map(|_| format!("#{ACTIVE} = :active"));
        let mut terms = Item::from([(":listing".to_owned(), text(SCIM_LISTING))]);
        terms.extend(self.active.map(|active| (":active".to_owned(), AttributeValue::Bool(active))));
        let mentioned = [condition.as_str(), filter.as_deref().unwrap_or_default(), SHOWN];
        store
            .query(&condition, Some(terms))
            .set_filter_expression(filter.clone())
            .set_expression_attribute_names(names(&mentioned))
            .set_limit(limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)))
            .set_exclusive_start_key(self.after.clone())
            .consistent_read(true)
    }

    /// Passes up to `limit` entries (or as many as fit into an answer), and counts them. Whether there may be more.
    async fn counts(&mut self, store: &DynamoStore, limit: Option<usize>) -> Result<bool, StoreError> {
        if self.is_over {
            return Ok(false);
        }
        // A name that no expression mentions is refused.
        let names = names(&[&format!("#{PARTITION_KEY}")]);
        let query = self.query(store, limit).set_expression_attribute_names(names).select(Select::Count);
        let answer = query.send().await.map_err(|error| unavailable(&error))?;
        self.total += usize::try_from(answer.count()).unwrap_or_default();
        Ok(self.passed(answer.last_evaluated_key))
    }

    /// The same, and takes those behind the first `skip`, `count` at most.
    async fn reads(
        &mut self,
        store: &DynamoStore,
        skip: usize,
        count: usize,
        limit: Option<usize>,
    ) -> Result<bool, StoreError> {
        if self.is_over {
            return Ok(false);
        }
        let query = self.query(store, limit).projection_expression(SHOWN);
        let answer = query.send().await.map_err(|error| unavailable(&error))?;
        for entry in answer.items() {
            if self.total >= skip && self.ids.len() < count {
                self.ids.push(entry.parsed(SORT_KEY)?);
            }
            self.total += 1;
        }
        Ok(self.passed(answer.last_evaluated_key))
    }

    fn passed(&mut self, last: Option<Item>) -> bool {
        self.after = last.filter(|key| !key.is_empty());
        self.is_over = self.after.is_none();
        !self.is_over
    }
}

impl DynamoStore {
    /// The records of these users, in this order; one that does not exist any more is left out.
    async fn load_scim_users(&self, ids: &[ScimUserId]) -> Result<Vec<ScimUser>, StoreError> {
        let mut users = Vec::with_capacity(ids.len());
        for ids in ids.chunks(GET_AT_ONCE) {
            let keys = ids.iter().map(|id| Key::scim_user(id).attributes()).collect();
            let found: Result<Vec<ScimUser>, _> = self.get_all(keys).await?.iter().map(decode).collect();
            let mut found: BTreeMap<_, _> = found?.into_iter().map(|user| (user.id.clone(), user)).collect();
            users.extend(ids.iter().filter_map(|id| found.remove(id)));
        }
        Ok(users)
    }

    async fn change_scim_user(
        &self,
        before: Option<&ScimUser>,
        after: Option<&ScimUser>,
    ) -> Result<(), ScimUserNotSaved> {
        if let (Some(before), Some(after)) = (before, after)
            && entries(Some(before)) == entries(Some(after))
            && is_listed_alike(&before.wish, &after.wish)
        {
            let (condition, terms) = unchanged(before);
            return self.put_if(encode(after, before.revision + 1)?, &condition, terms).await.map_err(|rejected| {
                match rejected {
                    Rejected::Condition(_) | Rejected::Conflict => ScimUserNotSaved::Conflict,
                    Rejected::Store(error) => error.into(),
                }
            });
        }
        for attempt in 0..TRIES {
            match self.scim_change(before, after)?.send().await {
                Ok(()) => return Ok(()),
                Err(Cancelled::Store(error)) => return Err(error.into()),
                Err(Cancelled::Conflict) => give_way(attempt).await,
                Err(Cancelled::Conditions(failed)) => {
                    let is_overtaken = failed.iter().any(|(part, _)| *part != Part::UserName);
                    let refusal = if is_overtaken { ScimUserNotSaved::Conflict } else { ScimUserNotSaved::NameTaken };
                    return Err(refusal);
                }
            }
        }
        Err(in_the_way().into())
    }

    fn scim_change(&self, before: Option<&ScimUser>, after: Option<&ScimUser>) -> Result<Transaction<'_>, StoreError> {
        let mut transaction = Transaction::on(self);
        let absent = format!("attribute_not_exists(#{PARTITION_KEY})");
        let present = format!("attribute_exists(#{PARTITION_KEY})");
        match (before, after) {
            (Some(before), Some(after)) => {
                let (condition, terms) = unchanged(before);
                transaction.put(Part::Record, encode(after, before.revision + 1)?, Some(&condition), terms)?;
            }
            (Some(before), None) => {
                let (condition, terms) = unchanged(before);
                transaction.delete(Part::Record, &Key::scim_user(&before.id), &condition, terms)?;
                transaction.delete(Part::Listing, &Key::scim_listing(&before.id), &present, None)?;
            }
            (None, Some(after)) => {
                transaction.put(Part::Record, encode(after, after.revision)?, Some(&absent), None)?;
            }
            (None, None) => {}
        }
        if let Some(after) = after
            && before.is_none_or(|before| before.wish.active != after.wish.active)
        {
            let mut entry = item(&Key::scim_listing(&after.id));
            entry.insert(ACTIVE.to_owned(), AttributeValue::Bool(after.wish.active));
            transaction.put(Part::Listing, entry, None, None)?;
        }
        let name = |user: Option<&ScimUser>| user.map(|user| lower(&user.wish.user_name));
        let (old, new) = (name(before), name(after));
        if old != new {
            if let (Some(old), Some(before)) = (&old, before) {
                let own = format!("#{USER} = :user");
                let terms = values([(":user", text(before.id.as_str()))]);
                transaction.delete(Part::Key, &Key::scim_name(old), &own, terms)?;
            }
            if let (Some(new), Some(after)) = (&new, after) {
                let mut holder = item(&Key::scim_name(new));
                holder.insert(USER.to_owned(), text(after.id.as_str()));
                transaction.put(Part::UserName, holder, Some(&absent), None)?;
            }
        }
        let (old, new) = (entries(before), entries(after));
        for entry in old.iter().filter(|entry| !new.contains(entry)) {
            transaction.delete(Part::Listing, entry, &present, None)?;
        }
        for entry in new.iter().filter(|entry| !old.contains(entry)) {
            transaction.put(Part::Listing, entry.attributes(), None, None)?;
        }
        Ok(transaction)
    }
}

/// Where else a user is listed.
fn entries(user: Option<&ScimUser>) -> Vec<Key> {
    let of = |user: &ScimUser| -> Vec<Key> {
        user.wish.indexes().iter().map(|index| Key::scim_index(index, &user.id)).collect()
    };
    user.map(of).unwrap_or_default()
}

/// Whether two wishes differ in nothing but what the record alone says.
fn is_listed_alike(one: &Wish, other: &Wish) -> bool {
    one.active == other.active && lower(&one.user_name) == lower(&other.user_name)
}

/// The condition that a user is stored as it was read.
fn unchanged(user: &ScimUser) -> (String, Option<Item>) {
    (format!("#{VERSION} = :expected"), values([(":expected", number(user.revision))]))
}

fn encode(user: &ScimUser, revision: u64) -> Result<Item, StoreError> {
    let mut stored = item(&Key::scim_user(&user.id));
    stored.insert(BODY.to_owned(), json(&ScimUser { revision, ..user.clone() })?);
    stored.insert(VERSION.to_owned(), number(revision));
    Ok(stored)
}

fn decode(item: &Item) -> Result<ScimUser, StoreError> {
    let body: ScimUser = item.json(BODY)?;
    Ok(ScimUser { revision: item.number(VERSION)?, ..body })
}
