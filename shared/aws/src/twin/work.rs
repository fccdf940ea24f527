//! The work table.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use podio_engine::ports::{BESIDE, Claimed, LookAhead, WorkTable};
use podio_lifecycle::{
    ids::SpaceId,
    ports::{SaveError, SpaceRemovals, StoreError},
    removal::{SpaceKey, SpaceRemoval, Wait},
    work::{Group, JobId, Priority, Waiting},
};

use super::MemoryStore;
use crate::rules;

/// The jobs that wait, in order.
#[derive(Default)]
pub(super) struct Work {
    all: BTreeMap<JobId, Waiting>,
    ready: BTreeSet<(Priority, Timestamp, JobId)>,
    paused: BTreeSet<(Timestamp, JobId)>,
    by_space: BTreeMap<SpaceId, BTreeSet<JobId>>,
    /// The moment of the last attempt that has begun, and how many were not heard of again.
    claims: BTreeMap<JobId, (Timestamp, u32)>,
}

impl Work {
    /// From now on a job waits like that, or not at all.
    pub(super) fn set(&mut self, job: &JobId, waiting: Option<Waiting>) {
        if let Some(before) = self.all.remove(job) {
            match before.not_before {
                Some(until) => self.paused.remove(&(until, job.clone())),
                None => self.ready.remove(&(before.priority, before.place, job.clone())),
            };
            if let Some(Group::Space(space)) = before.group {
                self.by_space.entry(space).or_default().remove(job);
            }
        }
        let Some(waiting) = waiting else { return };
        match waiting.not_before {
            Some(until) => self.paused.insert((until, job.clone())),
            None => self.ready.insert((waiting.priority, waiting.place, job.clone())),
        };
        if let Some(Group::Space(space)) = waiting.group {
            self.by_space.entry(space).or_default().insert(job.clone());
        }
        self.all.insert(job.clone(), waiting);
    }
}

impl MemoryStore {
    /// All jobs that wait: for a test's oracle, no port offers it.
    pub fn waiting(&self) -> Vec<Waiting> {
        self.lock().work.all.values().cloned().collect()
    }
}

#[async_trait]
impl WorkTable for MemoryStore {
    async fn ready(
        &self,
        now: Timestamp,
        recovered: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        self.run("ready", |tables| {
            let work = &tables.work;
            let has_recovered =
                |job: &&Waiting| job.faulted_at.zip(recovered).is_some_and(|(faulted, recovered)| faulted < recovered);
            let due = work.paused.iter().take_while(|(until, _)| *until <= now);
            let later = work.paused.iter().skip_while(|(until, _)| *until <= now).filter(|_| recovered.is_some());
            let due = due.filter_map(|(_, job)| work.all.get(job));
            let later = later.filter_map(|(_, job)| work.all.get(job)).filter(has_recovered);
            let ready = work.ready.iter().take(limit).filter_map(|(_, _, job)| work.all.get(job));
            let mut found: Vec<Waiting> = ready.chain(due.chain(later).take(limit)).cloned().collect();
            found.sort_by_key(|job| (job.priority, job.place));
            found.truncate(limit);
            if found.len() == limit && found.iter().all(|job| job.priority != Priority::Background) {
                let background = work.ready.iter().filter(|(priority, ..)| *priority == Priority::Background);
                found.extend(background.take(BESIDE).filter_map(|(_, _, job)| work.all.get(job)).cloned());
            }
            Ok(found)
        })
        .await
    }

    async fn put(&self, waiting: &Waiting) -> Result<(), StoreError> {
        self.run("put", |tables| {
            if !tables.work.all.contains_key(&waiting.job) {
                tables.work.set(&waiting.job, Some(waiting.clone()));
            }
            Ok(())
        })
        .await
    }

    async fn claim(&self, job: &JobId, attempt: Timestamp) -> Result<Claimed, StoreError> {
        self.run("claim", |tables| {
            let work = &mut tables.work;
            let attempt = rules::stored(attempt);
            if !work.all.contains_key(job) {
                let begun = work.claims.get(job).is_some_and(|(claimed, _)| *claimed >= attempt);
                return Ok(Claimed::Gone { begun });
            }
            match work.claims.get(job) {
                Some((claimed, _)) if *claimed >= attempt => Ok(Claimed::No),
                before => {
                    let deaths = before.map_or(0, |(_, deaths)| *deaths);
                    work.claims.insert(job.clone(), (attempt, deaths + 1));
                    Ok(Claimed::Yes { deaths })
                }
            }
        })
        .await
    }

    async fn claimed(&self, job: &JobId) -> Result<Option<Timestamp>, StoreError> {
        self.run("claimed", |tables| Ok(tables.work.claims.get(job).map(|(claimed, _)| *claimed))).await
    }

    async fn survived(&self, job: &JobId) -> Result<(), StoreError> {
        self.run("survived", |tables| {
            if let Some((_, deaths)) = tables.work.claims.get_mut(job) {
                *deaths = 0;
            }
            Ok(())
        })
        .await
    }

    async fn wait_again(&self, waiting: &Waiting) -> Result<(), StoreError> {
        self.run("wait_again", |tables| {
            if !tables.work.all.contains_key(&waiting.job) {
                return Ok(());
            }
            tables.work.set(&waiting.job, Some(waiting.clone()));
            if let Some((_, deaths)) = tables.work.claims.get_mut(&waiting.job) {
                *deaths = 0;
            }
            // The record of a removal carries how it waits.
            if let Ok(key) = waiting.job.subject.parse::<SpaceKey>()
                && let Some(wait) = tables.spaces.get_mut(&key).and_then(|removal| removal.wait.as_mut())
            {
                let Waiting { priority, place, since, not_before, faulted_at, .. } = *waiting;
                *wait = Wait { priority, place, since, not_before, faulted_at };
            }
            Ok(())
        })
        .await
    }

    async fn leave(&self, job: &JobId) -> Result<(), StoreError> {
        self.run("leave", |tables| {
            tables.work.set(job, None);
            if let Ok(key) = job.subject.parse::<SpaceKey>()
                && let Some(removal) = tables.spaces.get_mut(&key)
            {
                removal.wait = None;
            }
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl LookAhead for MemoryStore {
    async fn ahead(&self, at_most: usize) -> Result<Vec<Waiting>, StoreError> {
        self.run("ahead", |tables| {
            let ready = tables.work.ready.iter().take(at_most);
            Ok(ready.filter_map(|(_, _, job)| tables.work.all.get(job)).cloned().collect())
        })
        .await
    }
}

impl super::Tables {
    /// Stores a removal on condition of the revision that it carries.
    pub(super) fn save_space(&mut self, removal: &SpaceRemoval) -> Result<(), SaveError> {
        let stored = self.spaces.get(&removal.key).map_or(0, |stored| stored.revision);
        if stored != removal.revision {
            return Err(SaveError::Conflict);
        }
        let saved = SpaceRemoval {
            revision: removal.revision + 1,
            settled_at: removal.settled_at.map(rules::stored),
            faulted_since: removal.faulted_since.map(rules::stored),
            ..removal.clone()
        };
        self.work.set(&removal.key.job(), saved.waiting());
        self.spaces.insert(removal.key.clone(), saved);
        Ok(())
    }
}

#[async_trait]
impl SpaceRemovals for MemoryStore {
    async fn space(&self, key: &SpaceKey) -> Result<Option<SpaceRemoval>, StoreError> {
        self.run("space", |tables| Ok(tables.spaces.get(key).cloned())).await
    }

    async fn save_space(&self, removal: &SpaceRemoval) -> Result<(), SaveError> {
        self.run("save_space", |tables| tables.save_space(removal)).await
    }

    async fn save_spaces(&self, removals: &[SpaceRemoval]) -> Result<(), SaveError> {
        for removal in removals {
            self.save_space(removal).await?;
        }
        Ok(())
    }

    async fn waiting_in(&self, space: SpaceId, at_most: usize) -> Result<Vec<SpaceKey>, StoreError> {
        self.run("waiting_in", |tables| {
            let waiting = tables.work.by_space.get(&space).into_iter().flatten();
            Ok(waiting.filter_map(|job| job.subject.parse().ok()).take(at_most).collect())
        })
        .await
    }
}
