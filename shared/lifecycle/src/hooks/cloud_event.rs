//! A delivery as others are told of it: CloudEvents 1.0, in its JSON format.
//!
//! Source: github.com/cloudevents/spec, v1.0.2, "CloudEvents" and "JSON Event Format for CloudEvents".

use jiff::Timestamp;
use serde::Serialize;

use super::{Delivery, EventType, ObjectIds};
use crate::{
    ids::{HookId, OrgId},
    people::{Change, MemberEvent},
};

/// One event. Whoever receives it twice knows it by its id and source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CloudEvent {
    /// The version of the specification.
    pub specversion: &'static str,
    /// The delivery's id.
    pub id: String,
    /// `/podio/{ref_type}/{ref_id}`: what the hook hangs on.
    pub source: String,
    /// `com.podio.{type}`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was received; Podio does not tell when it happened.
    pub time: Timestamp,
    /// JSON.
    pub datacontenttype: &'static str,
    /// Ids.
    pub data: EventData,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum EventData {
    /// A delivery of Podio's.
    Podio(CloudEventData),
    /// A change that an audit has found.
    Member(MemberEvent),
}

/// The ids that Podio sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CloudEventData {
    /// The hook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook_id: Option<HookId>,
    /// What it is about.
    #[serde(flatten)]
    pub ids: ObjectIds,
}

impl CloudEvent {
    /// The event that a delivery tells of; none of a verification, which concerns nobody else.
    pub fn of(delivery: &Delivery) -> Option<Self> {
        (delivery.event.kind != EventType::Verify).then(|| Self {
            specversion: "1.0",
            id: delivery.id.to_string(),
            source: format!("/podio/{}", delivery.on),
            kind: format!("com.podio.{}", delivery.event.kind),
            time: delivery.received_at,
            datacontenttype: "application/json",
            data: EventData::Podio(CloudEventData { hook_id: delivery.hook, ids: delivery.event.ids.clone() }),
        })
    }

    /// The event that a change tells of. The same change has the same id, however often it is told.
    pub fn of_change(org_id: OrgId, change: &Change) -> Self {
        let Change { at, kind, user_id, ref audit_id, ref cause, .. } = *change;
        Self {
            specversion: "1.0",
            id: format!("{audit_id}.{user_id}.{}", kind.name()),
            source: format!("/podio/org/{org_id}"),
            kind: format!("com.podio-lifecycle.member.{}", kind.name()),
            time: at,
            datacontenttype: "application/json",
            data: EventData::Member(MemberEvent { org_id, user_id, audit_id: audit_id.clone(), cause: cause.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        hooks::{Fields, HookRef, Interest},
        ids::AppId,
    };

    #[test]
    fn others_are_told_ids_and_nothing_else() {
        let form = "type=item.update&hook_id=7&item_id=9&item_revision_id=2&external_id=jane@example.com";
        let fields: Fields = form
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .collect();
        let on = HookRef::app(AppId(5));
        let delivery = Delivery::read(on.clone(), &fields, Timestamp::UNIX_EPOCH, Interest::default()).unwrap();
        let expected = json!({
            "specversion": "1.0",
            "id": delivery.id.as_str(),
            "source": "/podio/app/5",
            "type": "com.podio.item.update",
            "time": "1970-01-01T00:00:00Z",
            "datacontenttype": "application/json",
            "data": {"hook_id": 7, "item_id": 9, "item_revision_id": 2},
        });
        assert_eq!(serde_json::to_value(CloudEvent::of(&delivery).unwrap()).unwrap(), expected);

        let verify: Fields = [("type", "hook.verify"), ("hook_id", "7"), ("code", "x")]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into_iter()
            .collect();
        let verify = Delivery::read(on, &verify, Timestamp::UNIX_EPOCH, Interest::default()).unwrap();
        assert_eq!(CloudEvent::of(&verify), None);
    }
}
