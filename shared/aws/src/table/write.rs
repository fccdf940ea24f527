//! Writing an offboarding, alone or together with what depends on it.

use async_trait::async_trait;
use podio_lifecycle::{
    evidence::StoredSeal,
    offboarding::{Offboarding, PersonClaim},
    ports::{SaveError, StoreError, WriteOffboardings},
    removal::SpaceRemoval,
};

use super::{
    DUE, DynamoStore, Item, VERSION,
    accept::list_persons,
    claims::Claims,
    item::number,
    keys::Key,
    offboarding_item, removals,
    transaction::{Cancelled, Part, TRIES, Transaction},
    work_item,
};

/// The write of a record on condition of the revision that was read. It is updated, not replaced: what the work table says
/// of its attempts stays.
pub(super) struct RecordWrite {
    key: Key,
    update: String,
    condition: String,
    terms: Item,
}

impl RecordWrite {
    pub(super) fn of(offboarding: &Offboarding, expected: u64) -> Result<Self, StoreError> {
        let optional: Vec<&str> = DUE.iter().chain(&work_item::ALL).copied().collect();
        let (update, mut terms) = work_item::update(offboarding_item(offboarding, expected + 1)?, &optional);
        terms.insert(":expected".to_owned(), number(expected));
        Ok(Self { key: Key::state(&offboarding.id), update, condition: format!("#{VERSION} = :expected"), terms })
    }

    /// Adds it to a transaction.
    pub(super) fn join(&self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        transaction.update(Part::Record, &self.key, &self.update, &self.condition, Some(self.terms.clone()))
    }
}

#[async_trait]
impl WriteOffboardings for DynamoStore {
    async fn save(
        &self,
        expected: u64,
        offboarding: &Offboarding,
        person: PersonClaim,
        settled: Option<&SpaceRemoval>,
    ) -> Result<(), SaveError> {
        self.write(expected, offboarding, person, settled, None).await
    }
}

impl DynamoStore {
    /// Saves an offboarding, with the seal over its evidence if there is one.
    pub(super) async fn write(
        &self,
        expected: u64,
        offboarding: &Offboarding,
        person: PersonClaim,
        settled: Option<&SpaceRemoval>,
        seal: Option<&StoredSeal>,
    ) -> Result<(), SaveError> {
        let record = RecordWrite::of(offboarding, expected)?;
        let mut claims = match person {
            PersonClaim::Keep => Claims::keep(offboarding),
            PersonClaim::Take => Claims::take(offboarding),
            PersonClaim::Release => Claims::release(offboarding),
            PersonClaim::Removed => Claims::removed(offboarding),
        };
        // Only now is it known who it is; a rehearsal claims nobody.
        let names_person = person == PersonClaim::Take || (offboarding.request.dry_run && offboarding.state.is_final());
        // Only claims that are somebody else's are worth another try; each try learns of at least one.
        for _ in 0..TRIES {
            let mut transaction = Transaction::on(self);
            record.join(&mut transaction)?;
            if let Some(settled) = settled {
                removals::settle(&mut transaction, settled)?;
            }
            claims.join(&mut transaction)?;
            if names_person {
                // What was asked for is listed since the acceptance.
                list_persons(&mut transaction, offboarding, 1)?;
            }
            if let Some(seal) = seal {
                self.join_seal(&mut transaction, seal)?;
            }
            if transaction.is_plain() {
                self.update_if(&record.key, &record.update, &record.condition, Some(record.terms)).await?;
                return Ok(());
            }
            let failed = match transaction.send().await {
                Ok(()) => return Ok(()),
                Err(Cancelled::Conflict) => return Err(SaveError::Conflict),
                Err(Cancelled::Store(error)) => return Err(error.into()),
                Err(Cancelled::Conditions(failed)) => failed,
            };
            if failed.iter().any(|(part, _)| matches!(part, Part::Record | Part::Settled | Part::Seal)) {
                return Err(SaveError::Conflict);
            }
            for (part, found) in &failed {
                if let Some(holder) = claims.learn(self, part, found.as_ref()).await? {
                    return Err(SaveError::PersonTaken(holder));
                }
            }
        }
        Err(SaveError::Conflict)
    }
}
