//! What happened: the type of an event, and the ids that came with it.
//!
//! Which parameters come with which type is documented for items and comments only. So a delivery may carry any of the
//! ids, an id that is missing or no number is none, and a type that is not known is an event all the same.
//!
//! Source: developers.podio.com/doc/hooks, and the public receivers and clients of Podio's hooks.

use std::{convert::Infallible, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Fields, HookRef};
use crate::ids::{AppId, CommentId, FileId, FormId, ItemId, ProfileId, SpaceId, StatusId, TaskId, UserId};

/// The longest name of an unknown type that is kept.
const LONGEST_NAME: usize = 80;
/// Files of one event that are kept. Whoever needs all of them asks Podio.
const MOST_FILES: usize = 50;

/// Declares the closed set of types together with their names on the wire.
macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)+) => {
        /// The type of an event.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum EventType {
            $($(#[$doc])* $variant,)+
            /// A type that this version does not know.
            Other(String),
        }

        impl EventType {
            /// All that are known.
            pub const KNOWN: &[Self] = &[$(Self::$variant,)+];

            /// The name as Podio spells it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Other(name) => name,
                }
            }

            fn known(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

event_types! {
    /// Podio makes sure that a hook's address is ours.
    Verify = "hook.verify";
    /// An item came into being.
    ItemCreate = "item.create";
    /// An item was changed.
    ItemUpdate = "item.update";
    /// An item was deleted.
    ItemDelete = "item.delete";
    /// Somebody commented on an item.
    CommentCreate = "comment.create";
    /// A comment was deleted.
    CommentDelete = "comment.delete";
    /// A file of an item came, changed or went.
    FileChange = "file.change";
    /// An app came into being in a space.
    AppCreate = "app.create";
    /// An app was changed.
    AppUpdate = "app.update";
    /// An app was deleted.
    AppDelete = "app.delete";
    /// A form of an app came into being.
    FormCreate = "form.create";
    /// A form of an app was changed.
    FormUpdate = "form.update";
    /// A form of an app was deleted.
    FormDelete = "form.delete";
    /// A task came into being.
    TaskCreate = "task.create";
    /// A task was changed.
    TaskUpdate = "task.update";
    /// A task was deleted.
    TaskDelete = "task.delete";
    /// Something was tagged.
    TagAdd = "tag.add";
    /// A tag was taken off.
    TagDelete = "tag.delete";
    /// A contact came into being in a space.
    ContactCreate = "contact.create";
    /// A contact was changed.
    ContactUpdate = "contact.update";
    /// A contact was deleted.
    ContactDelete = "contact.delete";
    /// Somebody posted a status.
    StatusCreate = "status.create";
    /// A status was changed.
    StatusUpdate = "status.update";
    /// A status was deleted.
    StatusDelete = "status.delete";
    /// Somebody became a member of a space.
    MemberAdd = "member.add";
    /// Somebody is no member of a space any more.
    MemberRemove = "member.remove";
    /// A space came into being.
    SpaceCreate = "space.create";
    /// A space was changed.
    SpaceUpdate = "space.update";
}

impl EventType {
    /// The name for a log: that of an unknown type can be anything that a stranger wrote.
    pub fn log_name(&self) -> &str {
        match self {
            Self::Other(_) => "other",
            known => known.as_str(),
        }
    }
}

impl FromStr for EventType {
    type Err = Infallible;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(Self::known(name).unwrap_or_else(|| Self::Other(name.chars().take(LONGEST_NAME).collect())))
    }
}

impl From<String> for EventType {
    fn from(name: String) -> Self {
        Self::known(&name).unwrap_or_else(|| Self::Other(name.chars().take(LONGEST_NAME).collect()))
    }
}

impl From<EventType> for String {
    fn from(event: EventType) -> Self {
        event.as_str().to_owned()
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileAction {
    /// It is new.
    FileCreated,
    /// Another one took its place.
    FileReplaced,
    /// It is gone.
    FileDeleted,
}

impl FromStr for FileAction {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "file_created" => Ok(Self::FileCreated),
            "file_replaced" => Ok(Self::FileReplaced),
            "file_deleted" => Ok(Self::FileDeleted),
            _ => Err(()),
        }
    }
}

/// The ids that came with an event. An external id is left out: it is whatever a company made it, also an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectIds {
    /// `item_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_id: Option<ItemId>,
    /// `item_revision_id`: 0 for a new item, one more with each change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_revision_id: Option<u64>,
    /// `comment_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment_id: Option<CommentId>,
    /// `app_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<AppId>,
    /// `form_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form_id: Option<FormId>,
    /// `task_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// `status_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_id: Option<StatusId>,
    /// `profile_id`, of a contact or of a member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<ProfileId>,
    /// `user_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// `space_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub space_id: Option<SpaceId>,
    /// `action_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_type: Option<FileAction>,
    /// `file_ids`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub file_ids: Vec<FileId>,
}

impl ObjectIds {
    fn read(fields: &Fields) -> Self {
        let files = fields.text("file_ids").unwrap_or_default().split(',');
        Self {
            item_id: fields.parsed("item_id"),
            item_revision_id: fields.parsed("item_revision_id"),
            comment_id: fields.parsed("comment_id"),
            app_id: fields.parsed("app_id"),
            form_id: fields.parsed("form_id"),
            task_id: fields.parsed("task_id"),
            status_id: fields.parsed("status_id"),
            profile_id: fields.parsed("profile_id"),
            user_id: fields.parsed("user_id"),
            space_id: fields.parsed("space_id"),
            action_type: fields.parsed("action_type"),
            file_ids: files.filter_map(|id| id.trim().parse().ok()).take(MOST_FILES).collect(),
        }
    }
}

/// What happened, and to what.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HookEvent {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// To what.
    #[serde(flatten)]
    pub ids: ObjectIds,
}

impl HookEvent {
    /// Reads a body's fields; none where no type is named.
    pub fn read(fields: &Fields) -> Option<Self> {
        Some(Self { kind: fields.parsed("type")?, ids: ObjectIds::read(fields) })
    }

    /// Whether an item came, changed or went. Its revision tells such an event from every other of its type.
    pub fn is_of_item(&self) -> bool {
        matches!(self.kind, EventType::ItemCreate | EventType::ItemUpdate | EventType::ItemDelete)
    }

    /// Whether the service itself has something to do about it, when it happened to `on`.
    pub fn has_effect(&self, on: &HookRef, leavers_app: Option<AppId>) -> bool {
        match &self.kind {
            // A plan that is carried out may have to be looked at again, and a leaver may have returned.
            EventType::Verify | EventType::AppCreate | EventType::MemberAdd | EventType::SpaceCreate => true,
            EventType::ItemCreate | EventType::ItemUpdate | EventType::ItemDelete => {
                leavers_app.is_some() && on.as_app() == leavers_app
            }
            EventType::CommentCreate
            | EventType::CommentDelete
            | EventType::FileChange
            | EventType::AppUpdate
            | EventType::AppDelete
            | EventType::FormCreate
            | EventType::FormUpdate
            | EventType::FormDelete
            | EventType::TaskCreate
            | EventType::TaskUpdate
            | EventType::TaskDelete
            | EventType::TagAdd
            | EventType::TagDelete
            | EventType::ContactCreate
            | EventType::ContactUpdate
            | EventType::ContactDelete
            | EventType::StatusCreate
            | EventType::StatusUpdate
            | EventType::StatusDelete
            | EventType::MemberRemove
            | EventType::SpaceUpdate
            | EventType::Other(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> Option<HookEvent> {
        HookEvent::read(&fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn every_type_is_read_back_from_its_name() {
        for kind in EventType::KNOWN {
            assert_eq!(kind.as_str().parse(), Ok(kind.clone()));
            assert_eq!(serde_json::from_str::<EventType>(&serde_json::to_string(kind).unwrap()).unwrap(), *kind);
        }
        assert_eq!(EventType::KNOWN.len(), 28);
        let strange = EventType::Other("rating.add".into());
        assert_eq!("rating.add".parse(), Ok(strange.clone()));
        assert_eq!((strange.as_str(), strange.log_name()), ("rating.add", "other"));
        assert_eq!("x".repeat(5_000).parse(), Ok(EventType::Other("x".repeat(LONGEST_NAME))));
    }

    #[test]
    fn ids_are_read_from_text_and_what_is_no_number_is_none() {
        let event = read(&[
            ("type", "file.change"),
            ("item_id", " 9 "),
            ("item_revision_id", ""),
            ("app_id", "twelve"),
            ("user_id", "-1"),
            ("action_type", "file_replaced"),
            ("file_ids", "1, x,,3"),
            ("external_id", "jane@example.com"),
        ])
        .unwrap();
        let ids = ObjectIds {
            item_id: Some(ItemId(9)),
            action_type: Some(FileAction::FileReplaced),
            file_ids: vec![FileId(1), FileId(3)],
            ..ObjectIds::default()
        };
        assert_eq!(event, HookEvent { kind: EventType::FileChange, ids });
        assert_eq!(read(&[("item_id", "9")]), None);
        assert_eq!(read(&[("type", " ")]), None);
    }

    #[test]
    fn items_matter_in_the_leavers_app_only() {
        let event = read(&[("type", "item.update"), ("item_id", "9")]).unwrap();
        let (leavers, other) = (HookRef::app(AppId(5)), HookRef::app(AppId(6)));
        assert!(event.has_effect(&leavers, Some(AppId(5))));
        assert!(!event.has_effect(&other, Some(AppId(5))));
        assert!(!event.has_effect(&leavers, None));
        assert!(!event.has_effect(&HookRef::space(SpaceId(5)), Some(AppId(5))));
    }
}
