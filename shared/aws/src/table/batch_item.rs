//! A batch of space removals as an item.
//!
//! The entries are a map by space id, so that one space is settled by one update of the paths below it, whatever happens
//! to the others meanwhile. Names and codes are short: ten spaces fit into one write unit.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use podio_lifecycle::{
    ids::{OffboardingId, SpaceId},
    job::BatchKey,
    ports::StoreError,
    quota::Slot,
    removal::{Company, RemovalBatch, RemovalState, Ride, SpaceRemoval},
};

use super::{
    Item, VERSION,
    item::{Read, item, moment, number, text, unreadable},
    keys::Key,
    kind_name,
    transaction::{Part, Transaction},
    values,
};
use crate::tables::{DUE_AT, DUE_KIND};

/// The map of entries.
pub(super) const SPACES: &str = "spaces";
/// Whether the batch has been counted into its offboarding.
pub(super) const COUNTED: &str = "counted";
/// Of an entry: where the space stands.
pub(super) const STATE: &str = "s";
/// Of an entry: when it was settled.
pub(super) const SETTLED_AT: &str = "t";
/// Of an entry: the slot reserved for its call.
pub(super) const SLOT: &str = "l";
/// Of an entry: failed attempts.
pub(super) const ATTEMPTS: &str = "a";
/// Of an entry: whose call leaves the space, as a place in the list of drivers.
pub(super) const RIDES: &str = "r";
/// Of an entry: that the call was taken, if that is not proven to mean anything.
pub(super) const SHARED: &str = "h";
/// The batches of other leavers whose calls some spaces are left by.
const DRIVERS: &str = "drivers";
/// Of an entry: its place in the batch.
const INDEX: &str = "i";
/// Of an entry: the space's name.
const NAME: &str = "n";
/// Of an entry: who else is there.
const COMPANY: &str = "c";

/// What the index knows a watched batch by.
pub(super) fn watch() -> AttributeValue {
    text(kind_name(podio_lifecycle::offboarding::DueKind::Watch))
}

/// The code of a state.
pub(super) fn state_code(state: RemovalState) -> &'static str {
    match state {
        RemovalState::Unchecked => "U",
        RemovalState::NotAMember => "N",
        RemovalState::Pending => "P",
        RemovalState::Removed => "R",
        RemovalState::AlreadyGone => "G",
        RemovalState::LeftToOrgRemoval => "L",
    }
}

fn state(code: &str) -> Result<RemovalState, StoreError> {
    Ok(match code {
        "U" => RemovalState::Unchecked,
        "N" => RemovalState::NotAMember,
        "P" => RemovalState::Pending,
        "R" => RemovalState::Removed,
        "G" => RemovalState::AlreadyGone,
        "L" => RemovalState::LeftToOrgRemoval,
        _ => return Err(unreadable(STATE)),
    })
}

fn company_code(company: Company) -> Option<&'static str> {
    match company {
        Company::Unknown => None,
        Company::Hidden => Some("H"),
        Company::Implied => Some("I"),
        Company::Alone => Some("A"),
        Company::Others => Some("O"),
        Company::OthersWithoutAdmin => Some("W"),
    }
}

fn company(code: Option<&str>) -> Result<Company, StoreError> {
    Ok(match code {
        None => Company::Unknown,
        Some("H") => Company::Hidden,
        Some("I") => Company::Implied,
        Some("A") => Company::Alone,
        Some("O") => Company::Others,
        Some("W") => Company::OthersWithoutAdmin,
        Some(_) => return Err(unreadable(COMPANY)),
    })
}

/// The item of a batch, with `revision` as its version.
pub(super) fn encode(batch: &RemovalBatch, revision: u64) -> Item {
    let entries: HashMap<_, _> = batch
        .spaces
        .iter()
        .enumerate()
        .map(|(index, space)| (space.space_id.to_string(), AttributeValue::M(encode_entry(index, space))))
        .collect();
    let mut item = item(&Key::batch(&batch.offboarding, batch.key));
    item.insert(SPACES.to_owned(), AttributeValue::M(entries));
    if !batch.drivers.is_empty() {
        item.insert(DRIVERS.to_owned(), AttributeValue::L(batch.drivers.iter().map(encode_driver).collect()));
    }
    item.insert(COUNTED.to_owned(), AttributeValue::Bool(batch.counted));
    item.insert(VERSION.to_owned(), number(revision));
    if let Some(due_at) = batch.due_at.filter(|_| !batch.counted) {
        item.insert(DUE_KIND.to_owned(), watch());
        item.insert(DUE_AT.to_owned(), moment(due_at));
    }
    item
}

fn encode_entry(index: usize, space: &SpaceRemoval) -> Item {
    let mut entry = Item::from([(INDEX.to_owned(), number(index)), (STATE.to_owned(), text(state_code(space.state)))]);
    let slot = space.slot.filter(|_| !space.state.is_settled());
    let rest = [
        (NAME, space.name.as_ref().map(text)),
        (SETTLED_AT, space.settled_at.map(moment)),
        (SLOT, slot.map(|slot| moment(slot.0))),
        (ATTEMPTS, (space.attempts > 0).then(|| number(space.attempts))),
        (COMPANY, company_code(space.company).map(text)),
        (RIDES, space.ride.map(|ride| number(ride.driver))),
        (SHARED, space.ride.filter(|ride| ride.shared).map(|_| AttributeValue::Bool(true))),
    ];
    entry.extend(rest.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    entry
}

/// A driver is named by its keys, in one text.
fn encode_driver((id, key): &(OffboardingId, BatchKey)) -> AttributeValue {
    text(format!("{id}#{}#{}", key.plan, key.number))
}

fn decode_driver(value: &AttributeValue) -> Result<(OffboardingId, BatchKey), StoreError> {
    let parts = value.as_s().ok().and_then(|text| {
        let mut parts = text.split('#');
        let (id, plan, number) = (parts.next()?, parts.next()?, parts.next()?);
        Some((id.parse().ok()?, BatchKey { plan: plan.parse().ok()?, number: number.parse().ok()? }))
    });
    parts.ok_or_else(|| unreadable(DRIVERS))
}

/// The batch in an item.
pub(super) fn decode(item: &Item) -> Result<RemovalBatch, StoreError> {
    let key = Key::of(item)?;
    let Some(AttributeValue::M(entries)) = item.get(SPACES) else { return Err(unreadable(SPACES)) };
    let Some(AttributeValue::Bool(counted)) = item.get(COUNTED) else { return Err(unreadable(COUNTED)) };
    let mut spaces = Vec::with_capacity(entries.len());
    for (space, entry) in entries {
        let space = space.parse().map_err(|_| unreadable(SPACES))?;
        let AttributeValue::M(entry) = entry else { return Err(unreadable(SPACES)) };
        spaces.push((entry.number::<usize>(INDEX)?, decode_entry(space, entry)?));
    }
    spaces.sort_by_key(|(index, _)| *index);
    let drivers = match item.get(DRIVERS) {
        None => Vec::new(),
        Some(AttributeValue::L(drivers)) => drivers.iter().map(decode_driver).collect::<Result<_, _>>()?,
        Some(_) => return Err(unreadable(DRIVERS)),
    };
    Ok(RemovalBatch {
        offboarding: key.offboarding()?,
        key: key.batch_key()?,
        spaces: spaces.into_iter().map(|(_, space)| space).collect(),
        drivers,
        counted: *counted,
        due_at: item.find_moment(DUE_AT)?,
        revision: item.number(VERSION)?,
    })
}

fn decode_entry(space_id: SpaceId, entry: &Item) -> Result<SpaceRemoval, StoreError> {
    let state = state(entry.text(STATE)?)?;
    // A stamp that came after the settling has no meaning.
    let slot = entry.find_moment(SLOT)?.filter(|_| !state.is_settled()).map(Slot);
    let driver = entry.find_number(RIDES)?;
    Ok(SpaceRemoval {
        space_id,
        name: entry.find_text(NAME)?.map(str::to_owned),
        state,
        settled_at: entry.find_moment(SETTLED_AT)?,
        slot,
        attempts: entry.find_number(ATTEMPTS)?.unwrap_or_default(),
        company: company(entry.find_text(COMPANY)?)?,
        ride: driver.map(|driver| Ride { driver, shared: entry.contains_key(SHARED) }),
    })
}

/// Adds the mark that a batch is counted to a transaction. It can be made once; from then on nobody watches the batch.
pub(super) fn count(transaction: &mut Transaction<'_>, id: &OffboardingId, key: BatchKey) -> Result<(), StoreError> {
    let update = format!("SET #{COUNTED} = :yes, #{VERSION} = #{VERSION} + :one REMOVE #{DUE_KIND}, #{DUE_AT}");
    let terms =
        values([(":yes", AttributeValue::Bool(true)), (":no", AttributeValue::Bool(false)), (":one", number(1))]);
    transaction.update(Part::Counted, &Key::batch(id, key), &update, &format!("#{COUNTED} = :no"), terms)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::{collection::btree_set, prelude::*};

    use super::*;

    const STATES: [RemovalState; 6] = [
        RemovalState::Unchecked,
        RemovalState::NotAMember,
        RemovalState::Pending,
        RemovalState::Removed,
        RemovalState::AlreadyGone,
        RemovalState::LeftToOrgRemoval,
    ];
    const COMPANIES: [Company; 4] = [Company::Unknown, Company::Alone, Company::Others, Company::OthersWithoutAdmin];

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    fn space() -> impl Strategy<Value = SpaceRemoval> {
        let moment = || proptest::option::of(0..4_000_000_000_000i64);
        let name = proptest::option::of(".{0,40}");
        let ride = proptest::option::of((0..3usize, any::<bool>()));
        (name, 0..6usize, moment(), moment(), 0..99u32, 0..4usize, ride).prop_map(
            |(name, state, settled, slot, attempts, company, ride)| {
                let state = STATES[state];
                SpaceRemoval {
                    settled_at: settled.map(at),
                    slot: slot.filter(|_| !state.is_settled()).map(|ms| Slot(at(ms))),
                    attempts,
                    company: COMPANIES[company],
                    ride: ride.map(|(driver, shared)| Ride { driver, shared }),
                    ..SpaceRemoval::new(SpaceId(0), name, state)
                }
            },
        )
    }

    proptest! {
        #[test]
        fn a_batch_comes_back_as_it_was_stored(
            ids in btree_set(any::<u64>(), 10).prop_map(|ids| ids.into_iter().collect::<Vec<_>>()).prop_shuffle(),
            spaces in proptest::collection::vec(space(), 10),
            due in proptest::option::of(0..4_000_000_000_000i64),
            drivers in proptest::collection::vec((any::<[u8; 10]>(), any::<u64>(), any::<u32>()), 0..4),
        ) {
            let driver = |(random, plan, number)| {
                (OffboardingId::new(Timestamp::UNIX_EPOCH, random), BatchKey { plan, number })
            };
            let spaces = ids.into_iter().zip(spaces).map(|(id, space)| SpaceRemoval { space_id: SpaceId(id), ..space });
            let batch = RemovalBatch {
                offboarding: OffboardingId::new(Timestamp::UNIX_EPOCH, [1; 10]),
                key: BatchKey { plan: 7, number: 3 },
                spaces: spaces.collect(),
                drivers: drivers.into_iter().map(driver).collect(),
                counted: false,
                due_at: due.map(at),
                revision: 9,
            };
            prop_assert_eq!(decode(&encode(&batch, 9)), Ok(batch));
        }
    }

    fn full_batch() -> RemovalBatch {
        let spaces = (0..10).map(|n| SpaceRemoval {
            slot: Some(Slot(at(1_800_000_000_000))),
            attempts: 3,
            company: Company::Others,
            ..SpaceRemoval::new(SpaceId(123_456_000 + n), Some("Marketing Europe 2026".into()), RemovalState::Pending)
        });
        let id = OffboardingId::new(Timestamp::UNIX_EPOCH, [1; 10]);
        RemovalBatch::cut(&id, 4, spaces.collect(), Some(at(1_800_000_000_000))).remove(0)
    }

    #[test]
    fn ten_spaces_fit_into_one_write_unit() {
        let size = size(&encode(&full_batch(), 0));
        assert!(size <= 1024, "{size} bytes");
    }

    #[test]
    fn ten_spaces_that_another_leavers_calls_leave_fit_too() {
        let mut batch = full_batch();
        batch.drivers = vec![(batch.offboarding.clone(), BatchKey { plan: 12, number: 3 })];
        for space in &mut batch.spaces {
            // Who rides has no slot and has not failed.
            *space = SpaceRemoval { slot: None, attempts: 0, ..space.clone() };
            space.ride = Some(Ride { driver: 0, shared: true });
        }
        let size = size(&encode(&batch, 0));
        assert!(size <= 1024, "{size} bytes");
    }

    /// The size of an item as AWS documents it: names and text in bytes, a number a byte for two digits and one more, a
    /// flag one, a map or a list three and one for each entry.
    fn size(item: &Item) -> usize {
        let value = |value: &AttributeValue| match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(digits) => digits.trim_end_matches('0').len().div_ceil(2) + 1,
            AttributeValue::Bool(_) => 1,
            AttributeValue::M(map) => 3 + map.len() + size(map),
            AttributeValue::L(list) => 3 + list.iter().map(|text| 1 + text.as_s().unwrap().len()).sum::<usize>(),
            other => panic!("{other:?}"),
        };
        item.iter().map(|(name, held)| name.len() + value(held)).sum()
    }
}
