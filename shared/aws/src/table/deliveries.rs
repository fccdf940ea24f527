//! Deliveries of Podio's: stored once, noted while their job is to come, and ended once.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use podio_lifecycle::{
    hooks::{Delivery, DeliveryId, DeliveryState, HookEvent, HookRef, VerificationCode},
    ids::HookId,
    ports::{AcceptDeliveries, Accepted, Deliveries, FindDeliveries, SaveError, StoreError},
    quota::Slot,
};
use serde::{Deserialize, Serialize};

use super::{
    BODY, DynamoStore, Item, Rejected, VERSION, in_the_way,
    item::{Read, item, json, moment, number, text, unreadable},
    keys::Key,
    values,
};
use crate::tables::{DUE_AT, DUE_KIND, PARTITION_KEY, TTL};

/// What the index knows a delivery by whose job is to come.
const DUE: &str = "delivery";
/// Attribute: the state's name.
const STATE: &str = "state";
/// Attribute: the state, as JSON.
const OUTCOME: &str = "outcome";
/// Attribute: the code of a verification that is to come.
const CODE: &str = "code";
/// Attribute: failed attempts.
const ATTEMPTS: &str = "attempts";
/// Attribute: the slots that the job waits for.
const SLOTS: &str = "slots";

/// What never changes.
#[derive(Serialize, Deserialize)]
struct Body {
    on: HookRef,
    hook: Option<HookId>,
    event: HookEvent,
    received_at: Timestamp,
}

#[async_trait]
impl AcceptDeliveries for DynamoStore {
    async fn accept(&self, delivery: &Delivery) -> Result<Accepted, StoreError> {
        let absent = format!("attribute_not_exists(#{PARTITION_KEY})");
        match self.put_if(encode(delivery, delivery.revision)?, &absent, None).await {
            Ok(()) => Ok(Accepted::New),
            Err(Rejected::Condition(_)) => Ok(Accepted::Repeated),
            Err(Rejected::Conflict) => Err(in_the_way()),
            Err(Rejected::Store(error)) => Err(error),
        }
    }
}

#[async_trait]
impl Deliveries for DynamoStore {
    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.get(&Key::delivery(id)).await?.as_ref().map(decode).transpose()
    }

    async fn note_delivery(&self, delivery: &Delivery) -> Result<(), SaveError> {
        let item = encode(delivery, delivery.revision + 1)?;
        let condition = format!("#{VERSION} = :expected AND #{STATE} = :received");
        let terms =
            values([(":expected", number(delivery.revision)), (":received", text(DeliveryState::Received.name()))]);
        Ok(self.put_if(item, &condition, terms).await?)
    }

    async fn settle_delivery(&self, id: &DeliveryId, state: &DeliveryState) -> Result<bool, StoreError> {
        let update = format!(
            "SET #{STATE} = :state, #{OUTCOME} = :outcome, #{VERSION} = #{VERSION} + :one \
             REMOVE #{CODE}, #{SLOTS}, #{DUE_KIND}, #{DUE_AT}"
        );
        let terms = values([
            (":state", text(state.name())),
            (":outcome", json(state)?),
            (":one", number(1)),
            (":received", text(DeliveryState::Received.name())),
        ]);
        match self.update_if(&Key::delivery(id), &update, &format!("#{STATE} = :received"), terms).await {
            Ok(_) => Ok(true),
            Err(Rejected::Condition(_)) => Ok(false),
            Err(Rejected::Conflict) => Err(in_the_way()),
            Err(Rejected::Store(error)) => Err(error),
        }
    }
}

#[async_trait]
impl FindDeliveries for DynamoStore {
    async fn due_deliveries(&self, until: Timestamp, limit: usize) -> Result<Vec<DeliveryId>, StoreError> {
        self.indexed(DUE, until, limit, Key::delivery_id).await
    }
}

fn encode(delivery: &Delivery, revision: u64) -> Result<Item, StoreError> {
    let Delivery { id, on, hook, event, code, received_at, state, attempts, slots, due_at, revision: _ } = delivery;
    let mut item = item(&Key::delivery(id));
    let body = Body { on: on.clone(), hook: *hook, event: event.clone(), received_at: *received_at };
    item.insert(BODY.to_owned(), json(&body)?);
    item.insert(STATE.to_owned(), text(state.name()));
    item.insert(OUTCOME.to_owned(), json(state)?);
    item.insert(ATTEMPTS.to_owned(), number(attempts));
    item.insert(VERSION.to_owned(), number(revision));
    item.insert(TTL.to_owned(), number(delivery.expires_at().as_second()));
    if let Some(code) = code {
        item.insert(CODE.to_owned(), text(code.expose()));
    }
    if !slots.is_empty() {
        item.insert(SLOTS.to_owned(), AttributeValue::L(slots.iter().map(|slot| moment(slot.0)).collect()));
    }
    if let Some(due_at) = due_at {
        item.insert(DUE_KIND.to_owned(), text(DUE));
        item.insert(DUE_AT.to_owned(), moment(*due_at));
    }
    Ok(item)
}

fn decode(item: &Item) -> Result<Delivery, StoreError> {
    let Body { on, hook, event, received_at } = item.json(BODY)?;
    Ok(Delivery {
        id: Key::of(item)?.delivery_id()?,
        on,
        hook,
        event,
        code: item.find_text(CODE)?.map(VerificationCode::new),
        received_at,
        state: item.json(OUTCOME)?,
        attempts: item.number(ATTEMPTS)?,
        slots: slots(item)?,
        due_at: item.find_moment(DUE_AT)?,
        revision: item.number(VERSION)?,
    })
}

fn slots(item: &Item) -> Result<Vec<Slot>, StoreError> {
    let slot = |value: &AttributeValue| {
        let millis = value.as_n().ok()?.parse().ok()?;
        Timestamp::from_millisecond(millis).ok().map(Slot)
    };
    match item.get(SLOTS) {
        None => Ok(Vec::new()),
        Some(AttributeValue::L(list)) => {
            list.iter().map(|value| slot(value).ok_or_else(|| unreadable(SLOTS))).collect()
        }
        Some(_) => Err(unreadable(SLOTS)),
    }
}
