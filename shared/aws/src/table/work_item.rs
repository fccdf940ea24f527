//! What an item says of the job that it is.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use podio_lifecycle::{
    ports::StoreError,
    work::{Calls, Group, JobId, Priority, Waiting},
};
use serde::{Deserialize, Serialize};

use super::{
    Item,
    item::{Read, json, text},
};
use crate::tables::{WAITS_FOR_SPACE, WORK, WORK_PLACE, WORK_QUEUE};

/// The queue of what may be dispatched.
pub(super) const READY: &str = "ready";
/// The queue of what pauses.
pub(super) const PAUSED: &str = "paused";
/// Attribute: the moment of the last attempt that has begun.
pub(super) const CLAIM: &str = "claim";
/// Attribute: attempts that began and have not ended in order.
pub(super) const CLAIMS: &str = "claims";
/// Everything by which an item waits: it is absent where nothing is to be called.
pub(super) const ALL: [&str; 4] = [WORK_QUEUE, WORK_PLACE, WORK, WAITS_FOR_SPACE];

/// What the index carries beside its keys.
#[derive(Serialize, Deserialize)]
struct Needs {
    priority: Priority,
    place: Timestamp,
    since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    faulted_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<Group>,
    calls: Calls,
}

/// The sort key of what is ready: by priority, then by place.
pub(super) fn ready_place(priority: Priority, place: Timestamp) -> String {
    let digit = match priority {
        Priority::Interactive => 0,
        Priority::Removal => 1,
        Priority::Background => 2,
    };
    format!("{digit}#{}", paused_place(place))
}

/// The sort key of what pauses.
pub(super) fn paused_place(until: Timestamp) -> String {
    format!("{:013}", until.as_millisecond().max(0))
}

/// The attributes of a job that waits.
pub(super) fn encode(waiting: &Waiting) -> Result<Item, StoreError> {
    let Waiting { job: _, priority, place, since, not_before, faulted_at, ref calls, ref group } = *waiting;
    let (queue, sort) = match not_before {
        Some(until) => (PAUSED, paused_place(until)),
        None => (READY, ready_place(priority, place)),
    };
    let needs = Needs { priority, place, since, not_before, faulted_at, group: group.clone(), calls: calls.clone() };
    let mut item = HashMap::from([
        (WORK_QUEUE.to_owned(), text(queue)),
        (WORK_PLACE.to_owned(), text(sort)),
        (WORK.to_owned(), json(&needs)?),
    ]);
    // Deliveries are found among the jobs that are ready, which needs no index of its own.
    if let Some(Group::Space(space)) = group {
        item.insert(WAITS_FOR_SPACE.to_owned(), text(space.to_string()));
    }
    Ok(item)
}

/// The job that an item is, if it waits.
pub(super) fn decode(job: JobId, item: &Item) -> Result<Option<Waiting>, StoreError> {
    if !item.contains_key(WORK_QUEUE) {
        return Ok(None);
    }
    let Needs { priority, place, since, not_before, faulted_at, group, calls } = item.json(WORK)?;
    Ok(Some(Waiting { job, priority, place, since, not_before, faulted_at, calls, group }))
}

/// An update that sets all of `item` and removes what it lacks of `optional`; the expression and its values.
pub(super) fn update(item: Item, optional: &[&str]) -> (String, Item) {
    let mut names: Vec<&String> = item.keys().collect();
    names.sort();
    let sets: Vec<String> = names.iter().map(|name| format!("#{name} = :{name}")).collect();
    let removes: Vec<String> =
        optional.iter().filter(|name| !item.contains_key(**name)).map(|name| format!("#{name}")).collect();
    let mut update = format!("SET {}", sets.join(", "));
    if !removes.is_empty() {
        update.push_str(&format!(" REMOVE {}", removes.join(", ")));
    }
    let values: HashMap<String, AttributeValue> =
        item.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect();
    (update, values)
}
