//! Claims on a person: nobody is off-boarded twice at once.
//!
//! A claim belongs to the offboarding it names as long as that one may hold a person. One that was left behind, by an
//! offboarding that is gone, has ended or has failed, is taken over, on condition that this has not changed meanwhile.
//! With the last claim of somebody who was removed goes a note of who removed them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use podio_lifecycle::{
    ids::{OffboardingId, OrgId, UserId},
    offboarding::Offboarding,
    ports::{FindRemoved, StoreError},
};

use super::{
    DynamoStore, Item, OFFBOARDING, VERSION,
    item::{Read, item, number, text},
    keys::Key,
    read::GET_AT_ONCE,
    transaction::{Part, Transaction},
    values,
};
use crate::{rules, tables::PARTITION_KEY};

/// What one write does to the claims on its person.
pub(super) struct Claims<'a> {
    owner: &'a OffboardingId,
    take: Vec<String>,
    release: Vec<String>,
    /// The place where the person is remembered as removed.
    removed: Option<Key>,
    /// Holders without a right, each with the version of its record, none where there is no record.
    without_right: BTreeMap<OffboardingId, Option<u64>>,
}

impl<'a> Claims<'a> {
    /// Leaves all as it is.
    pub(super) fn keep(offboarding: &'a Offboarding) -> Self {
        Self {
            owner: &offboarding.id,
            take: Vec::new(),
            release: Vec::new(),
            removed: None,
            without_right: BTreeMap::new(),
        }
    }

    /// Takes all keys of the person.
    pub(super) fn take(offboarding: &'a Offboarding) -> Self {
        Self { take: offboarding.person_keys(), ..Self::keep(offboarding) }
    }

    /// Gives back those keys of the person that are its own.
    pub(super) fn release(offboarding: &'a Offboarding) -> Self {
        Self { release: offboarding.person_keys(), ..Self::keep(offboarding) }
    }

    /// The same, and remembers that the person was removed.
    pub(super) fn removed(offboarding: &'a Offboarding) -> Self {
        let removed = offboarding.state.leaver().map(|leaver| Key::removed(offboarding.org_id, leaver.user_id));
        Self { removed, ..Self::release(offboarding) }
    }

    /// Adds what is to be done to a transaction.
    pub(super) fn join(&self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        for person in &self.take {
            let mut claim = item(&Key::person(person));
            claim.insert(OFFBOARDING.to_owned(), text(self.owner.as_str()));
            let mut condition = format!("attribute_not_exists(#{PARTITION_KEY}) OR #{OFFBOARDING} IN (:owner");
            let mut terms = Item::from([(":owner".to_owned(), text(self.owner.as_str()))]);
            for (n, holder) in self.without_right.keys().enumerate() {
                condition.push_str(&format!(", :holder{n}"));
                terms.insert(format!(":holder{n}"), text(holder.as_str()));
            }
            condition.push(')');
            transaction.put(Part::Taken, claim, Some(&condition), Some(terms))?;
        }
        for person in &self.release {
            let condition = format!("attribute_not_exists(#{PARTITION_KEY}) OR #{OFFBOARDING} = :owner");
            let owner = values([(":owner", text(self.owner.as_str()))]);
            transaction.delete(Part::Released(person.clone()), &Key::person(person), &condition, owner)?;
        }
        if let Some(key) = &self.removed {
            let mut removed = item(key);
            removed.insert(OFFBOARDING.to_owned(), text(self.owner.as_str()));
            transaction.put(Part::Removed, removed, None, None)?;
        }
        for (holder, version) in &self.without_right {
            let (condition, terms) = match version {
                None => (format!("attribute_not_exists(#{PARTITION_KEY})"), None),
                Some(version) => (format!("#{VERSION} = :version"), values([(":version", number(version))])),
            };
            transaction.check(Part::NoRight(holder.clone()), &Key::state(holder), &condition, terms)?;
        }
        Ok(())
    }

    /// Learns from a part that was refused; the offboarding that rightly holds the person, if that is why.
    pub(super) async fn learn(
        &mut self,
        store: &DynamoStore,
        part: &Part,
        found: Option<&Item>,
    ) -> Result<Option<OffboardingId>, StoreError> {
        match part {
            Part::Taken => {
                // A claim that went away between the refusal and the answer is simply tried again.
                let Some(found) = found else { return Ok(None) };
                let holder: OffboardingId = found.parsed(OFFBOARDING)?;
                let record = podio_lifecycle::ports::ReadOffboardings::load(store, &holder).await?;
                if record.as_ref().is_some_and(rules::holds_person) {
                    return Ok(Some(holder));
                }
                self.without_right.insert(holder, record.map(|record| record.revision));
            }
            // It belongs to another offboarding by now, and stays with it.
            Part::Released(person) => self.release.retain(|key| key != person),
            Part::NoRight(holder) => {
                self.without_right.remove(holder);
            }
            Part::Record
            | Part::Listing
            | Part::Key
            | Part::UserName
            | Part::Settled
            | Part::Removed
            | Part::Call
            | Part::Seal
            | Part::Audited
            | Part::Change => {}
        }
        Ok(None)
    }
}

#[async_trait]
impl FindRemoved for DynamoStore {
    async fn removed(&self, org: OrgId, users: &[UserId]) -> Result<Vec<(UserId, OffboardingId)>, StoreError> {
        let mut found = Vec::new();
        for users in users.chunks(GET_AT_ONCE) {
            let keys = users.iter().map(|user| Key::removed(org, *user).attributes()).collect();
            for item in self.get_all(keys).await? {
                found.push((Key::of(&item)?.removed_user()?, item.parsed(OFFBOARDING)?));
            }
        }
        Ok(found)
    }
}
