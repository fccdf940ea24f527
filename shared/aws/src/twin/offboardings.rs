//! Offboardings: accepting, reading and writing them.

use async_trait::async_trait;
use jiff::Timestamp;
use podio_lifecycle::{
    ids::{OffboardingId, OrgId, SpaceId, UserId},
    offboarding::{DueKind, Filter, Offboarding, PersonClaim},
    ports::{
        AcceptOffboardings, Created, FindDue, FindRemoved, IdempotencyKey, Joined, Page, ReadOffboardings, SaveError,
        StoreError, WriteOffboardings,
    },
    removal::{SpaceKey, SpaceRemoval},
    work::JobId,
};

use super::{MemoryStore, Tables, UsedKey};
use crate::rules;

impl Tables {
    /// Who holds any of the person's keys, other than the offboarding itself.
    fn holder(&self, offboarding: &Offboarding) -> Option<OffboardingId> {
        let others = |id: &&OffboardingId| **id != offboarding.id;
        let holds = |id: &&OffboardingId| self.offboardings.get(*id).is_some_and(rules::holds_person);
        let keys = offboarding.person_keys();
        keys.iter().filter_map(|key| self.persons.get(key)).filter(others).find(holds).cloned()
    }

    fn take(&mut self, offboarding: &Offboarding) {
        for key in offboarding.person_keys() {
            self.persons.insert(key, offboarding.id.clone());
        }
    }

    fn release(&mut self, offboarding: &Offboarding) {
        for key in offboarding.person_keys() {
            if self.persons.get(&key) == Some(&offboarding.id) {
                self.persons.remove(&key);
            }
        }
    }

    fn note_key(&mut self, key: Option<&IdempotencyKey>, offboarding: &OffboardingId) {
        if let Some(IdempotencyKey { key, fingerprint, expires_at }) = key {
            let used =
                UsedKey { fingerprint: fingerprint.clone(), offboarding: offboarding.clone(), expires_at: *expires_at };
            self.keys.insert(key.clone(), used);
        }
    }

    /// What a key that is in use says of a request: the offboarding that it stands for, or none where it was used for
    /// another request.
    fn known(&self, key: Option<&IdempotencyKey>, now: Timestamp) -> Option<Option<OffboardingId>> {
        // TTL has whole seconds.
        let lives = |used: &&UsedKey| used.expires_at.as_second() > now.as_second();
        let used = self.keys.get(&key?.key).filter(lives)?;
        Some((used.fingerprint == key?.fingerprint).then(|| used.offboarding.clone()))
    }

    fn join(
        &mut self,
        running: &Offboarding,
        changed: Option<&Offboarding>,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Joined, SaveError> {
        if let Some(known) = self.known(key, now) {
            return Ok(known.map_or(Joined::KeyReused, Joined::Repeated));
        }
        if let Some(changed) = changed {
            self.save(running.revision, changed, PersonClaim::Keep, None)?;
        }
        self.note_key(key, &running.id);
        Ok(Joined::Done)
    }

    fn create(&mut self, offboarding: &Offboarding, key: Option<&IdempotencyKey>) -> Created {
        if let Some(known) = self.known(key, offboarding.created_at) {
            return known.map_or(Created::KeyReused, Created::Repeated);
        }
        if self.offboardings.contains_key(&offboarding.id) {
            return Created::Repeated(offboarding.id.clone());
        }
        if !offboarding.request.dry_run {
            if let Some(running) = self.holder(offboarding) {
                return Created::AlreadyRunning(running);
            }
            self.take(offboarding);
        }
        self.note_key(key, &offboarding.id);
        self.put_record(offboarding.clone());
        Created::New
    }

    pub(super) fn save(
        &mut self,
        expected: u64,
        offboarding: &Offboarding,
        person: PersonClaim,
        settled: Option<&SpaceRemoval>,
    ) -> Result<(), SaveError> {
        let id = &offboarding.id;
        if self.offboardings.get(id).is_none_or(|stored| stored.revision != expected) {
            return Err(SaveError::Conflict);
        }
        if let Some(settled) = settled
            && self.spaces.get(&settled.key).is_none_or(|stored| stored.revision != settled.revision)
        {
            return Err(SaveError::Conflict);
        }
        match person {
            PersonClaim::Keep => {}
            PersonClaim::Take => match self.holder(offboarding) {
                Some(holder) => return Err(SaveError::PersonTaken(holder)),
                None => self.take(offboarding),
            },
            PersonClaim::Release => self.release(offboarding),
            PersonClaim::Removed => {
                self.release(offboarding);
                if let Some(leaver) = offboarding.state.leaver() {
                    self.removed.insert((offboarding.org_id, leaver.user_id), id.clone());
                }
            }
        }
        if let Some(settled) = settled {
            self.save_space(settled)?;
        }
        let stored = Offboarding { revision: expected + 1, ..offboarding.clone() };
        self.put_record(stored);
        Ok(())
    }

    fn put_record(&mut self, offboarding: Offboarding) {
        self.work.set(&JobId::new(JobId::OFFBOARDING, &offboarding.id), offboarding.waiting());
        self.offboardings.insert(offboarding.id.clone(), offboarding);
    }

    /// What is listed under a kind, the longest first.
    fn due(&self, kind: DueKind) -> Vec<(i64, OffboardingId)> {
        let mut due: Vec<_> = self
            .offboardings
            .values()
            .filter_map(|offboarding| {
                let due = offboarding.due().filter(|due| due.kind == kind)?;
                Some((due.at.as_millisecond(), offboarding.id.clone()))
            })
            .collect();
        due.sort();
        due
    }
}

#[async_trait]
impl AcceptOffboardings for MemoryStore {
    async fn create(&self, offboarding: &Offboarding, key: Option<&IdempotencyKey>) -> Result<Created, StoreError> {
        self.run("create", |tables| Ok(tables.create(offboarding, key))).await
    }

    async fn join(
        &self,
        running: &Offboarding,
        changed: Option<&Offboarding>,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Joined, SaveError> {
        self.run("join", |tables| tables.join(running, changed, key, now)).await
    }
}

#[async_trait]
impl WriteOffboardings for MemoryStore {
    async fn save(
        &self,
        expected: u64,
        offboarding: &Offboarding,
        person: PersonClaim,
        settled: Option<&SpaceRemoval>,
    ) -> Result<(), SaveError> {
        self.run("save", |tables| tables.save(expected, offboarding, person, settled)).await
    }
}

#[async_trait]
impl ReadOffboardings for MemoryStore {
    async fn load(&self, id: &OffboardingId) -> Result<Option<Offboarding>, StoreError> {
        self.run("load", |tables| Ok(tables.offboardings.get(id).cloned())).await
    }

    async fn list(&self, filter: &Filter, limit: usize, before: Option<&OffboardingId>) -> Result<Page, StoreError> {
        self.run("list", |tables| {
            let wanted = |offboarding: &&Offboarding| filter.matches(offboarding);
            let earlier = tables.offboardings.values().rev().filter(|it| before.is_none_or(|before| it.id < *before));
            let mut found: Vec<_> = earlier.filter(wanted).take(limit.saturating_add(1)).cloned().collect();
            let more = found.len() > limit;
            found.truncate(limit);
            let next = found.last().filter(|_| more).map(|last| last.id.clone());
            Ok(Page { offboardings: found, unreadable: Vec::new(), next })
        })
        .await
    }

    async fn count_accepted(
        &self,
        since: Timestamp,
        until: &OffboardingId,
        at_most: usize,
    ) -> Result<usize, StoreError> {
        self.run("count_accepted", |tables| {
            let from = OffboardingId::first_at(since);
            let within = tables.offboardings.values().filter(|it| from <= it.id && it.id < *until);
            Ok(within.filter(|it| !it.request.dry_run).take(at_most).count())
        })
        .await
    }

    async fn spaces(&self, id: &OffboardingId, plan: u64) -> Result<Vec<SpaceRemoval>, StoreError> {
        self.run("spaces", |tables| {
            let first = SpaceKey { offboarding: id.clone(), plan, space: SpaceId(0) };
            let of_plan = tables.spaces.range(first..).map(|(_, removal)| removal);
            let of_plan = of_plan.take_while(|removal| removal.key.offboarding == *id && removal.key.plan == plan);
            Ok(of_plan.cloned().collect())
        })
        .await
    }

    async fn active(&self, limit: usize) -> Result<Vec<Offboarding>, StoreError> {
        self.run("active", |tables| {
            let due = tables.due(DueKind::Active);
            let found = due.iter().filter_map(|(_, id)| tables.offboardings.get(id));
            Ok(found.filter(|offboarding| rules::is_active(offboarding)).take(limit).cloned().collect())
        })
        .await
    }
}

#[async_trait]
impl FindRemoved for MemoryStore {
    async fn removed(&self, org: OrgId, users: &[UserId]) -> Result<Vec<(UserId, OffboardingId)>, StoreError> {
        self.run("removed", |tables| {
            let found = users.iter().filter_map(|user| Some((*user, tables.removed.get(&(org, *user))?.clone())));
            Ok(found.collect())
        })
        .await
    }
}

#[async_trait]
impl FindDue for MemoryStore {
    async fn due(&self, kind: DueKind, until: Timestamp, limit: usize) -> Result<Vec<OffboardingId>, StoreError> {
        self.run("due", |tables| {
            let until = until.as_millisecond();
            let due = tables.due(kind).into_iter().take_while(|(at, _)| *at <= until);
            Ok(due.map(|(_, item)| item).take(limit).collect())
        })
        .await
    }
}
