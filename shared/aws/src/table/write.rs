//! Writing an offboarding, alone or together with what depends on it.

use async_trait::async_trait;
use podio_lifecycle::{
    evidence::StoredSeal,
    job::BatchKey,
    offboarding::{Offboarding, PersonClaim},
    ports::{SaveError, WriteOffboardings},
};

use super::{
    DynamoStore, VERSION,
    accept::list_persons,
    batch_item,
    claims::Claims,
    item::number,
    offboarding_item,
    transaction::{Cancelled, Part, TRIES, Transaction},
    values,
};

#[async_trait]
impl WriteOffboardings for DynamoStore {
    async fn save(
        &self,
        expected: u64,
        offboarding: &Offboarding,
        person: PersonClaim,
        counted: Option<BatchKey>,
    ) -> Result<(), SaveError> {
        self.write(expected, offboarding, person, counted, None).await
    }
}

impl DynamoStore {
    /// Saves an offboarding, with the seal over its evidence if there is one.
    pub(super) async fn write(
        &self,
        expected: u64,
        offboarding: &Offboarding,
        person: PersonClaim,
        counted: Option<BatchKey>,
        seal: Option<&StoredSeal>,
    ) -> Result<(), SaveError> {
        let item = offboarding_item(offboarding, expected + 1)?;
        let condition = format!("#{VERSION} = :expected");
        let terms = values([(":expected", number(expected))]);
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
            transaction.put(Part::Record, item.clone(), Some(&condition), terms.clone())?;
            if let Some(key) = counted {
                batch_item::count(&mut transaction, &offboarding.id, key)?;
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
                return Ok(self.put_if(item, &condition, terms).await?);
            }
            let failed = match transaction.send().await {
                Ok(()) => return Ok(()),
                Err(Cancelled::Conflict) => return Err(SaveError::Conflict),
                Err(Cancelled::Store(error)) => return Err(error.into()),
                Err(Cancelled::Conditions(failed)) => failed,
            };
            if failed.iter().any(|(part, _)| matches!(part, Part::Record | Part::Counted | Part::Seal)) {
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
