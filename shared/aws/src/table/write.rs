//! Writing an offboarding, alone or together with what depends on it.

use async_trait::async_trait;
use podio_lifecycle::{
    offboarding::{Offboarding, PersonClaim},
    ports::{SaveError, WriteOffboardings},
    removal::SpaceRemoval,
};

use super::{
    DUE, DynamoStore, VERSION,
    claims::Claims,
    item::number,
    keys::Key,
    offboarding_item, removals,
    transaction::{Cancelled, Part, TRIES, Transaction},
    work_item,
};

#[async_trait]
impl WriteOffboardings for DynamoStore {
    async fn save(
        &self,
        expected: u64,
        offboarding: &Offboarding,
        person: PersonClaim,
        settled: Option<&SpaceRemoval>,
    ) -> Result<(), SaveError> {
        // Updated, not replaced: what the work table says of its attempts stays.
        let optional: Vec<&str> = DUE.iter().chain(&work_item::ALL).copied().collect();
        let (update, mut terms) = work_item::update(offboarding_item(offboarding, expected + 1)?, &optional);
        terms.insert(":expected".to_owned(), number(expected));
        let condition = format!("#{VERSION} = :expected");
        let key = Key::state(&offboarding.id);
        let mut claims = match person {
            PersonClaim::Keep => Claims::keep(offboarding),
            PersonClaim::Take => Claims::take(offboarding),
            PersonClaim::Release => Claims::release(offboarding),
            PersonClaim::Removed => Claims::removed(offboarding),
        };
        // Only claims that are somebody else's are worth another try; each try learns of at least one.
        for _ in 0..TRIES {
            let mut transaction = Transaction::on(self);
            transaction.update(Part::Record, &key, &update, &condition, Some(terms.clone()))?;
            if let Some(settled) = settled {
                removals::settle(&mut transaction, settled)?;
            }
            claims.join(&mut transaction)?;
            if transaction.is_plain() {
                self.update_if(&key, &update, &condition, Some(terms)).await?;
                return Ok(());
            }
            let failed = match transaction.send().await {
                Ok(()) => return Ok(()),
                Err(Cancelled::Conflict) => return Err(SaveError::Conflict),
                Err(Cancelled::Store(error)) => return Err(error.into()),
                Err(Cancelled::Conditions(failed)) => failed,
            };
            if failed.iter().any(|(part, _)| matches!(part, Part::Record | Part::Settled)) {
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
