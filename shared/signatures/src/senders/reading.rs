//! What a delivery says: who leaves, and when.
//!
//! All or nothing: where one entry means a leaver and does not say whom or when, the delivery is refused whole, so that it
//! can be sent again once the mapping is mended.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Condition, Delivery, Sender, date, document::Document};

/// The part of a leaver's life that an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Somebody is going to leave; the event has a date.
    Announced,
    /// Somebody leaves.
    Effective,
    /// What was announced does not come true.
    Cancelled,
    /// Somebody is back.
    Rehired,
}

/// Whom an event is about.
#[derive(Clone, PartialEq, Eq)]
pub enum Who {
    /// An address, as it was written.
    Email(String),
    /// Podio's id.
    User(u64),
}

/// Addresses of people do not belong in logs.
impl std::fmt::Debug for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Who(…)")
    }
}

/// One event that is about a leaver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place among the delivery's entries.
    pub entry: usize,
    /// What happens.
    pub moment: Moment,
    /// To whom.
    pub who: Who,
    /// When; now where it says nothing.
    pub at: Option<Timestamp>,
    /// The same for each delivery of this event: a digest of the sender's id of it, or of the body where it has none.
    pub key: String,
}

/// A delivery that is authentic and cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not written as the sender's bodies are.
    #[error("the body is not what this sender is configured to send")]
    Body,
    /// An event means a leaver and lacks what it takes.
    #[error("{pointer}: {expected}")]
    Unmapped {
        /// Where something was looked for.
        pointer: String,
        /// What was looked for.
        expected: &'static str,
    },
}

/// What a delivery says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The events that are about leavers.
    pub events: Vec<Event>,
    /// How many are about something else.
    pub ignored: usize,
}

impl Sender {
    /// Reads a delivery that was verified.
    ///
    /// # Errors
    /// [`Unreadable`], which names places and repeats nothing of what stands there.
    pub fn read(&self, delivery: Delivery<'_>) -> Result<Reading, Unreadable> {
        let document = Document::read(self.body, delivery).ok_or(Unreadable::Body)?;
        let entries = document.entries(self.each.as_deref()).ok_or(Unreadable::Body)?;
        let mut reading = Reading::default();
        for entry in 0..entries {
            match self.moment(&document, entry) {
                Some(moment) => reading.events.push(self.event(&document, entry, moment, delivery.body)?),
                None => reading.ignored += 1,
            }
        }
        Ok(reading)
    }

    /// Where several conditions hold, the one that removes nobody counts.
    fn moment(&self, document: &Document<'_>, entry: usize) -> Option<Moment> {
        let rules = [
            (&self.rules.cancel, Moment::Cancelled),
            (&self.rules.rehire, Moment::Rehired),
            (&self.rules.announce, Moment::Announced),
            (&self.rules.leave, Moment::Effective),
        ];
        let holds = |condition: &Condition| {
            let each = self.each.as_deref();
            condition.iter().all(|(pointer, values)| document.has_one_of(values, pointer, each, entry))
        };
        rules.into_iter().find(|(rule, _)| rule.as_ref().is_some_and(holds)).map(|(_, moment)| moment)
    }

    fn event(&self, document: &Document<'_>, entry: usize, moment: Moment, body: &[u8]) -> Result<Event, Unreadable> {
        let text = |pointer: &str| document.text(pointer, self.each.as_deref(), entry);
        let missing = |pointer: &str, expected| Unreadable::Unmapped { pointer: pointer.to_owned(), expected };
        let who = self.who(&text)?;
        let at = match (&self.map.effective_at, moment) {
            // Who does not leave needs no date.
            (_, Moment::Cancelled | Moment::Rehired) => None,
            (None, Moment::Announced) => return Err(missing("effective_at", "an announcement needs a date")),
            (None, Moment::Effective) => None,
            (Some(pointer), Moment::Announced | Moment::Effective) => {
                let found = text(pointer).ok_or_else(|| missing(pointer, "expected a date"))?;
                let at = date::moment(&found, self.zone.as_ref());
                Some(
                    at.ok_or_else(|| missing(pointer, "expected a date such as 2026-12-01 or a time with its offset"))?,
                )
            }
        };
        let id = self.map.key.as_deref().and_then(text);
        let digest = match &id {
            // An id and a body cannot have one digest: what is hashed begins with its kind.
            Some(id) => Sha256::new().chain_update(b"id:").chain_update(id.as_bytes()),
            None => Sha256::new().chain_update(format!("body:{entry}:")).chain_update(body),
        };
        Ok(Event { entry, moment, who, at, key: hex::encode(digest.finalize()) })
    }

    fn who<'t>(&self, text: &impl Fn(&str) -> Option<std::borrow::Cow<'t, str>>) -> Result<Who, Unreadable> {
        if let Some(pointer) = &self.map.user_id
            && let Some(found) = text(pointer)
        {
            let id = found.parse().ok().filter(|id| *id > 0 && found.bytes().all(|byte| byte.is_ascii_digit()));
            let expected = "expected a user id of Podio's, a positive whole number";
            return id.map(Who::User).ok_or(Unreadable::Unmapped { pointer: pointer.clone(), expected });
        }
        if let Some(pointer) = &self.map.email
            && let Some(found) = text(pointer)
        {
            return Ok(Who::Email(found.into_owned()));
        }
        let (pointer, expected) = match (&self.map.employee_id, &self.map.email, &self.map.user_id) {
            (Some(id), ..) if text(id).is_some() => {
                (id, "the event names its person by the sender's own id only; map an address, which it must carry")
            }
            (_, Some(pointer), _) => (pointer, "expected an e-mail address"),
            (_, None, Some(pointer)) => (pointer, "expected a user id of Podio's"),
            (Some(pointer), None, None) => (pointer, "expected the sender's id of a person"),
            (None, None, None) => (&self.name, "nothing is mapped to an address"),
        };
        Err(Unreadable::Unmapped { pointer: pointer.clone(), expected })
    }
}
