//! The state table: one table for everything but the credentials.
//!
//! | item | `pk` | `sk` | attributes |
//! |---|---|---|---|
//! | offboarding | `OFF#{id}` | `STATE` | `body` (JSON), `form`, `version`, `in_state`, `listed_as`, `due`, `due_at` |
//! | space removal | `OFF#{id}` | `SPACE#{plan}#{space}` | `s` (state), `n` (name), `c` (company), `round`, `version` and others |
//! | listing entry | `OFFBOARDINGS` | `{id}` | `dry_run` |
//! | listing entry of a person | `LISTED#{sha256}` | `{id}` | |
//! | idempotency key | `KEY#{sha256}` | `KEY` | `fingerprint`, `offboarding`, `expires_at` (TTL) |
//! | claim on a person | `PERSON#{sha256}` | `CLAIM` | `offboarding` |
//! | person who was removed | `REMOVED#{user}` | `{org}` | `offboarding` |
//! | item of the leavers app | `ITEM#{id}` | `STATE` | `offboarding`, `revision` |
//! | delivery | `DELIVERY#{id}` | `STATE` | `body` (JSON), `state`, `outcome` (JSON), `code`, `version`, `expires_at` (TTL) |
//! | SCIM user | `SCIM#{id}` | `STATE` | `body` (JSON), `version` |
//! | `userName` of a SCIM user | `SCIMNAME#{sha256}` | `NAME` | `user` |
//! | listing entry of a SCIM user | `SCIMUSERS` | `{id}` | `active` |
//! | the same by `externalId` or work address | `SCIMLISTED#{sha256}` | `{id}` | |
//! | audit | `JOB#audit#{id}` | `JOB` | `body` (JSON), `version` |
//! | whom a page of an audit has listed | `AUDIT#{id}` | `{page}` | `users` (JSON), `expires_at` (TTL) |
//! | listing entry of an audit | `AUDITS#{org}` | `{id}` | |
//! | audits of an organization in short | `AUDITED#{org}` | `STATE` | `body` (JSON), `version` |
//! | member | `MEMBERS#{org}` | `{user}` | `body` (JSON), `version`, `current`, `stale` |
//! | change of a member | `CHANGES#{org}` | `{time}#{user}#{kind}` | `body` (JSON) |
//! | rosters of an organization in short | `ROSTERS#{org}` | `STATE` | `body` (JSON), `version` |
//! | entries of a roster | `ROSTER#{id}` | `{part}#{n}` | `body` (JSON) |
//! | comparison, and its findings | `RECONCILIATION#{id}` | `STATE`, `FINDINGS#{n}` | `body` (JSON), `expires_at` (TTL) |
//! | another job | `JOB#{kind}#{subject}` | `JOB` | |
//! | quota | `QUOTA` | `LOG` | `body` (JSON), `version` |
//! | capabilities | `CAPABILITIES` | `ALL` | `body` (JSON) |
//!
//! An offboarding, a space removal, a delivery and another job are jobs too while something is to be done for them: then
//! they carry `work_queue`, `work_place` (the keys of the index `work`) and `work`, and a removal `waits_for_space` (the key of
//! the index `space`). `claim` and `claims` say which attempt at the job has begun last, and how many were not heard of again.
//! `due` and `due_at` are the keys of the index by which offboardings at work, held and failed are listed; `in_state` and
//! `listed_as` are those of the index that lists all offboardings by state.
//!
//! Every write that could meet another one carries a condition, on `version` or on what it is about to change; nothing is
//! ever scanned. No item grows with the number of spaces, and no key holds an address or a name.
//!
//! | access | how | units (writes of 1 KB; reads of 4 KB) |
//! |---|---|---|
//! | accept | transaction of 3 to 5 puts | 2 W for each KB of the record, 2 W for each further item, the indexes add 3 |
//! | load | consistent get | 1 R |
//! | save | conditional update | 1 W for each KB, each index adds 0 to 2 |
//! | save and claim, release | transaction of 2 to 5 | 2 W for each KB of the record, 2 W for each further item |
//! | store a removal that waits | conditional update | 1 W, the two indexes add 2 |
//! | claim an attempt | conditional update | 1 W for each KB |
//! | settle a space | transaction of 2 | 2 W for each KB of the record, 2 W for the removal, the two indexes add 2 |
//! | spaces of a plan | consistent query | 1 R for each 20 |
//! | what waits | two queries of the index | 0.5 R for each 15 |
//! | who of n people was removed | batch gets | 0.5 R for each |
//! | list a page of n, of a state or of a person | query, batch get | 0.5 R and 0.5 R for each listed |
//! | count accepted | query that counts | 1 R for each 40 |
//! | store a delivery | conditional put | 1 W, the index adds 1 where a job is to come |
//! | end a delivery | one conditional update | 1 W, the index adds 1 |
//! | find a SCIM user | 1 or 2 consistent gets, or a query and a batch get | 2 R |
//! | change a SCIM user | conditional put; a transaction where name, address or `active` change | 1 W; 2 W for each item |
//! | a page of SCIM users | query of the listing, which also counts it, batch get | 1 R for each 60 users, 0.5 R for each listed |
//! | read the quota, dispatch | consistent get, conditional put | 1 R, 2 to 4 W however many jobs |
//!
//! So a space costs fourteen write units: three to write it down, one for its claim, four in the evidence table for the record
//! of its call (see `evidence`), and six to settle it where the offboarding is below 1 KB; one from 1 to 2 KB costs eight to
//! settle. Its shares of the quota's record and of the sealed text come on top, one unit or so (`cargo cost-table`).

mod accept;
mod claims;
mod deliveries;
mod due;
mod evidence;
pub(crate) mod item;
pub(crate) mod keys;
mod leaver_items;
mod notes;
mod people;
mod quota;
mod read;
mod removals;
mod scim_users;
mod space_item;
mod transaction;
mod turns;
mod work;
mod work_item;
mod write;

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, operation::put_item::PutItemError, types::ReturnValuesOnConditionCheckFailure};
use podio_lifecycle::{
    offboarding::{DueKind, Offboarding},
    ports::{SaveError, StoreError},
};

pub(crate) use self::item::Item;
use self::{
    item::{Read, json, moment, number, text},
    keys::Key,
};
use crate::{
    aws_error::code,
    tables::{DUE_AT, DUE_KIND, IN_STATE, LISTED_AS},
};

/// Attribute: the revision of a record.
pub(crate) const VERSION: &str = "version";
/// Attribute: a record as JSON.
const BODY: &str = "body";
/// Attribute: the form of an offboarding's JSON.
const FORM: &str = "form";
/// The form that this version writes, and the only one that it reads.
const PRESENT_FORM: u32 = 2;
/// Attribute: the offboarding that a key or a claim stands for.
const OFFBOARDING: &str = "offboarding";

/// The state table in DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamoStore {
    client: Client,
    table: String,
    /// The evidence table, for functions that have to do with evidence.
    evidence: Option<String>,
}

/// Why a conditional write did not happen.
#[derive(Debug)]
pub(crate) enum Rejected {
    /// Its condition does not hold; the item as it stands, if there is one.
    Condition(Option<Item>),
    /// A transaction on the same item is under way.
    Conflict,
    /// DynamoDB failed.
    Store(StoreError),
}

impl From<StoreError> for Rejected {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Rejected> for SaveError {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Condition(_) | Rejected::Conflict => Self::Conflict,
            Rejected::Store(error) => Self::Store(error),
        }
    }
}

/// A failed call, told by its code alone.
pub(crate) fn unavailable<E, R>(error: &aws_sdk_dynamodb::error::SdkError<E, R>) -> StoreError
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata,
{
    match code(error) {
        // The same request would be refused for ever: an item that grew too large, or a mistake in this crate.
        refused @ ("ValidationException" | "ItemCollectionSizeLimitExceededException") => {
            StoreError::Corrupt(refused.to_owned())
        }
        code => StoreError::Unavailable(code.to_owned()),
    }
}

/// A transaction on the same item got in the way, and nobody retries it here.
pub(crate) fn in_the_way() -> StoreError {
    StoreError::Unavailable("TransactionConflict".to_owned())
}

/// A request that could not be put together: a mistake in this crate.
pub(crate) fn malformed<E>(_: E) -> StoreError {
    StoreError::Unavailable("malformed request".to_owned())
}

/// The attribute names that expressions mention: `#name` always stands for `name`, which spares any thought about
/// reserved words.
pub(crate) fn names(expressions: &[&str]) -> Option<HashMap<String, String>> {
    let mut names = HashMap::new();
    for part in expressions.iter().flat_map(|expression| expression.split('#').skip(1)) {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
        names.insert(format!("#{}", &part[..end]), part[..end].to_owned());
    }
    (!names.is_empty()).then_some(names)
}

/// The values that expressions mention.
pub(crate) fn values<const N: usize>(values: [(&str, aws_sdk_dynamodb::types::AttributeValue); N]) -> Option<Item> {
    (N > 0).then(|| values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A put that happens if the condition holds.
pub(crate) async fn put_if(
    client: &Client,
    table: &str,
    item: Item,
    condition: &str,
    values: Option<Item>,
) -> Result<(), Rejected> {
    let put = client
        .put_item()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression(condition)
        .set_expression_attribute_names(names(&[condition]))
        .set_expression_attribute_values(values)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    match put.send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => Rejected::Condition(failed.item().cloned()),
            Some(PutItemError::TransactionConflictException(_)) => Rejected::Conflict,
            _ => Rejected::Store(unavailable(&error)),
        }),
    }
}

/// A consistent get.
pub(crate) async fn get(client: &Client, table: &str, key: &Key) -> Result<Option<Item>, StoreError> {
    let get = client.get_item().table_name(table).set_key(Some(key.attributes())).consistent_read(true);
    get.send().await.map(|answer| answer.item).map_err(|error| unavailable(&error))
}

impl DynamoStore {
    /// The table of that name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into(), evidence: None }
    }

    /// The same, with the evidence table of that name.
    pub fn with_evidence(self, table: impl Into<String>) -> Self {
        Self { evidence: Some(table.into()), ..self }
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        get(&self.client, &self.table, key).await
    }

    async fn put_if(&self, item: Item, condition: &str, values: Option<Item>) -> Result<(), Rejected> {
        put_if(&self.client, &self.table, item, condition, values).await
    }

    async fn put(&self, item: Item) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(|_| ()).map_err(|error| unavailable(&error))
    }
}

/// The index's name of a kind.
fn kind_name(kind: DueKind) -> &'static str {
    match kind {
        DueKind::Active => "active",
        DueKind::Held => "held",
        DueKind::Failed => "failed",
    }
}

/// By these an offboarding is listed while it is at work, held or failed.
const DUE: [&str; 2] = [DUE_KIND, DUE_AT];

/// An offboarding's attributes but for its key, with `revision` as its version.
fn offboarding_item(offboarding: &Offboarding, revision: u64) -> Result<Item, StoreError> {
    let mut item = Item::new();
    item.insert(BODY.to_owned(), json(offboarding)?);
    item.insert(FORM.to_owned(), number(PRESENT_FORM));
    item.insert(VERSION.to_owned(), number(revision));
    item.insert(IN_STATE.to_owned(), text(offboarding.state.name()));
    item.insert(LISTED_AS.to_owned(), text(offboarding.id.as_str()));
    if let Some(due) = offboarding.due() {
        item.insert(DUE_KIND.to_owned(), text(kind_name(due.kind)));
        item.insert(DUE_AT.to_owned(), moment(due.at));
    }
    if let Some(waiting) = offboarding.waiting() {
        item.extend(work_item::encode(&waiting)?);
    }
    Ok(item)
}

/// The offboarding in an item, if it is in the form of this version.
fn offboarding(item: &Item) -> Result<Offboarding, StoreError> {
    // The first form had no name.
    let form = item.find_number(FORM)?.unwrap_or(1);
    if form != PRESENT_FORM {
        return Err(StoreError::Corrupt(format!(
            "an offboarding in form {form}; this version reads form {PRESENT_FORM}"
        )));
    }
    let body: Offboarding = item.json(BODY)?;
    Ok(Offboarding { revision: item.number(VERSION)?, ..body })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use podio_lifecycle::{
        ids::{OffboardingId, OrgId, UserId},
        offboarding::{Person, Request},
        source::Source,
    };

    use super::*;

    #[test]
    fn an_offboarding_in_an_older_form_is_refused_in_one_line() {
        let request = Request::new(Person::User(UserId(7)), Source::Api { name: "hr".to_owned() });
        let id = OffboardingId::new(Timestamp::UNIX_EPOCH, [1; 10]);
        let accepted = Offboarding::accept(id, OrgId(1), request, Timestamp::UNIX_EPOCH);
        let item = offboarding_item(&accepted, 3).unwrap();
        assert_eq!(offboarding(&item), Ok(Offboarding { revision: 3, ..accepted }));

        let unnamed = Item::from_iter(item.into_iter().filter(|(name, _)| name != FORM));
        let refused = StoreError::Corrupt("an offboarding in form 1; this version reads form 2".to_owned());
        assert_eq!(offboarding(&unnamed), Err(refused));
    }

    #[test]
    fn every_name_in_an_expression_is_spelled_out() {
        let found = names(&["SET #spaces.#12.#s = :state", "attribute_not_exists(#pk)"]).unwrap();
        let mut found: Vec<_> = found.into_iter().map(|(key, name)| format!("{key}={name}")).collect();
        found.sort();
        assert_eq!(found, ["#12=12", "#pk=pk", "#s=s", "#spaces=spaces"]);
        assert_eq!(names(&["no name"]), None);
    }
}
