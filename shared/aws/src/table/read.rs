//! Reading offboardings: one, a page, those at work, and how many there were.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::KeysAndAttributes, types::Select};
use jiff::Timestamp;
use podio_lifecycle::{
    ids::OffboardingId,
    offboarding::{DueKind, Filter, Offboarding, PersonKey, Unreadable},
    ports::{FindDue, Page, ReadOffboardings, StoreError},
    removal::SpaceRemoval,
};

use super::{
    DynamoStore, Item,
    accept::DRY_RUN,
    item::{Read, text},
    keys::{self, Key, LISTING},
    malformed, names, offboarding, space_item,
    transaction::give_way,
    unavailable, values,
};
use crate::{
    rules,
    tables::{IN_STATE, LISTED_AS, PARTITION_KEY, SORT_KEY, STATES_INDEX},
};

/// What one batch get takes.
pub(super) const GET_AT_ONCE: usize = 100;
/// Pages of the listing that are searched for one answer.
const LISTING_PAGES: usize = 10;
/// Keys of the index that are looked through for those at work: far more than a busy day has.
const ACTIVE_KEYS: usize = 20_000;
/// Tries to get what a batch get leaves out when it is throttled.
const GET_TRIES: u32 = 6;

#[async_trait]
impl ReadOffboardings for DynamoStore {
    async fn load(&self, id: &OffboardingId) -> Result<Option<Offboarding>, StoreError> {
        self.get(&Key::state(id)).await?.as_ref().map(offboarding).transpose()
    }

    async fn list(&self, filter: &Filter, limit: usize, before: Option<&OffboardingId>) -> Result<Page, StoreError> {
        let limit = limit.max(1);
        let listing = Listing::of(filter);
        // One more than is asked for tells whether there is a next page. Where the listing holds others, too, most may not
        // fit.
        let size = if Listing::is_exact(filter) { GET_AT_ONCE.min(limit + 1) } else { GET_AT_ONCE };
        let mut page = Page { offboardings: Vec::new(), unreadable: Vec::new(), next: None };
        let mut cursor = before.cloned();
        for _ in 0..LISTING_PAGES {
            let (ids, more) = self.listed(&listing, cursor.as_ref(), size).await?;
            let mut records = self.load_all(&ids).await?;
            for (id, left) in ids.iter().zip((0..ids.len()).rev()) {
                match records.remove(id) {
                    Some(Ok(record)) if filter.matches(&record) => page.offboardings.push(record),
                    Some(Err(unreadable)) if filter.may_match(&unreadable) => page.unreadable.push(unreadable),
                    _ => {}
                }
                if page.offboardings.len() + page.unreadable.len() == limit {
                    page.next = (more || left > 0).then(|| id.clone());
                    return Ok(page);
                }
            }
            if !more {
                return Ok(page);
            }
            cursor = ids.last().cloned().or(cursor);
        }
        page.next = cursor;
        Ok(page)
    }

    async fn count_accepted(
        &self,
        since: Timestamp,
        until: &OffboardingId,
        at_most: usize,
    ) -> Result<usize, StoreError> {
        let from = OffboardingId::first_at(since);
        if at_most == 0 || *until <= from {
            return Ok(0);
        }
        let condition = format!("#{PARTITION_KEY} = :listing AND #{SORT_KEY} BETWEEN :from AND :until");
        let filter = format!("#{DRY_RUN} = :no");
        let terms = values([
            (":listing", text(LISTING)),
            (":from", text(from.as_str())),
            (":until", keys::just_before(until)),
            (":no", aws_sdk_dynamodb::types::AttributeValue::Bool(false)),
        ]);
        let query = self.query(&condition, terms).filter_expression(&filter).consistent_read(true);
        let query = query.set_expression_attribute_names(names(&[&condition, &filter]));
        Ok(count(query, at_most).await?.min(at_most))
    }

    async fn spaces(&self, id: &OffboardingId, plan: u64) -> Result<Vec<SpaceRemoval>, StoreError> {
        let items = self.below(id, &keys::spaces_of(plan)).await?;
        items.iter().map(space_item::decode).collect()
    }

    async fn active(&self, limit: usize) -> Result<Vec<Offboarding>, StoreError> {
        // The longest at work come first, and the rest need not be read.
        let ids = self.due(DueKind::Active, Timestamp::MAX, ACTIVE_KEYS).await?;
        let mut found = Vec::new();
        for ids in ids.chunks(GET_AT_ONCE) {
            let records = self.load_all(ids).await?;
            found.extend(records.into_values().filter_map(Result::ok).filter(rules::is_active));
            if found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }
}

/// Where ids are listed.
enum Listing {
    /// A partition of the table.
    Partition(String),
    /// The index by state.
    State(String),
}

impl Listing {
    /// The shortest listing that holds everything that is asked for.
    fn of(filter: &Filter) -> Self {
        let email = filter.email.clone().map(PersonKey::Email);
        let person = email.or_else(|| filter.user.map(PersonKey::User));
        match (person, &filter.state) {
            (Some(person), _) => Self::Partition(keys::listing_of(&person)),
            (None, Some(state)) => Self::State(state.clone()),
            (None, None) => Self::Partition(LISTING.to_owned()),
        }
    }

    /// Whether it holds nothing else: each part of a filter but one has to be looked for in the records.
    fn is_exact(filter: &Filter) -> bool {
        let parts = [filter.state.is_some(), filter.email.is_some(), filter.user.is_some()];
        parts.into_iter().filter(|asked| *asked).count() <= 1
    }
}

impl DynamoStore {
    /// A query with the names of its key condition.
    pub(super) fn query(&self, condition: &str, values: Option<Item>) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .key_condition_expression(condition)
            .set_expression_attribute_names(names(&[condition]))
            .set_expression_attribute_values(values)
    }

    /// The query for all items of an offboarding whose sort key begins with `prefix`, read consistently.
    pub(super) fn query_below(&self, id: &OffboardingId, prefix: &str) -> QueryFluentBuilder {
        let condition = format!("#{PARTITION_KEY} = :partition AND begins_with(#{SORT_KEY}, :prefix)");
        let terms = values([(":partition", text(keys::partition(id))), (":prefix", text(prefix))]);
        self.query(&condition, terms).consistent_read(true)
    }

    /// All items of an offboarding whose sort key begins with `prefix`, in order.
    pub(super) async fn below(&self, id: &OffboardingId, prefix: &str) -> Result<Vec<Item>, StoreError> {
        let pages = self.query_below(id, prefix).into_paginator().items().send();
        pages.collect::<Result<_, _>>().await.map_err(|error| unavailable(&error))
    }

    /// One page of a listing, newest first, and whether there may be more.
    async fn listed(
        &self,
        listing: &Listing,
        before: Option<&OffboardingId>,
        size: usize,
    ) -> Result<(Vec<OffboardingId>, bool), StoreError> {
        let (partition, sort, value) = match listing {
            Listing::Partition(pk) => (PARTITION_KEY, SORT_KEY, pk),
            Listing::State(name) => (IN_STATE, LISTED_AS, name),
        };
        let (condition, terms) = match before {
            None => (format!("#{partition} = :listing"), values([(":listing", text(value))])),
            Some(before) => (
                format!("#{partition} = :listing AND #{sort} < :before"),
                values([(":listing", text(value)), (":before", text(before.as_str()))]),
            ),
        };
        let index = matches!(listing, Listing::State(_)).then(|| STATES_INDEX.to_owned());
        let query = self.query(&condition, terms).set_index_name(index).scan_index_forward(false);
        let answer = query.limit(i32::try_from(size).unwrap_or(i32::MAX)).send().await;
        let answer = answer.map_err(|error| unavailable(&error))?;
        let id = |item: &Item| {
            let id = item.parsed(sort);
            // One bad entry may not keep anybody from all the others.
            id.inspect_err(|error| tracing::error!(%error, "an entry of a listing has an unknown key")).ok()
        };
        let ids = answer.items().iter().filter_map(id).collect();
        Ok((ids, answer.last_evaluated_key.is_some_and(|key| !key.is_empty())))
    }

    /// The records of up to a hundred offboardings; one that does not exist is left out, and one that this version cannot
    /// read hides no other.
    async fn load_all(
        &self,
        ids: &[OffboardingId],
    ) -> Result<BTreeMap<OffboardingId, Result<Offboarding, Unreadable>>, StoreError> {
        let keys = ids.iter().map(|id| Key::state(id).attributes()).collect();
        let mut found = BTreeMap::new();
        for item in self.get_all(keys).await? {
            let id = Key::of(&item)?.offboarding()?;
            let record = offboarding(&item).map_err(|error| {
                tracing::error!(%error, offboarding = id.as_str(), "a record cannot be read");
                let state = item.find_text(IN_STATE).ok().flatten().map(str::to_owned);
                Unreadable { id: id.clone(), state }
            });
            found.insert(id, record);
        }
        Ok(found)
    }

    /// The items of up to a hundred keys, in any order; one that does not exist is left out.
    pub(super) async fn get_all(&self, mut wanted: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::new();
        for attempt in 0..GET_TRIES {
            if wanted.is_empty() {
                return Ok(found);
            }
            if attempt > 0 {
                give_way(attempt).await;
            }
            let keys = KeysAndAttributes::builder().set_keys(Some(wanted)).build().map_err(malformed)?;
            let get = self.client.batch_get_item().request_items(&self.table, keys);
            let answer = get.send().await.map_err(|error| unavailable(&error))?;
            found.extend(answer.responses.into_iter().flat_map(HashMap::into_values).flatten());
            let left = answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table));
            wanted = left.map(|left| left.keys).unwrap_or_default();
        }
        if wanted.is_empty() { Ok(found) } else { Err(StoreError::Unavailable("unprocessed keys".to_owned())) }
    }
}

/// Counts what a query finds, and stops at `at_most`.
pub(super) async fn count(query: QueryFluentBuilder, at_most: usize) -> Result<usize, StoreError> {
    let mut pages = query.select(Select::Count).into_paginator().send();
    let mut counted = 0;
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unavailable(&error))?;
        counted += usize::try_from(page.count).unwrap_or_default();
        if counted >= at_most {
            break;
        }
    }
    Ok(counted)
}
