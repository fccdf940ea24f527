//! Members and their changes.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use podio_lifecycle::{
    ids::{OrgId, UserId},
    people::{Change, Member, MemberWrite},
    ports::{ChangeCursor, Part as Portion, ReadMembers, SaveError, StoreError, WriteMembers},
};

use super::{changes_of, member_key, member_of, members_of};
use crate::{
    table::{
        BODY, DynamoStore, Item, VERSION,
        item::{Read, item, json, number, text},
        keys::Key,
        names,
        read::GET_AT_ONCE,
        transaction::{Cancelled, Part, Transaction},
        unavailable, values,
    },
    tables::{PARTITION_KEY, SORT_KEY},
};

/// Attribute: whether they are a member now.
const CURRENT: &str = "current";
/// Attribute: whether they were not seen for too long.
const STALE: &str = "stale";
/// Members that are written at the same time: a partition takes a thousand writes in a second.
const AT_ONCE: usize = 8;

#[async_trait]
impl ReadMembers for DynamoStore {
    async fn members_among(&self, org: OrgId, users: &[UserId]) -> Result<BTreeMap<UserId, Member>, StoreError> {
        let mut users = users.to_vec();
        users.sort_unstable();
        users.dedup();
        let mut found = BTreeMap::new();
        for users in users.chunks(GET_AT_ONCE) {
            let keys = users.iter().map(|user| Key::member(org, *user).attributes()).collect();
            for item in self.get_all(keys).await? {
                let member = decode(&item)?;
                found.insert(member.user_id, member);
            }
        }
        Ok(found)
    }

    async fn members(
        &self,
        org: OrgId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Portion<Member, UserId>, StoreError> {
        let (condition, terms) = match after {
            None => (format!("#{PARTITION_KEY} = :members"), values([(":members", text(members_of(org)))])),
            Some(after) => (
                format!("#{PARTITION_KEY} = :members AND #{SORT_KEY} > :after"),
                values([(":members", text(members_of(org))), (":after", text(member_key(after)))]),
            ),
        };
        let limit = i32::try_from(limit.max(1)).unwrap_or(i32::MAX);
        let answer = self.query(&condition, terms).limit(limit).send().await.map_err(|error| unavailable(&error))?;
        let items: Vec<Member> = answer.items().iter().map(decode).collect::<Result<_, _>>()?;
        let next = match &answer.last_evaluated_key {
            Some(key) if !key.is_empty() => Some(member_of(key)?),
            _ => None,
        };
        Ok(Portion { items, next })
    }

    async fn current_members(&self, org: OrgId) -> Result<Vec<(UserId, bool)>, StoreError> {
        let condition = format!("#{PARTITION_KEY} = :members");
        let filter = format!("#{CURRENT} = :yes");
        let projection = format!("#{SORT_KEY}, #{STALE}");
        let terms = values([(":members", text(members_of(org))), (":yes", AttributeValue::Bool(true))]);
        let query = self
            .query(&condition, terms)
            .filter_expression(&filter)
            .projection_expression(&projection)
            .set_expression_attribute_names(names(&[&condition, &filter, &projection]))
            .consistent_read(true);
        let mut items = query.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(item) = items.next().await {
            let item: Item = item.map_err(|error| unavailable(&error))?;
            found.push((member_of(&item)?, item.get(STALE) == Some(&AttributeValue::Bool(true))));
        }
        Ok(found)
    }

    async fn changes(
        &self,
        org: OrgId,
        since: Timestamp,
        after: Option<&ChangeCursor>,
        limit: usize,
    ) -> Result<Portion<Change, ChangeCursor>, StoreError> {
        let since = ChangeCursor::since(since).0;
        let (condition, bound) = match after {
            Some(after) if after.0 > since => {
                (format!("#{PARTITION_KEY} = :changes AND #{SORT_KEY} > :bound"), after.0.clone())
            }
            _ => (format!("#{PARTITION_KEY} = :changes AND #{SORT_KEY} >= :bound"), since),
        };
        let terms = values([(":changes", text(changes_of(org))), (":bound", text(bound))]);
        let limit = i32::try_from(limit.max(1)).unwrap_or(i32::MAX);
        let answer = self.query(&condition, terms).limit(limit).send().await.map_err(|error| unavailable(&error))?;
        let items: Vec<Change> = answer.items().iter().map(|item| item.json(BODY)).collect::<Result<_, _>>()?;
        let more = answer.last_evaluated_key.is_some_and(|key| !key.is_empty());
        let next = items.last().map(ChangeCursor::of).filter(|_| more);
        Ok(Portion { items, next })
    }
}

#[async_trait]
impl WriteMembers for DynamoStore {
    async fn record_members(&self, org: OrgId, writes: &[MemberWrite]) -> Result<(), SaveError> {
        let mut written = Vec::with_capacity(writes.len());
        for write in writes {
            written.push(self.record_member(org, write));
        }
        stream::iter(written).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        Ok(())
    }
}

impl DynamoStore {
    async fn record_member(&self, org: OrgId, write: &MemberWrite) -> Result<(), SaveError> {
        let stored = encode(org, &write.member)?;
        let (condition, terms) = match write.member.revision {
            0 => (format!("attribute_not_exists(#{PARTITION_KEY})"), None),
            revision => (format!("#{VERSION} = :expected"), values([(":expected", number(revision))])),
        };
        if write.changes.is_empty() {
            return Ok(self.put_if(stored, &condition, terms).await?);
        }
        let mut transaction = Transaction::on(self);
        transaction.put(Part::Record, stored, Some(&condition), terms)?;
        for change in &write.changes {
            let mut told = item(&Key::change(org, change));
            told.insert(BODY.to_owned(), json(change)?);
            transaction.put(Part::Change, told, None, None)?;
        }
        transaction.send().await.map_err(|cancelled| match cancelled {
            Cancelled::Store(error) => SaveError::Store(error),
            Cancelled::Conflict | Cancelled::Conditions(_) => SaveError::Conflict,
        })
    }
}

fn encode(org: OrgId, member: &Member) -> Result<Item, StoreError> {
    let mut stored = item(&Key::member(org, member.user_id));
    stored.insert(BODY.to_owned(), json(member)?);
    stored.insert(VERSION.to_owned(), number(member.revision + 1));
    stored.insert(CURRENT.to_owned(), AttributeValue::Bool(member.is_current()));
    stored.insert(STALE.to_owned(), AttributeValue::Bool(member.stale));
    Ok(stored)
}

fn decode(item: &Item) -> Result<Member, StoreError> {
    let member: Member = item.json(BODY)?;
    Ok(Member { revision: item.number(VERSION)?, ..member })
}
