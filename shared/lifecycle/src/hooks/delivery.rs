//! One POST from Podio, and what became of it.
//!
//! Podio gives its deliveries no id. What makes one unique is the hook, the type, the object and its revision. An event
//! that carries no revision can happen again, to the same object and with the same words; there the time counts too, in
//! steps of ten minutes: an immediate duplicate is the same delivery, and what happens again later, or once the first is dealt
//! with, is another. What the first one led to cannot have covered that.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{EventType, Fields, HookEvent, HookRef};
use crate::{
    ids::{AppId, HookId},
    work::{Calls, Group, JobId, Priority, Waiting},
};

/// How long a delivery is kept.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The routes of the calls that a delivery leads to first.
pub mod routes {
    /// Of a verification: the hooks of the object, since only ours are answered.
    pub const LIST: &str = "GET /hook/{ref_type}/{ref_id}/";
    /// Then the answer.
    pub const VALIDATE: &str = "POST /hook/{hook_id}/verify/validate";
    /// Of an item of the leavers app.
    pub const ITEM: &str = "GET /item/{item_id}";
    /// Of somebody who may have come into a space.
    pub const MEMBERS: &str = "GET /space/{space_id}/member/v2/";
}
/// Within so many seconds the same words mean the same event, where there is no revision.
const SAME_EVENT_SECONDS: i64 = 600;
/// The longest code that is taken for one; Podio's have eight characters.
const LONGEST_CODE: usize = 200;

/// Names one delivery: `dlv_` and the digest of what makes it unique.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryId(String);

impl DeliveryId {
    const PREFIX: &'static str = "dlv_";
    /// Sixteen bytes of the digest.
    const DIGITS: usize = 32;

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The delivery of the same words that came at that time, once this one was dealt with.
    fn repeated_at(&self, received_at: Timestamp) -> Self {
        let hex = hex::encode(Sha256::digest(format!("{}|{}", self.0, received_at.as_second())));
        Self(format!("{}{}", Self::PREFIX, &hex[..Self::DIGITS]))
    }

    fn of(on: &HookRef, hook: Option<HookId>, event: &HookEvent, fields: &Fields, received_at: Timestamp) -> Self {
        let mut digest = Sha256::new();
        let mut part = |text: &str| {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text.as_bytes());
        };
        part(&on.to_string());
        part(&hook.map(|hook| hook.to_string()).unwrap_or_default());
        part(event.kind.as_str());
        match (event.ids.item_id, event.ids.item_revision_id) {
            (Some(item), Some(revision)) if event.is_of_item() => {
                part(&item.to_string());
                part(&revision.to_string());
            }
            // All that was said, since nobody knows what else could tell two events apart.
            _ => {
                fields.iter().for_each(|(name, text)| {
                    part(name);
                    part(text);
                });
                if !event.happens_once() {
                    part(&received_at.as_second().div_euclid(SAME_EVENT_SECONDS).to_string());
                }
            }
        }
        let hex = hex::encode(digest.finalize());
        Self(format!("{}{}", Self::PREFIX, &hex[..Self::DIGITS]))
    }
}

/// Text that is not a delivery's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a delivery id")]
pub struct NotADeliveryId;

impl FromStr for DeliveryId {
    type Err = NotADeliveryId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(Self::PREFIX).ok_or(NotADeliveryId)?;
        let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_id = digits.len() == Self::DIGITS && digits.bytes().all(lower_hex);
        is_id.then(|| Self(text.to_owned())).ok_or(NotADeliveryId)
    }
}

impl TryFrom<String> for DeliveryId {
    type Error = NotADeliveryId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DeliveryId> for String {
    fn from(id: DeliveryId) -> Self {
        id.0
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The code that activates a hook. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VerificationCode(String);

impl VerificationCode {
    /// The code as Podio sent it.
    pub fn new(code: impl Into<String>) -> Self {
        Self(code.into())
    }

    /// The code, for whoever sends it back.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for VerificationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerificationCode(..)")
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum DeliveryState {
    /// Its job is to come, or at work.
    Received,
    /// There is nothing to do about it: kept for the record.
    Kept,
    /// All is done that was to be done about it.
    Handled {
        /// When.
        at: Timestamp,
    },
    /// It was looked into, and there was a reason to do nothing.
    Noted {
        /// When.
        at: Timestamp,
        /// Why.
        reason: Reason,
    },
    /// Nothing can be done about it, ever.
    Refused {
        /// When that was found out.
        at: Timestamp,
        /// Why.
        reason: Reason,
    },
}

impl DeliveryState {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Kept => "kept",
            Self::Handled { .. } => "handled",
            Self::Noted { .. } => "noted",
            Self::Refused { .. } => "refused",
        }
    }

    /// Whether nothing more will happen.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Received => false,
            Self::Kept | Self::Handled { .. } | Self::Noted { .. } | Self::Refused { .. } => true,
        }
    }
}

/// Why a delivery was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// For programs: a word such as `wrong_code`.
    pub code: String,
    /// For people, without anything personal.
    pub detail: String,
}

impl Reason {
    /// A reason.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }
}

/// What is of interest beyond what the service does by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Interest {
    /// Whether events are published.
    pub bus: bool,
    /// The app whose items are leavers.
    pub leavers_app: Option<AppId>,
}

/// One POST from Podio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What it is known by.
    pub id: DeliveryId,
    /// What the hook hangs on.
    pub on: HookRef,
    /// The hook, as far as the body named it.
    pub hook: Option<HookId>,
    /// What happened.
    pub event: HookEvent,
    /// The code, of a verification only.
    pub code: Option<VerificationCode>,
    /// When it came first.
    pub received_at: Timestamp,
    /// Whether an item of the leavers app has changed. Somebody waits for a leaver, and for nothing else.
    pub is_of_leaver: bool,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts in a row that a fault outside has ended.
    pub faults: u32,
    /// When a fault outside last ended one.
    pub faulted_at: Option<Timestamp>,
    /// Its job goes out no earlier.
    pub not_before: Option<Timestamp>,
    /// How often it was written since it came.
    pub revision: u64,
}

/// What is no delivery of Podio's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not a delivery of Podio's")]
pub struct NotADelivery;

impl Delivery {
    /// Reads a body that was posted to the address of `on`.
    ///
    /// # Errors
    /// It names no type; or it is a verification without a hook or a code, which nobody could answer.
    pub fn read(
        on: HookRef,
        fields: &Fields,
        received_at: Timestamp,
        interest: Interest,
    ) -> Result<Self, NotADelivery> {
        let event = HookEvent::read(fields).ok_or(NotADelivery)?;
        let hook: Option<HookId> = fields.parsed("hook_id");
        let is_verification = event.kind == EventType::Verify;
        let code = fields.text("code").filter(|code| is_verification && code.len() <= LONGEST_CODE);
        if is_verification && (hook.is_none() || code.is_none()) {
            return Err(NotADelivery);
        }
        let has_effect = event.has_effect(&on, interest.leavers_app);
        Ok(Self {
            id: DeliveryId::of(&on, hook, &event, fields, received_at),
            code: code.map(VerificationCode::new),
            is_of_leaver: has_effect && event.is_of_item(),
            on,
            hook,
            event,
            received_at,
            state: if has_effect || interest.bus { DeliveryState::Received } else { DeliveryState::Kept },
            faults: 0,
            faulted_at: None,
            not_before: None,
            revision: 0,
        })
    }

    /// The job that is to come, as the work table shows it.
    pub fn waiting(&self) -> Option<Waiting> {
        if self.state.is_final() {
            return None;
        }
        let calls = match self.event.kind {
            EventType::Verify => Calls::back_to_back([routes::LIST, routes::VALIDATE]),
            _ if self.event.is_of_item() => Calls::of(routes::ITEM, 1),
            _ => Calls::of(routes::MEMBERS, 1),
        };
        Some(Waiting {
            job: JobId::new(JobId::DELIVERY, &self.id),
            priority: if self.is_of_leaver { Priority::Interactive } else { Priority::Background },
            place: self.received_at,
            since: self.received_at,
            not_before: self.not_before,
            faulted_at: self.faulted_at,
            calls,
            group: Some(Group::Hooks(self.on.clone())),
        })
    }

    /// The same, waiting until `until`.
    pub fn paused(&self, until: Option<Timestamp>) -> Self {
        Self { not_before: until, faulted_at: None, ..self.clone() }
    }

    /// The same after a fault outside at `now`, to be tried again at `again_at`.
    pub fn faulted(&self, now: Timestamp, again_at: Timestamp) -> Self {
        Self { faults: self.faults + 1, faulted_at: Some(now), not_before: Some(again_at), ..self.clone() }
    }

    /// The same as a delivery of its own: the first one of these words is dealt with. None where it can only be a duplicate.
    pub fn anew(&self) -> Option<Self> {
        self.event.recurs().then(|| Self { id: self.id.repeated_at(self.received_at), ..self.clone() })
    }

    /// From when on it may be forgotten.
    pub fn expires_at(&self) -> Timestamp {
        self.received_at + KEPT_FOR
    }
}

impl HookEvent {
    /// Whether the same words can tell of another event.
    fn recurs(&self) -> bool {
        let has_revision = self.is_of_item() && self.ids.item_id.is_some() && self.ids.item_revision_id.is_some();
        self.kind != EventType::Verify && !has_revision && !self.happens_once()
    }

    /// Whether it can happen only once to the object that it names.
    fn happens_once(&self) -> bool {
        matches!(self.kind, EventType::CommentCreate | EventType::CommentDelete) && self.ids.comment_id.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SpaceId;

    const MORNING: Timestamp = Timestamp::constant(1_790_000_400, 0);

    fn fields(form: &[(&str, &str)]) -> Fields {
        form.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn came(form: &[(&str, &str)], seconds: i64) -> Delivery {
        let at = MORNING + SignedDuration::from_secs(seconds);
        Delivery::read(HookRef::space(SpaceId(5)), &fields(form), at, Interest::default()).unwrap()
    }

    #[test]
    fn what_has_a_revision_is_the_same_whenever_it_comes_and_whatever_else_it_says() {
        let first = [("type", "item.update"), ("hook_id", "7"), ("item_id", "9"), ("item_revision_id", "2")];
        let again = [("item_revision_id", "2"), ("type", "item.update"), ("hook_id", "7"), ("item_id", "9"), ("x", "")];
        assert_eq!(came(&first, 0).id, came(&again, 90_000).id);
        for (name, text) in [("type", "item.delete"), ("hook_id", "8"), ("item_id", "8"), ("item_revision_id", "3")] {
            let other: Vec<_> =
                first.iter().map(|&(known, old)| if known == name { (name, text) } else { (known, old) }).collect();
            assert_ne!(came(&first, 0).id, came(&other, 0).id, "{name}");
        }
    }

    #[test]
    fn what_has_none_is_the_same_within_ten_minutes_only() {
        let added = [("type", "member.add"), ("hook_id", "7"), ("user_id", "3")];
        assert_eq!(came(&added, 0).id, came(&added, 599).id);
        assert_ne!(came(&added, 0).id, came(&added, 600).id, "left in between, and back again");
        let another = [("type", "member.add"), ("hook_id", "7"), ("member", "4")];
        assert_ne!(came(&added, 0).id, came(&another, 0).id, "also by a name that nobody knows");
        let comment = [("type", "comment.create"), ("hook_id", "7"), ("comment_id", "3")];
        assert_eq!(came(&comment, 0).id, came(&comment, 90_000).id);
    }

    #[test]
    fn what_has_no_revision_can_happen_again_once_the_first_is_dealt_with() {
        let added = [("type", "member.add"), ("hook_id", "7"), ("user_id", "1")];
        let (first, again) = (came(&added, 0), came(&added, 60));
        assert_eq!(first.id, again.id, "as long as the first waits it is a duplicate");
        let anew = again.anew().unwrap();
        assert_ne!(anew.id, first.id);
        assert_eq!(anew.id, again.anew().unwrap().id, "and so is its own duplicate");
        let revised = [("type", "item.update"), ("hook_id", "7"), ("item_id", "9"), ("item_revision_id", "2")];
        let verify = [("type", "hook.verify"), ("hook_id", "7"), ("code", "x")];
        assert!([came(&revised, 0), came(&verify, 0)].iter().all(|delivery| delivery.anew().is_none()));
    }

    #[test]
    fn an_id_is_read_back_and_nothing_else_is_taken_for_one() {
        let id = came(&[("type", "member.add")], 0).id;
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for wrong in ["", "dlv_", "dlv_XYZ", &id.as_str().to_uppercase(), &format!("{id}0"), &id.as_str()[..35]] {
            assert_eq!(wrong.parse::<DeliveryId>(), Err(NotADeliveryId), "{wrong}");
        }
    }

    #[test]
    fn a_verification_needs_a_hook_and_a_code_and_shows_no_code() {
        let read = |form: &[(&str, &str)]| {
            Delivery::read(HookRef::space(SpaceId(5)), &fields(form), MORNING, Interest::default())
        };
        let verify = read(&[("type", "hook.verify"), ("hook_id", "7"), ("code", "b9079247")]).unwrap();
        assert_eq!(verify.code.as_ref().map(VerificationCode::expose), Some("b9079247"));
        assert!(!format!("{verify:?}").contains("b9079247"));
        for form in [
            &[("type", "hook.verify"), ("hook_id", "7")][..],
            &[("type", "hook.verify"), ("hook_id", "seven"), ("code", "b9079247")],
            &[("hook_id", "7")],
        ] {
            assert_eq!(read(form).unwrap_err(), NotADelivery);
        }
        let item = read(&[("type", "item.create"), ("code", "b9079247")]).unwrap();
        assert_eq!(item.code, None);
    }

    #[test]
    fn who_cares_decides_whether_there_is_a_job() {
        let read = |form: &[(&str, &str)], interest| {
            Delivery::read(HookRef::app(AppId(5)), &fields(form), MORNING, interest).unwrap().waiting().is_some()
        };
        let nobody = Interest::default();
        let bus = Interest { bus: true, ..nobody };
        let leavers = Interest { leavers_app: Some(AppId(5)), ..nobody };
        assert!(read(&[("type", "member.add")], nobody));
        assert!(!read(&[("type", "tag.add")], nobody));
        assert!(read(&[("type", "tag.add")], bus));
        assert!(!read(&[("type", "item.create")], nobody));
        assert!(read(&[("type", "item.create")], leavers));
    }

    #[test]
    fn only_the_leavers_app_is_in_a_hurry() {
        let interest = Interest { bus: true, leavers_app: Some(AppId(5)) };
        let waiting = |app, kind| {
            let form = fields(&[("type", kind), ("hook_id", "7"), ("code", "x"), ("item_id", "9")]);
            Delivery::read(HookRef::app(AppId(app)), &form, MORNING, interest).unwrap().waiting().unwrap()
        };
        assert_eq!(waiting(5, "item.create").priority, Priority::Interactive);
        for (app, kind) in [(6, "item.create"), (5, "hook.verify"), (5, "member.add"), (5, "comment.create")] {
            assert_eq!(waiting(app, kind).priority, Priority::Background, "{app} {kind}");
        }
        let group = Some(Group::Hooks(HookRef::app(AppId(5))));
        assert!(["item.create", "hook.verify"].into_iter().all(|kind| waiting(5, kind).group == group));
    }
}
