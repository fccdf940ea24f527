//! A space removal as an item: short names and codes, so that it fits into one write unit.

use podio_lifecycle::{
    ports::StoreError,
    removal::{Company, RemovalState, SpaceRemoval, Wait},
};

use super::{
    Item, VERSION,
    item::{Read, moment, number, text, unreadable},
    keys::Key,
    work_item,
};

const STATE: &str = "s";
const SETTLED_AT: &str = "settled_at";
const NAME: &str = "n";
const COMPANY: &str = "c";
const ROUND: &str = "round";
const BEFORE: &str = "before";
const TIMES_GONE: &str = "gone";
const ALONE: &str = "alone";
const UNCERTAIN: &str = "uncertain";
const FAULTS: &str = "faults";
const FAULTED_SINCE: &str = "faulted_since";
/// What may be absent.
pub(super) const OPTIONAL: [&str; 9] =
    [SETTLED_AT, NAME, COMPANY, BEFORE, TIMES_GONE, ALONE, UNCERTAIN, FAULTS, FAULTED_SINCE];

fn state_code(state: RemovalState) -> &'static str {
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

/// The attributes of a removal but for its key, with `revision` as its version.
pub(super) fn encode(removal: &SpaceRemoval, revision: u64) -> Result<Item, StoreError> {
    let mut item = Item::from([
        (STATE.to_owned(), text(state_code(removal.state))),
        (ROUND.to_owned(), number(removal.round)),
        (VERSION.to_owned(), number(revision)),
    ]);
    let mut set = |name: &str, value: Option<aws_sdk_dynamodb::types::AttributeValue>| {
        item.extend(value.map(|value| (name.to_owned(), value)));
    };
    set(SETTLED_AT, removal.settled_at.map(moment));
    set(NAME, removal.name.as_ref().map(text));
    set(COMPANY, company_code(removal.company).map(text));
    set(BEFORE, removal.before.map(|before| text(state_code(before))));
    set(TIMES_GONE, (removal.times_gone > 0).then(|| number(removal.times_gone)));
    set(ALONE, removal.alone.then(|| number(1)));
    set(UNCERTAIN, removal.uncertain.then(|| number(1)));
    set(FAULTS, (removal.faults > 0).then(|| number(removal.faults)));
    set(FAULTED_SINCE, removal.faulted_since.map(moment));
    if let Some(waiting) = removal.waiting() {
        item.extend(work_item::encode(&waiting)?);
    }
    Ok(item)
}

/// The removal in an item.
pub(super) fn decode(item: &Item) -> Result<SpaceRemoval, StoreError> {
    let key = Key::of(item)?.space_key()?;
    let waiting = work_item::decode(key.job(), item)?;
    Ok(SpaceRemoval {
        key,
        name: item.find_text(NAME)?.map(str::to_owned),
        state: state(item.text(STATE)?)?,
        settled_at: item.find_moment(SETTLED_AT)?,
        company: company(item.find_text(COMPANY)?)?,
        round: item.number(ROUND)?,
        before: item.find_text(BEFORE)?.map(state).transpose()?,
        times_gone: item.find_number(TIMES_GONE)?.unwrap_or(0),
        alone: item.contains_key(ALONE),
        uncertain: item.contains_key(UNCERTAIN),
        faults: item.find_number(FAULTS)?.unwrap_or(0),
        faulted_since: item.find_moment(FAULTED_SINCE)?,
        wait: waiting.map(|waiting| Wait {
            priority: waiting.priority,
            place: waiting.place,
            since: waiting.since,
            not_before: waiting.not_before,
            faulted_at: waiting.faulted_at,
        }),
        revision: item.number(VERSION)?,
    })
}
