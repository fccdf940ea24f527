//! Accepting a request: the record, its place in the listing, its idempotency key and its claim on the person, or
//! nothing at all.

use async_trait::async_trait;
use jiff::Timestamp;
use podio_lifecycle::{
    ids::OffboardingId,
    offboarding::Offboarding,
    ports::{AcceptOffboardings, Created, IdempotencyKey, Joined, SaveError, StoreError},
};

use super::{
    DynamoStore, Item, OFFBOARDING,
    claims::Claims,
    in_the_way,
    item::{Read, item, number, text},
    keys::Key,
    offboarding_item,
    transaction::{Cancelled, Part, TRIES, Transaction, give_way},
    values,
    write::RecordWrite,
};
use crate::tables::{PARTITION_KEY, TTL};

const FINGERPRINT: &str = "fingerprint";
/// Whether an offboarding is a dry run, on its place in the listing.
pub(super) const DRY_RUN: &str = "dry_run";

#[async_trait]
impl AcceptOffboardings for DynamoStore {
    async fn create(&self, offboarding: &Offboarding, key: Option<&IdempotencyKey>) -> Result<Created, StoreError> {
        let dry_run = offboarding.request.dry_run;
        let mut claims = if dry_run { Claims::keep(offboarding) } else { Claims::take(offboarding) };
        for attempt in 0..TRIES {
            let failed = match self.creation(offboarding, key, &claims)?.send().await {
                Ok(()) => return Ok(Created::New),
                Err(Cancelled::Store(error)) => return Err(error),
                Err(Cancelled::Conflict) => {
                    give_way(attempt).await;
                    continue;
                }
                Err(Cancelled::Conditions(failed)) => failed,
            };
            // What was accepted before comes first: the claim may well be that of the request that is repeated here.
            if let (Some(key), Some((_, found))) = (key, failed.iter().find(|(part, _)| *part == Part::Key)) {
                match found {
                    Some(found) => return known(key, found),
                    None => continue,
                }
            }
            if failed.iter().any(|(part, _)| *part == Part::Record) {
                return Ok(Created::Repeated(offboarding.id.clone()));
            }
            for (part, found) in &failed {
                if let Some(running) = claims.learn(self, part, found.as_ref()).await? {
                    return Ok(Created::AlreadyRunning(running));
                }
            }
        }
        Err(in_the_way())
    }

    async fn join(
        &self,
        running: &Offboarding,
        changed: Option<&Offboarding>,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Joined, SaveError> {
        for attempt in 0..TRIES {
            let mut transaction = Transaction::on(self);
            if let Some(changed) = changed {
                RecordWrite::of(changed, running.revision)?.join(&mut transaction)?;
            }
            if let Some(key) = key {
                let (condition, terms) = unused(now);
                transaction.put(Part::Key, key_item(key, &running.id), Some(&condition), terms)?;
            }
            if transaction.is_empty() {
                return Ok(Joined::Done);
            }
            let failed = match transaction.send().await {
                Ok(()) => return Ok(Joined::Done),
                Err(Cancelled::Store(error)) => return Err(error.into()),
                Err(Cancelled::Conflict) => {
                    give_way(attempt).await;
                    continue;
                }
                Err(Cancelled::Conditions(failed)) => failed,
            };
            // The same request, arriving twice at one moment, was quicker: the key says so, whatever has become of the record.
            let Some((_, found)) = failed.iter().find(|(part, _)| *part == Part::Key) else {
                return Err(SaveError::Conflict);
            };
            if let (Some(key), Some(found)) = (key, found) {
                return Ok(match known(key, found)? {
                    Created::Repeated(id) => Joined::Repeated(id),
                    _ => Joined::KeyReused,
                });
            }
        }
        Err(in_the_way().into())
    }
}

impl DynamoStore {
    fn creation(
        &self,
        offboarding: &Offboarding,
        key: Option<&IdempotencyKey>,
        claims: &Claims<'_>,
    ) -> Result<Transaction<'_>, StoreError> {
        let mut transaction = Transaction::on(self);
        let absent = format!("attribute_not_exists(#{PARTITION_KEY})");
        let mut record = item(&Key::state(&offboarding.id));
        record.extend(offboarding_item(offboarding, offboarding.revision)?);
        transaction.put(Part::Record, record, Some(&absent), None)?;
        let mut listing = item(&Key::listing(&offboarding.id));
        listing.insert(DRY_RUN.to_owned(), aws_sdk_dynamodb::types::AttributeValue::Bool(offboarding.request.dry_run));
        transaction.put(Part::Listing, listing, None, None)?;
        list_persons(&mut transaction, offboarding, 0)?;
        if let Some(key) = key {
            let (condition, now) = unused(offboarding.created_at);
            transaction.put(Part::Key, key_item(key, &offboarding.id), Some(&condition), now)?;
        }
        claims.join(&mut transaction)?;
        Ok(transaction)
    }
}

/// Lists an offboarding under the names of its person, but for the first so many, under which it is listed already.
pub(super) fn list_persons(
    transaction: &mut Transaction<'_>,
    offboarding: &Offboarding,
    listed: usize,
) -> Result<(), StoreError> {
    for person in offboarding.person_names().iter().skip(listed) {
        transaction.put(Part::Listing, item(&Key::listing_of(person, &offboarding.id)), None, None)?;
    }
    Ok(())
}

/// What a key that is in use says of the request.
fn known(key: &IdempotencyKey, found: &Item) -> Result<Created, StoreError> {
    if found.text(FINGERPRINT)? == key.fingerprint {
        Ok(Created::Repeated(found.parsed(OFFBOARDING)?))
    } else {
        Ok(Created::KeyReused)
    }
}

/// The condition that a key is not in use: TTL deletes late, so what has expired counts as absent.
fn unused(now: Timestamp) -> (String, Option<Item>) {
    let condition = format!("attribute_not_exists(#{PARTITION_KEY}) OR #{TTL} <= :now");
    (condition, values([(":now", number(now.as_second()))]))
}

fn key_item(key: &IdempotencyKey, offboarding: &OffboardingId) -> Item {
    let mut item = item(&Key::idempotency(&key.key));
    item.insert(FINGERPRINT.to_owned(), text(&key.fingerprint));
    item.insert(OFFBOARDING.to_owned(), text(offboarding.as_str()));
    item.insert(TTL.to_owned(), number(key.expires_at.as_second()));
    item
}
