//! Deliveries of Podio's: stored once, noted while their job is to come, and ended once.

use async_trait::async_trait;
use jiff::Timestamp;
use podio_lifecycle::{
    hooks::{Delivery, DeliveryId, DeliveryState, HookEvent, HookRef, VerificationCode},
    ids::HookId,
    ports::{AcceptDeliveries, Accepted, Deliveries, SaveError, StoreError},
    work::JobId,
};
use serde::{Deserialize, Serialize};

use super::{
    BODY, DynamoStore, Item, Rejected, VERSION, in_the_way,
    item::{Read, item, json, number, text},
    keys::Key,
    values, work_item,
};
use crate::{
    rules,
    tables::{PARTITION_KEY, TTL},
};

/// Attribute: the state's name.
const STATE: &str = "state";
/// Attribute: the state, as JSON.
const OUTCOME: &str = "outcome";
/// Attribute: the code of a verification that is to come.
const CODE: &str = "code";
/// Attribute: attempts in a row that a fault outside has ended.
const FAULTS: &str = "faults";

/// What never changes.
#[derive(Serialize, Deserialize)]
struct Body {
    on: HookRef,
    hook: Option<HookId>,
    event: HookEvent,
    received_at: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_of_leaver: bool,
}

#[async_trait]
impl AcceptDeliveries for DynamoStore {
    async fn accept(&self, delivery: &Delivery) -> Result<Accepted, StoreError> {
        let absent = format!("attribute_not_exists(#{PARTITION_KEY})");
        let mut stored = item(&Key::delivery(&delivery.id));
        stored.extend(encode(delivery, delivery.revision)?);
        match self.put_if(stored, &absent, None).await {
            Ok(()) => Ok(Accepted::New),
            Err(Rejected::Condition(Some(stored))) => Ok(rules::repeated(&stored.json(OUTCOME)?)),
            Err(Rejected::Condition(None)) => Ok(Accepted::Repeated),
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
        let optional: Vec<&str> = [CODE].iter().chain(&work_item::ALL).copied().collect();
        let (update, mut terms) = work_item::update(encode(delivery, delivery.revision + 1)?, &optional);
        terms.insert(":expected".to_owned(), number(delivery.revision));
        terms.insert(":received".to_owned(), text(DeliveryState::Received.name()));
        let condition = format!("#{VERSION} = :expected AND #{STATE} = :received");
        self.update_if(&Key::delivery(&delivery.id), &update, &condition, Some(terms)).await?;
        Ok(())
    }

    async fn settle_delivery(&self, id: &DeliveryId, state: &DeliveryState) -> Result<bool, StoreError> {
        let work: Vec<String> = work_item::ALL.iter().map(|name| format!("#{name}")).collect();
        let update = format!(
            "SET #{STATE} = :state, #{OUTCOME} = :outcome, #{VERSION} = #{VERSION} + :one REMOVE #{CODE}, {}",
            work.join(", ")
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

/// The attributes of a delivery but for its key.
fn encode(delivery: &Delivery, revision: u64) -> Result<Item, StoreError> {
    let Delivery { on, hook, event, code, received_at, is_of_leaver, state, faults, .. } = delivery;
    let mut item = Item::new();
    let (on, event) = (on.clone(), event.clone());
    let body = Body { on, hook: *hook, event, received_at: *received_at, is_of_leaver: *is_of_leaver };
    item.insert(BODY.to_owned(), json(&body)?);
    item.insert(STATE.to_owned(), text(state.name()));
    item.insert(OUTCOME.to_owned(), json(state)?);
    item.insert(FAULTS.to_owned(), number(faults));
    item.insert(VERSION.to_owned(), number(revision));
    item.insert(TTL.to_owned(), number(delivery.expires_at().as_second()));
    if let Some(code) = code {
        item.insert(CODE.to_owned(), text(code.expose()));
    }
    if let Some(waiting) = delivery.waiting() {
        item.extend(work_item::encode(&waiting)?);
    }
    Ok(item)
}

fn decode(item: &Item) -> Result<Delivery, StoreError> {
    let Body { on, hook, event, received_at, is_of_leaver } = item.json(BODY)?;
    let id = Key::of(item)?.delivery_id()?;
    let waiting = work_item::decode(JobId::new(JobId::DELIVERY, &id), item)?;
    Ok(Delivery {
        id,
        on,
        hook,
        event,
        code: item.find_text(CODE)?.map(VerificationCode::new),
        received_at,
        is_of_leaver,
        state: item.json(OUTCOME)?,
        faults: item.number(FAULTS)?,
        faulted_at: waiting.as_ref().and_then(|waiting| waiting.faulted_at),
        not_before: waiting.and_then(|waiting| waiting.not_before),
        revision: item.number(VERSION)?,
    })
}
