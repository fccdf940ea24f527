//! The work table: one index over all items that are jobs, and the claims on them.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use podio_engine::ports::{BESIDE, Claimed, LookAhead, WorkTable};
use podio_lifecycle::{
    ports::StoreError,
    work::{JobId, Priority, Waiting},
};

use super::{
    DynamoStore, Item, Rejected, in_the_way,
    item::{Read, moment, number, text},
    keys::Key,
    unavailable, values,
    work_item::{self, CLAIM, CLAIMS, PAUSED, READY, paused_place, ready_place},
};
use crate::tables::{PARTITION_KEY, WORK_INDEX, WORK_PLACE, WORK_QUEUE};

/// A fault makes a job pause for no longer than this, so that whoever looks for those that an outage has stopped need look
/// no further.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(16);

#[async_trait]
impl WorkTable for DynamoStore {
    async fn ready(
        &self,
        now: Timestamp,
        recovered: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        let until = if recovered.is_some() { now + LONGEST_PAUSE } else { now };
        let paused = self.waiting(PAUSED, Some(("<=", paused_place(until))), limit).await?;
        let may_go = |job: &Waiting| {
            let has_come = job.not_before.is_none_or(|from| from <= now);
            has_come || job.faulted_at.zip(recovered).is_some_and(|(faulted, recovered)| faulted < recovered)
        };
        let mut ready = self.waiting(READY, None, limit).await?;
        ready.extend(paused.into_iter().filter(may_go));
        ready.sort_by_key(|job| (job.priority, job.place));
        ready.truncate(limit);
        if ready.len() == limit && ready.iter().all(|job| job.priority != Priority::Background) {
            let from = ready_place(Priority::Background, Timestamp::UNIX_EPOCH);
            ready.extend(self.waiting(READY, Some((">=", from)), BESIDE).await?);
        }
        Ok(ready)
    }

    async fn put(&self, waiting: &Waiting) -> Result<(), StoreError> {
        // One that has left the table may come back: what is known of its attempts stays.
        let (update, terms) = work_item::update(work_item::encode(waiting)?, &[]);
        self.change(&waiting.job, &update, &format!("attribute_not_exists(#{WORK_QUEUE})"), Some(terms)).await
    }

    async fn claim(&self, job: &JobId, attempt: Timestamp) -> Result<Claimed, StoreError> {
        let update = format!("SET #{CLAIM} = :at, #{CLAIMS} = if_not_exists(#{CLAIMS}, :none) + :one");
        let condition =
            format!("attribute_exists(#{WORK_QUEUE}) AND (attribute_not_exists(#{CLAIM}) OR #{CLAIM} < :at)");
        let terms = values([(":at", moment(attempt)), (":none", number(0)), (":one", number(1))]);
        match self.update_if(&Key::job(job)?, &update, &condition, terms).await {
            Ok(item) => Ok(Claimed::Yes { deaths: item.number::<u32>(CLAIMS)?.saturating_sub(1) }),
            Err(Rejected::Condition(Some(item))) if item.contains_key(WORK_QUEUE) => Ok(Claimed::No),
            Err(Rejected::Condition(Some(item))) => {
                let begun = item.find_moment(CLAIM)?.is_some_and(|claimed| claimed >= attempt);
                Ok(Claimed::Gone { begun })
            }
            Err(Rejected::Condition(None)) => Ok(Claimed::Gone { begun: false }),
            Err(Rejected::Conflict) => Err(in_the_way()),
            Err(Rejected::Store(error)) => Err(error),
        }
    }

    async fn claimed(&self, job: &JobId) -> Result<Option<Timestamp>, StoreError> {
        self.get(&Key::job(job)?).await?.map_or(Ok(None), |item| item.find_moment(CLAIM))
    }

    async fn survived(&self, job: &JobId) -> Result<(), StoreError> {
        let terms = values([(":none", number(0))]);
        self.change(job, &format!("SET #{CLAIMS} = :none"), &format!("attribute_exists(#{PARTITION_KEY})"), terms).await
    }

    async fn wait_again(&self, waiting: &Waiting) -> Result<(), StoreError> {
        let mut stored = work_item::encode(waiting)?;
        stored.insert(CLAIMS.to_owned(), number(0));
        let (update, terms) = work_item::update(stored, &[]);
        self.change(&waiting.job, &update, &format!("attribute_exists(#{WORK_QUEUE})"), Some(terms)).await
    }

    async fn leave(&self, job: &JobId) -> Result<(), StoreError> {
        let all: Vec<String> = work_item::ALL.iter().map(|name| format!("#{name}")).collect();
        let update = format!("REMOVE {}", all.join(", "));
        self.change(job, &update, &format!("attribute_exists(#{WORK_QUEUE})"), None).await
    }
}

#[async_trait]
impl LookAhead for DynamoStore {
    async fn ahead(&self, at_most: usize) -> Result<Vec<Waiting>, StoreError> {
        let mut waiting = self.waiting(READY, None, at_most).await?;
        waiting.truncate(at_most);
        Ok(waiting)
    }
}

impl DynamoStore {
    /// The jobs of one queue, in order. One that cannot be read is told of, and hides nobody.
    async fn waiting(
        &self,
        queue: &str,
        places: Option<(&str, String)>,
        limit: usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        let (condition, terms) = match places {
            None => (format!("#{WORK_QUEUE} = :queue"), values([(":queue", text(queue))])),
            Some((comparison, place)) => (
                format!("#{WORK_QUEUE} = :queue AND #{WORK_PLACE} {comparison} :place"),
                values([(":queue", text(queue)), (":place", text(place))]),
            ),
        };
        let query = self.query(&condition, terms).index_name(WORK_INDEX);
        let page = i32::try_from(limit.clamp(1, 1_000)).unwrap_or(i32::MAX);
        let mut items = query.limit(page).into_paginator().items().send();
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(item) = items.next().await else { break };
            let item: Item = item.map_err(|error| unavailable(&error))?;
            match Key::of(&item).and_then(|key| key.job_id()).and_then(|job| work_item::decode(job, &item)) {
                Ok(waiting) => found.extend(waiting),
                Err(error) => tracing::error!(%error, "a job in the work table cannot be read"),
            }
        }
        Ok(found)
    }

    /// An update of a job that may have left the table meanwhile.
    async fn change(&self, job: &JobId, update: &str, condition: &str, values: Option<Item>) -> Result<(), StoreError> {
        match self.update_if(&Key::job(job)?, update, condition, values).await {
            Ok(_) | Err(Rejected::Condition(_)) => Ok(()),
            Err(Rejected::Conflict) => Err(in_the_way()),
            Err(Rejected::Store(error)) => Err(error),
        }
    }
}
