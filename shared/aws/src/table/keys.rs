//! The keys of every item, written and read in this one place.

use aws_sdk_dynamodb::types::AttributeValue;
use podio_lifecycle::{
    hooks::DeliveryId,
    ids::{ItemId, OffboardingId, OrgId, UserId},
    offboarding::PersonKey,
    ports::StoreError,
    removal::SpaceKey,
    scim::{Index, ScimUserId},
    work::JobId,
};
use sha2::{Digest, Sha256};

use super::item::{Item, Read, text, unreadable};
use crate::tables::{PARTITION_KEY, SORT_KEY};

const OFFBOARDING: &str = "OFF#";
const STATE: &str = "STATE";
const SPACE: &str = "SPACE#";
const JOB: &str = "JOB#";
const REMOVED: &str = "REMOVED#";
const LEAVER_ITEM: &str = "ITEM#";
const DELIVERY: &str = "DELIVERY#";
/// What the sort keys of an offboarding's calls begin with.
pub(super) const CALL: &str = "CALL#";
/// The partition of all seals.
pub(super) const SEALS: &str = "SEALS";
/// The partition of the public keys.
pub(super) const KEYS: &str = "KEYS";
/// The partition that lists all offboardings.
pub(super) const LISTING: &str = "OFFBOARDINGS";

/// The partition that lists all SCIM users.
pub(super) const SCIM_LISTING: &str = "SCIMUSERS";

/// A primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    /// A key of two fixed words.
    pub(crate) fn fixed(pk: &str, sk: &str) -> Self {
        Self { pk: pk.to_owned(), sk: sk.to_owned() }
    }

    /// An offboarding's record.
    pub(super) fn state(id: &OffboardingId) -> Self {
        Self { pk: partition(id), sk: STATE.to_owned() }
    }

    /// An offboarding's place in the listing.
    pub(super) fn listing(id: &OffboardingId) -> Self {
        Self::fixed(LISTING, id.as_str())
    }

    /// An offboarding's place in the listing of a person.
    pub(super) fn listing_of(person: &PersonKey, id: &OffboardingId) -> Self {
        Self { pk: listing_of(person), sk: id.as_str().to_owned() }
    }

    /// The removal from one space.
    pub(super) fn space(key: &SpaceKey) -> Self {
        Self { pk: partition(&key.offboarding), sk: format!("{}{:020}", spaces_of(key.plan), key.space.0) }
    }

    /// The item that is a job.
    pub(super) fn job(job: &JobId) -> Result<Self, StoreError> {
        let subject = &job.subject;
        Ok(match job.kind.as_str() {
            JobId::OFFBOARDING => Self::state(&subject.parse().map_err(|_| unreadable("subject"))?),
            JobId::SPACE => Self::space(&subject.parse().map_err(|_| unreadable("subject"))?),
            JobId::DELIVERY => Self::delivery(&subject.parse().map_err(|_| unreadable("subject"))?),
            kind => Self { pk: format!("{JOB}{kind}#{subject}"), sk: "JOB".to_owned() },
        })
    }

    /// One call to Podio.
    pub(super) fn call(id: &OffboardingId, n: u32) -> Self {
        Self { pk: partition(id), sk: format!("{CALL}{n:08}") }
    }

    /// The signed statement about an offboarding's calls.
    pub(super) fn statement(id: &OffboardingId) -> Self {
        Self { pk: partition(id), sk: "CALLS".to_owned() }
    }

    /// One part of a record.
    pub(super) fn record(id: &OffboardingId, sha256: &str, part: usize) -> Self {
        Self { pk: partition(id), sk: format!("{}{part:03}", record_of(sha256)) }
    }

    /// A seal. The numbers are padded, so that they sort as numbers do.
    pub(super) fn seal(number: u64) -> Self {
        Self { pk: SEALS.to_owned(), sk: format!("{number:012}") }
    }

    /// A public key.
    pub(super) fn public_key(kid: &str) -> Self {
        Self::fixed(KEYS, kid)
    }

    /// An idempotency key.
    pub(super) fn idempotency(key: &str) -> Self {
        Self { pk: format!("KEY#{}", digest(key)), sk: "KEY".to_owned() }
    }

    /// The claim on a person, hashed: no address stands in a key.
    pub(super) fn person(key: &str) -> Self {
        Self { pk: format!("PERSON#{}", digest(key)), sk: "CLAIM".to_owned() }
    }

    /// Who removed a person from an organization.
    pub(super) fn removed(org: OrgId, user: UserId) -> Self {
        Self { pk: format!("{REMOVED}{user}"), sk: org.to_string() }
    }

    /// An item of the leavers app.
    pub(super) fn leaver_item(item: ItemId) -> Self {
        Self { pk: format!("{LEAVER_ITEM}{item}"), sk: STATE.to_owned() }
    }

    /// A delivery of Podio's.
    pub(super) fn delivery(id: &DeliveryId) -> Self {
        Self { pk: format!("{DELIVERY}{id}"), sk: STATE.to_owned() }
    }

    /// A SCIM user's record.
    pub(super) fn scim_user(id: &ScimUserId) -> Self {
        Self { pk: format!("SCIM#{id}"), sk: STATE.to_owned() }
    }

    /// The holder of a `userName`, hashed: no address stands in a key.
    pub(super) fn scim_name(lowered: &str) -> Self {
        Self { pk: format!("SCIMNAME#{}", digest(lowered)), sk: "NAME".to_owned() }
    }

    /// A SCIM user's place in the listing of all.
    pub(super) fn scim_listing(id: &ScimUserId) -> Self {
        Self::fixed(SCIM_LISTING, id.as_str())
    }

    /// A SCIM user's place in the listing of those that share something.
    pub(super) fn scim_index(index: &Index, id: &ScimUserId) -> Self {
        Self { pk: scim_index(index), sk: id.as_str().to_owned() }
    }

    /// Whose turn it is to leave an organization.
    pub(super) fn turn(org: OrgId) -> Self {
        Self { pk: format!("TURN#{org}"), sk: "HOLDER".to_owned() }
    }

    /// The quota's record.
    pub(super) fn quota() -> Self {
        Self::fixed("QUOTA", "LOG")
    }

    /// What is known of Podio's capabilities.
    pub(super) fn capabilities() -> Self {
        Self::fixed("CAPABILITIES", "ALL")
    }

    /// Whether removals are paused.
    pub(super) fn pause() -> Self {
        Self::fixed("PAUSE", "ALL")
    }

    /// The key as DynamoDB takes it.
    pub(crate) fn attributes(&self) -> Item {
        super::item::item(self)
    }

    /// The key of an item that was read.
    pub(super) fn of(item: &Item) -> Result<Self, StoreError> {
        Ok(Self::fixed(item.text(PARTITION_KEY)?, item.text(SORT_KEY)?))
    }

    /// The job that an item is.
    pub(super) fn job_id(&self) -> Result<JobId, StoreError> {
        if let Some((kind, subject)) = self.pk.strip_prefix(JOB).and_then(|rest| rest.split_once('#')) {
            return Ok(JobId::new(kind, subject));
        }
        if self.pk.starts_with(DELIVERY) {
            return Ok(JobId::new(JobId::DELIVERY, self.delivery_id()?));
        }
        match self.sk.as_str() {
            STATE => Ok(JobId::new(JobId::OFFBOARDING, self.offboarding()?)),
            _ => self.space_key().map(|key| key.job()),
        }
    }

    /// The delivery that a key stands for.
    pub(super) fn delivery_id(&self) -> Result<DeliveryId, StoreError> {
        let id = self.pk.strip_prefix(DELIVERY).and_then(|id| id.parse().ok());
        id.ok_or_else(|| unreadable(PARTITION_KEY))
    }

    /// The removal that a key names.
    pub(super) fn space_key(&self) -> Result<SpaceKey, StoreError> {
        let parts = self.sk.strip_prefix(SPACE).and_then(|rest| rest.split_once('#'));
        let (plan, space) = parts
            .and_then(|(plan, space)| Some((plan.parse().ok()?, podio_lifecycle::ids::SpaceId(space.parse().ok()?))))
            .ok_or_else(|| unreadable(SORT_KEY))?;
        Ok(SpaceKey { offboarding: self.offboarding()?, plan, space })
    }

    /// The person who was removed.
    pub(super) fn removed_user(&self) -> Result<UserId, StoreError> {
        let user = self.pk.strip_prefix(REMOVED).and_then(|user| user.parse().ok());
        user.ok_or_else(|| unreadable(PARTITION_KEY))
    }

    /// The offboarding that the partition key names.
    pub(super) fn offboarding(&self) -> Result<OffboardingId, StoreError> {
        let id = self.pk.strip_prefix(OFFBOARDING).and_then(|id| id.parse().ok());
        id.ok_or_else(|| unreadable(PARTITION_KEY))
    }
}

/// The partition that holds everything of one offboarding.
pub(super) fn partition(id: &OffboardingId) -> String {
    format!("{OFFBOARDING}{id}")
}

/// The partition that lists a person's offboardings, hashed: no address stands in a key.
pub(super) fn listing_of(person: &PersonKey) -> String {
    let name = match person {
        PersonKey::Email(mail) => format!("mail#{}", mail.as_str().to_ascii_lowercase()),
        PersonKey::User(user) => format!("user#{user}"),
    };
    format!("LISTED#{}", digest(&name))
}

/// The partition that lists the SCIM users that share something, hashed.
pub(super) fn scim_index(index: &Index) -> String {
    let name = match index {
        Index::UserName(name) => format!("name#{name}"),
        Index::ExternalId(id) => format!("external#{id}"),
        Index::WorkAddress(address) => format!("work#{address}"),
    };
    format!("SCIMLISTED#{}", digest(&name))
}

/// What the sort keys of a record's parts begin with.
pub(super) fn record_of(sha256: &str) -> String {
    format!("RECORD#{sha256}#")
}

/// What the sort keys of a plan's removals begin with. The numbers are padded, so that they sort as numbers do.
pub(super) fn spaces_of(plan: u64) -> String {
    format!("{SPACE}{plan:020}#")
}

/// The listing keys before that of `id`, as the upper bound of a `BETWEEN`, which includes its bounds: ids end in a
/// hexadecimal digit, and no id lies between the two.
pub(super) fn just_before(id: &OffboardingId) -> AttributeValue {
    let mut bytes = id.as_str().as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last -= 1;
    }
    bytes.push(b'~');
    text(String::from_utf8_lossy(&bytes))
}

fn digest(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn id() -> OffboardingId {
        OffboardingId::new(Timestamp::UNIX_EPOCH, [7; 10])
    }

    #[test]
    fn a_job_is_read_back_from_its_key() {
        let space = SpaceKey { offboarding: id(), plan: 12, space: podio_lifecycle::ids::SpaceId(345) };
        let delivery = format!("dlv_{}", "0a".repeat(16));
        for job in [
            JobId::new(JobId::OFFBOARDING, id()),
            space.job(),
            JobId::new(JobId::DELIVERY, delivery),
            JobId::new("keep_hooks", "space/5"),
        ] {
            assert_eq!(Key::job(&job).unwrap().job_id(), Ok(job));
        }
        assert!(Key::quota().job_id().is_err());
        assert!(Key::job(&JobId::new(JobId::SPACE, "5")).is_err());
    }

    #[test]
    fn no_address_stands_in_a_key() {
        let key = Key::person("1#mail#jane@example.com");
        assert!(!key.pk.contains("jane"), "{key:?}");
        let listing = listing_of(&PersonKey::Email("Jane@example.com".parse().unwrap()));
        assert!(!listing.contains("jane"), "{listing}");
    }

    #[test]
    fn the_bound_just_before_an_id_leaves_out_that_id_only() {
        for last in 0..=255u8 {
            let mut random = [9; 10];
            random[9] = last;
            let id = OffboardingId::new(Timestamp::UNIX_EPOCH, random);
            let bound = just_before(&id).as_s().unwrap().clone();
            assert!(bound.as_str() < id.as_str(), "{bound}");
            if let Some(before) = last.checked_sub(1) {
                random[9] = before;
                let earlier = OffboardingId::new(Timestamp::UNIX_EPOCH, random);
                assert!(earlier.as_str() < bound.as_str(), "{earlier} {bound}");
            }
        }
    }
}
